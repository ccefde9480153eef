// Package gatetest has what tests of the gate share: a network in memory, so
// that a run can live in a bubble of testing/synctest, and a log probe over
// files or buffers, with detectors of the plainest kind.
//
// It is for tests only. The detectors find less than package pipeline's do:
// told secrets, raw and percent-encoded, and keys of LiteLLM's default form.
package gatetest

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"regexp"
	"strings"

	"sluice/internal/gate"
)

// Log is one log: what it held when asked.
type Log struct {
	Name, Group string
	Read        func() ([]byte, error)
}

// Logs is a gate.LogProbe over logs.
type Logs struct {
	Logs  []Log
	begin []int
}

// Files reads log files.
func Files(paths ...string) *Logs {
	l := &Logs{}
	for _, p := range paths {
		group := strings.Replace(p, ".stderr.", ".stdout.", 1)
		l.Logs = append(l.Logs, Log{Name: p, Group: group, Read: func() ([]byte, error) { return os.ReadFile(p) }})
	}
	return l
}

// Begin notes the lengths.
func (l *Logs) Begin(context.Context) error {
	l.begin = nil
	for _, log := range l.Logs {
		text, err := log.Read()
		if err != nil {
			return err
		}
		l.begin = append(l.begin, len(text))
	}
	return nil
}

// Examine is what the detectors find in a text.
func (l *Logs) Examine(_ context.Context, text string, secrets map[string]string) ([]gate.Leak, error) {
	return leaks("text", []byte(text), secrets), nil
}

// Collect reads what was logged since Begin.
func (l *Logs) Collect(_ context.Context, markers []string, secrets map[string]string) (gate.LogReading, error) {
	var r gate.LogReading
	for i, log := range l.Logs {
		text, err := log.Read()
		if err != nil {
			return r, err
		}
		text = text[min(l.begin[i], len(text)):]
		s := gate.LogStream{Name: log.Name, Group: log.Group, Bytes: int64(len(text)),
			Lines: int64(bytes.Count(text, []byte("\n"))), Seen: map[string]bool{}}
		for _, m := range markers {
			s.Seen[m] = bytes.Contains(text, []byte(m))
		}
		r.Streams = append(r.Streams, s)
		r.Leaks = append(r.Leaks, leaks(log.Name, text, secrets)...)
	}
	return r, nil
}

var keyForm = regexp.MustCompile(`sk-[A-Za-z0-9_-]{21}[AQgw]`)

func leaks(stream string, text []byte, secrets map[string]string) []gate.Leak {
	type told struct{ name, form, encoding string }
	var forms []told
	for name, secret := range secrets {
		forms = append(forms, told{name, secret, "plain"})
		if escaped := url.QueryEscape(secret); escaped != secret {
			forms = append(forms, told{name, escaped, "percent"})
		}
	}
	var found []gate.Leak
	for n, line := range strings.Split(string(text), "\n") {
		known := false
		for _, t := range forms {
			if strings.Contains(line, t.form) {
				known = true
				found = append(found, gate.Leak{Rule: "known", Name: t.name, Severity: "critical", Stream: stream,
					Line: int64(n + 1), Encoding: t.encoding, Whole: true})
			}
		}
		if !known && keyForm.MatchString(line) {
			found = append(found, gate.Leak{Rule: "litellm-virtual-key", Severity: "critical", Stream: stream,
				Line: int64(n + 1), Encoding: "plain", Whole: true})
		}
	}
	return found
}
