package main

import (
	"context"
	"sync"

	"sluice/internal/baseline"
	"sluice/internal/record"
	"sluice/internal/report"
)

// knownFindings decides which findings are known: shown, but no reason to fail.
type knownFindings struct {
	baseline *baseline.File // nil: none
	ignore   []*baseline.Ignore
}

// match is asked after the baseline's own identities.
func (k *knownFindings) match(f *record.Finding) (by string, ok bool) {
	if k.baseline != nil {
		if by, ok := k.baseline.Match(f); ok {
			return by, true
		}
	}
	for _, i := range k.ignore {
		if by, ok := i.Match(f); ok {
			return by, true
		}
	}
	return "", false
}

// currentBaseline is the baseline of the current set, for the redactor.
type currentBaseline struct{ d *detection }

func (b currentBaseline) file() *baseline.File { return b.d.current.Load().known.baseline }

// Has says whether the baseline knows the secret.
func (b currentBaseline) Has(rule, source string, secret []byte, strong bool) bool {
	f := b.file()
	return f != nil && f.Has(rule, source, secret, strong)
}

// ID is what the baseline would store.
func (b currentBaseline) ID(rule, source string, secret []byte, strong bool) string {
	if f := b.file(); f != nil {
		return f.ID(rule, source, secret, strong)
	}
	return ""
}

// notes says what of these files decided nothing, and what was too much.
func (k *knownFindings) notes() (out []string) {
	if k.baseline != nil {
		for _, e := range k.baseline.Unused() {
			out = append(out, "baseline entry not met: "+e)
		}
		if n := k.baseline.Skipped(); n > 0 {
			out = append(out, report.Plural(n, "weak secret was", "weak secrets were")+" too many to compare with the baseline and count as new")
		}
	}
	for _, i := range k.ignore {
		for _, e := range i.Unused() {
			out = append(out, "ignore entry not met: "+e)
		}
	}
	return out
}

// baselineSink collects the identities of what is found and writes them as a
// baseline when the run is over.
type baselineSink struct {
	path string
	file *baseline.File

	mu      sync.Mutex
	seen    map[string]bool
	entries []baseline.Entry
}

func newBaselineSink(path string, file *baseline.File) *baselineSink {
	return &baselineSink{path: path, file: file, seen: map[string]bool{}}
}

// Write keeps one entry for each rule, source and secret.
func (s *baselineSink) Write(_ context.Context, ds []record.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range ds {
		for j := range ds[i].Findings {
			f := &ds[i].Findings[j]
			if f.BaselineID != "" && !s.seen[f.BaselineID] {
				s.seen[f.BaselineID] = true
				s.entries = append(s.entries, baseline.Entry{ID: f.BaselineID, Rule: f.Rule, Source: f.Origin.Name})
			}
		}
	}
	return nil
}

// Close writes the file whole.
func (s *baselineSink) Close(context.Context) error { return s.file.Write(s.path, s.entries) }
