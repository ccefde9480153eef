package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"sluice/internal/baseline"
	"sluice/internal/gateway"
	"sluice/internal/record"
	"sluice/rules"
)

// minPrintKey is the least a print key has, in bytes.
const minPrintKey = 16

// detectFlags say what to look for and what to leave alone.
type detectFlags struct {
	secretsEnv     []string
	secretsFiles   []string
	ruleFiles      []string
	noDefaultRules bool
	baseline       string
	ignore         string
	writeBaseline  string
	printKeyFile   string
	honorAllow     bool
	requiredMet    bool
	keyPrefixes    []string
	containers     bool
	ownPrintKey    []byte // of a state folder, where the user gave none
}

func (f *detectFlags) register(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.secretsEnv, "secrets-env", nil, "environment variables `A,B` whose values are secrets to look for")
	flags.StringArrayVar(&f.secretsFiles, "secrets-file", nil, "env `FILE` whose values are secrets to look for; repeatable")
	flags.StringArrayVar(&f.ruleFiles, "rules", nil, "gitleaks-format rule `FILE`, laid over the defaults; repeatable")
	flags.BoolVar(&f.noDefaultRules, "no-default-rules", false, "leave gitleaks' and Sluice's own rules out")
	flags.StringSliceVar(&f.keyPrefixes, "virtual-key-prefix", []string{"sk-"}, "what the gateway's keys begin with; repeatable")
	flags.StringVar(&f.baseline, "baseline", "", "findings in this `FILE` are known: counted and marked as such, no reason to fail")
	flags.StringVar(&f.writeBaseline, "write-baseline", "", "write what is found to `FILE`, for --baseline of later runs")
	flags.StringVar(&f.ignore, "ignore", "", "globs, rules and fingerprints in this `FILE` are known")
	flags.BoolVar(&f.containers, "container-secrets", true, "look for the secrets in the environment of the containers that are read")
	flags.StringVar(&f.printKeyFile, "print-key-file", "", "`FILE` with the key of the prints, so that runs print alike (or SLUICE_PRINT_KEY)")
}

// told collects the secrets that were told by value.
func (f *detectFlags) told(a *app) ([]namedSecret, error) {
	var out []namedSecret
	for _, name := range f.secretsEnv {
		v, ok := a.lookupEnv(name)
		if !ok {
			return nil, usageError(fmt.Errorf("--secrets-env: %s is not in the environment", name), "export it, or take it out of the list")
		}
		if v != "" {
			out = append(out, namedSecret{name: name, value: record.NewSecret(v), asked: true})
		}
	}
	for _, path := range f.secretsFiles {
		list, err := readEnvFile(path)
		if err != nil {
			return nil, usageError(err, "")
		}
		out = append(out, list...)
	}
	return out, nil
}

// printKey is nil if none was given.
func (f *detectFlags) printKey(a *app) ([]byte, error) {
	key := []byte(a.env("SLUICE_PRINT_KEY"))
	from := "SLUICE_PRINT_KEY"
	if f.printKeyFile != "" {
		var err error
		if key, err = os.ReadFile(f.printKeyFile); err != nil {
			return nil, usageError(fmt.Errorf("read print key: %w", err), "")
		}
		key = bytes.TrimRight(key, "\r\n")
		from = f.printKeyFile
	}
	if len(key) == 0 && f.printKeyFile == "" {
		return f.ownPrintKey, nil
	}
	if len(key) < minPrintKey {
		return nil, usageError(fmt.Errorf("print key in %s has %d bytes, want %d or more", from, len(key), minPrintKey),
			"make one: head -c 32 /dev/urandom | base64 > print.key")
	}
	return key, nil
}

// load makes the detection that the flags describe. roots are the folders among
// the sources, where gitleaks' own files may lie.
func (f *detectFlags) load(a *app, roots []string, keys *gateway.Snapshot, master record.Secret) (*detection, error) {
	c, err := f.config(a, roots, keys, master)
	if err != nil {
		return nil, err
	}
	return newDetection(c)
}

// config reads all files that the flags name.
func (f *detectFlags) config(a *app, roots []string, keys *gateway.Snapshot, master record.Secret) (c detectionConfig, err error) {
	c = detectionConfig{master: master, keys: keys, honorAllow: f.honorAllow, requiredMet: f.requiredMet, keyPrefixes: f.keyPrefixes}
	if c.rules, err = f.loadRules(a, roots); err != nil {
		return c, usageError(err, "sluice rules test FILE checks a rule file")
	}
	if c.told, err = f.told(a); err != nil {
		return c, err
	}
	if c.printKey, err = f.printKey(a); err != nil {
		return c, err
	}
	if c.known, err = f.known(roots); err != nil {
		return c, usageError(err, "")
	}
	return c, nil
}

// loadRules lays the rule files over the defaults, or over the configuration
// that gitleaks would use here.
func (f *detectFlags) loadRules(a *app, roots []string) (*rules.Set, error) {
	o := rules.Options{NoDefaults: f.noDefaultRules}
	for _, dir := range append(roots, "") {
		found, err := rules.Find(dir, a.env)
		if err != nil {
			return nil, err
		}
		if found != nil {
			o.Gitleaks = found
			break
		}
	}
	return rules.Load(f.ruleFiles, o)
}

// known loads the baseline and the ignore files, gitleaks' own among them.
func (f *detectFlags) known(roots []string) (*knownFindings, error) {
	k := &knownFindings{}
	var err error
	switch {
	case f.baseline != "" && f.writeBaseline != "":
		k.baseline, err = baseline.Open(f.baseline)
	case f.baseline != "":
		k.baseline, err = baseline.Load(f.baseline)
	case f.writeBaseline != "":
		k.baseline, err = baseline.Open(f.writeBaseline)
	}
	if err != nil {
		return nil, err
	}
	var files []string
	if f.ignore != "" {
		files = append(files, f.ignore)
	}
	for _, dir := range append([]string{"."}, roots...) {
		name := filepath.Join(dir, ".gitleaksignore")
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() && !slices.Contains(files, name) {
			files = append(files, name)
		}
	}
	for _, name := range files {
		ignore, err := baseline.LoadIgnore(name)
		if err != nil {
			return nil, err
		}
		k.ignore = append(k.ignore, ignore)
	}
	return k, nil
}
