// Package gitleaks writes findings as gitleaks 8.30.1 writes its JSON report
// under --redact, for those who have tools that read it.
//
// The promise: an array of gitleaks' objects, with Secret and Match REDACTED,
// written as findings come and closed at the end, so that it is whole after an
// interruption too. Findings that are known are left out, as gitleaks does.
//
// The limits: what gitleaks takes from a commit is empty, and Entropy is 0, as
// the secret is gone by now. Columns are bytes from 1 in every line, where
// gitleaks' own are one more from the second line on. The format has no place
// for the state of a run, so an incomplete one ends in an object with RuleID
// IncompleteRule and the errors in Message: a tool that counts leaks then does
// not take it for clean.
package gitleaks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"sluice/internal/record"
	"sluice/internal/report"
)

// IncompleteRule is the RuleID of the last object of an incomplete run.
const IncompleteRule = "sluice-run-incomplete"

// redacted is what gitleaks writes for a secret.
const redacted = "REDACTED"

// finding has gitleaks' fields in gitleaks' order.
type finding struct {
	RuleID      string
	Description string
	StartLine   int64
	EndLine     int64
	StartColumn int64
	EndColumn   int64
	Match       string
	Secret      string
	File        string
	SymlinkFile string
	Commit      string
	Entropy     float32
	Author      string
	Email       string
	Date        string
	Message     string
	Tags        []string
	Fingerprint string
}

// Options is what a report says besides its findings.
type Options struct {
	Rules []report.Rule // for descriptions and tags
	Run   *report.Run   // read at Close; nil: the state is not known and not told
}

// Sink writes findings. It is safe for concurrent use.
type Sink struct {
	rules report.Rules
	run   *report.Run
	close func(ok bool) error

	mu  sync.Mutex
	w   io.Writer
	n   int   // objects written
	err error // for good: the array is broken
}

// New writes to w, which stays the caller's to close.
func New(w io.Writer, o Options) *Sink {
	return &Sink{rules: report.Index(o.Rules), run: o.Run, w: w, close: func(bool) error { return nil }}
}

// Create writes to a file that appears at path, whole, at Close.
func Create(path string, o Options) (*Sink, error) {
	f, err := report.Create(path)
	if err != nil {
		return nil, err
	}
	s := New(f, o)
	s.close = func(ok bool) error {
		if !ok {
			f.Discard()
			return nil
		}
		return f.Commit()
	}
	return s, nil
}

// Write writes the findings of ds that are new.
func (s *Sink) Write(ctx context.Context, ds []record.Delivery) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range ds {
		for j := range ds[i].Findings {
			f := &ds[i].Findings[j]
			if f.Known || f.Update {
				continue
			}
			if err := s.put(s.finding(f)); err != nil {
				return err
			}
		}
	}
	return nil
}

// finding is f in gitleaks' terms.
func (s *Sink) finding(f *record.Finding) finding {
	rule := s.rules.Of(f)
	file := f.Origin.Name
	if f.Origin.Kind == "stdin" {
		file = "" // gitleaks has no name for standard input
	}
	tags := rule.Tags
	if tags == nil {
		tags = []string{}
	}
	endColumn := f.Pos.Column + f.Pos.Length - 1
	if f.Pos.EndLine > f.Pos.Line {
		endColumn = max(f.Pos.EndColumnRunes-1, 1) // of a secret over several lines only code points are known
	}
	return finding{
		RuleID: f.Rule, Description: rule.Description,
		StartLine: f.Pos.Line, EndLine: max(f.Pos.EndLine, f.Pos.Line),
		StartColumn: f.Pos.Column, EndColumn: endColumn,
		Match: redacted, Secret: redacted, File: file, Tags: tags,
		Fingerprint: fmt.Sprintf("%s:%s:%d", file, f.Rule, f.Pos.Line),
	}
}

// put writes one object, with one call of the writer's.
func (s *Sink) put(f finding) error {
	if s.err != nil {
		return s.err
	}
	indented, err := json.MarshalIndent(f, " ", " ")
	if err != nil {
		return fmt.Errorf("encode finding: %w", err)
	}
	open := "[\n "
	if s.n > 0 {
		open = ",\n "
	}
	s.n++
	return s.write(report.AppendVisible([]byte(open), indented))
}

func (s *Sink) write(text []byte) error {
	if _, err := s.w.Write(text); err != nil {
		s.err = fmt.Errorf("write findings: %w", err)
	}
	return s.err
}

// Close ends the array and puts a created file in its place.
func (s *Sink) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil && !s.run.Complete {
		_ = s.put(finding{ // its error is s.err
			RuleID: IncompleteRule, Description: "The run did not examine everything.",
			Message: strings.Join(s.run.ErrorList(), "; "), Tags: []string{},
		})
	}
	if s.err == nil {
		end := "\n]\n"
		if s.n == 0 {
			end = "[]\n"
		}
		_ = s.write([]byte(end))
	}
	return errors.Join(s.err, s.close(s.err == nil))
}
