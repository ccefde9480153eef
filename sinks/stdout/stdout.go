// Package stdout writes findings for people: each as it is found, in a few
// lines, and at the end a summary of what leaked, whose it is, where it stands
// and what to do next.
//
// The promise: nothing of a log reaches the terminal raw. Control, invisible
// and bidirectional characters of contexts, file names, aliases and container
// names appear as escapes, and the only escape sequences are colours of ours,
// if asked for. A secret that appears a thousand times is shown a few times
// and counted.
//
// The limits: known findings (baseline, ignored) are counted, not listed. The
// summary remembers maxGroups different secrets; more are shown and counted.
package stdout

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	"sluice/internal/record"
	"sluice/internal/report"
)

// Options is how to write. The zero value is plain text.
type Options struct {
	Color bool          // the caller has looked at the terminal, NO_COLOR and --no-color
	Width int           // columns of the terminal; 0: unknown
	Rules []report.Rule // for what to do next
	Run   *report.Run   // read at Close; nil: no line on the run itself
}

// maxShown is how often one secret is written out before it is only counted:
// enough to see the ways it gets out, not a screen of them.
const maxShown = 4

// Sink writes to one writer. It is safe for concurrent use; each Write is one
// call of the writer's, so that blocks never mix.
type Sink struct {
	w     io.Writer
	style style
	rules report.Rules
	run   *report.Run

	mu     sync.Mutex
	groups groups
	buf    bytes.Buffer
}

// New writes to w, which stays the caller's to close.
func New(w io.Writer, o Options) *Sink {
	return &Sink{
		w:      w,
		style:  style{color: o.Color, width: o.Width},
		rules:  report.Index(o.Rules),
		run:    o.Run,
		groups: newGroups(),
	}
}

// Write writes the findings that are new.
func (s *Sink) Write(ctx context.Context, ds []record.Delivery) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf.Reset()
	for i := range ds {
		for j := range ds[i].Findings {
			s.finding(&ds[i].Findings[j])
		}
	}
	return s.flush()
}

// finding writes f, or only counts it.
func (s *Sink) finding(f *record.Finding) {
	if f.Update {
		s.groups.update(f)
		s.style.update(&s.buf, f)
		return
	}
	switch n := s.groups.add(f); {
	case f.Known || n > maxShown+1:
	case n == maxShown+1:
		fmt.Fprintf(&s.buf, "%s\n", s.style.dim("  more of "+report.Print(f)+" is counted, not shown"))
	default:
		s.style.finding(&s.buf, f)
	}
}

// Close writes the summary.
func (s *Sink) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf.Reset()
	s.summary()
	return s.flush()
}

func (s *Sink) flush() error {
	if s.buf.Len() == 0 {
		return nil
	}
	if _, err := s.w.Write(s.buf.Bytes()); err != nil {
		return fmt.Errorf("write findings: %w", err)
	}
	return nil
}
