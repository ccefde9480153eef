package pipeline

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sluice/internal/record"
)

// told keeps the findings that were delivered, and what a run of findings has none of.
type told struct {
	mu       sync.Mutex
	findings []record.Finding
	text     int // bytes of clean text, and records
}

func (s *told) Write(_ context.Context, ds []record.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range ds {
		s.findings = append(s.findings, d.Findings...)
		s.text += len(d.Clean) + len(d.Records)
	}
	return nil
}

func (s *told) Close(context.Context) error { return nil }

// Whether clean bytes are wanted or not, the findings are the same, and so is what
// is counted; memory that was lent is given back, once.
func TestFindingsOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := genText(t)
		piece, jobs := rapid.IntRange(1, 60).Draw(t, "piece"), rapid.IntRange(1, 3).Draw(t, "jobs")
		run := func(only bool) (*told, *Stats, *memory) {
			src := &memory{t: t, streams: []string{text}, piece: piece, lends: true}
			sink, stats := &told{}, &Stats{}
			cfg := config(src, sink)
			cfg.Jobs, cfg.HoldFor, cfg.Stats, cfg.FindingsOnly = jobs, time.Hour, stats, only
			if err := Run(context.Background(), context.Background(), cfg); err != nil {
				t.Fatalf("run: %v", err)
			}
			return sink, stats, src
		}
		all, counted, _ := run(false)
		got, stats, src := run(true)
		if diff := cmp.Diff(all.findings, got.findings); diff != "" {
			t.Fatalf("(-with clean bytes +without)\n%s", diff)
		}
		if got.text > 0 {
			t.Fatalf("%d bytes and records that nobody reads", got.text)
		}
		if a, b := counted.Records.Load(), stats.Records.Load(); a != b {
			t.Fatalf("%d records, want %d", b, a)
		}
		if a, b := counted.Bytes.Load(), stats.Bytes.Load(); a != b {
			t.Fatalf("%d bytes, want %d", b, a)
		}
		if src.committed["stream-0"] != int64(len(text)) || src.freed.Load() == 0 {
			t.Fatalf("committed %d of %d, %d batches given back", src.committed["stream-0"], len(text), src.freed.Load())
		}
	})
}
