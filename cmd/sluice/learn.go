package main

import (
	"strings"

	"sluice/detectors/known"
	"sluice/internal/record"
)

// publicNames end the names of variables that images set to digests and key
// ids, which look like secrets and are printed everywhere.
var publicNames = []string{"GPG_KEY", "GPG_KEYS", "SHA256", "SHA512", "DIGEST", "CHECKSUM", "VERSION", "REVISION", "COMMIT", "PATH", "HOSTNAME"}

// learnCredential looks for the key that Sluice itself uses at the gateway. It
// comes behind the live keys, which know its owner if it is one of theirs.
func (d *detection) learnCredential(access *gatewayAccess) {
	if !access.credential.Empty() && access.credential != access.master {
		d.learnt.Add(known.Told{Name: gatewayKeyVariable, Value: access.credential, Asked: true})
	}
}

// environments is who is told the environment of containers; nil: the user does
// not want it.
func (f *detectFlags) environments(d *detection) func(container string, env []string) {
	if !f.containers {
		return nil
	}
	return d.learnEnvironment
}

// learnEnvironment looks for the secrets of a container's environment from now
// on, with the guards of an env file. They stay in memory, and a container that
// is gone may still be quoted by another.
func (d *detection) learnEnvironment(_ string, env []string) {
	for _, variable := range env {
		name, value, ok := strings.Cut(variable, "=")
		if !ok || value == "" || isPublicName(name) {
			continue
		}
		t := known.Told{Name: name, Value: record.NewSecret(value)}
		if name == masterVariable {
			t.Rule, t.Asked, t.Gateway = known.RuleMaster, true, true
		}
		d.learnt.Add(t)
	}
}

func isPublicName(name string) bool {
	for _, end := range publicNames {
		if head, ok := strings.CutSuffix(strings.ToUpper(name), end); ok && (head == "" || strings.HasSuffix(head, "_")) {
			return true
		}
	}
	return false
}
