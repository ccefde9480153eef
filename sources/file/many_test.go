package file

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/record"
)

// Logs that come, are rotated and go in a folder are read whole, each in its own
// order, with few of them open.
func TestManyLogsWithFewDescriptors(t *testing.T) {
	const logs, most = 200, 8
	dir := t.TempDir()
	path := func(n int) string { return filepath.Join(dir, fmt.Sprintf("svc%03d.log", n)) }
	own := filepath.Join(dir, "copy.log")
	add(t, own, "what we write ourselves\n")
	ours, err := os.Stat(own)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Paths: []string{filepath.Join(dir, "*.log")}, Follow: true, Log: slog.New(slog.DiscardHandler)}
	cfg.MaxOpen, cfg.Never = most, func(info fs.FileInfo) bool { return os.SameFile(info, ours) }
	f := newFollower(cfg)
	defer f.closeAll()
	got, want := map[string]*strings.Builder{}, map[string]string{}
	write := func(n int, text string) {
		add(t, path(n), text)
		want[path(n)] += text
	}
	poll := func() {
		t.Helper()
		if err := f.discover(t.Context()); err != nil {
			t.Fatal(err)
		}
		p := pace{slowest: slowest}
		for _, c := range f.all() {
			if f.glance(c, &p) {
				turn := f.drain(t.Context(), c, func(b record.Batch) error {
					if got[b.Origin.Name] == nil {
						got[b.Origin.Name] = &strings.Builder{}
					}
					got[b.Origin.Name].Write(b.Text[b.Lead:])
					return nil
				})
				if turn.err != nil {
					t.Fatal(turn.err)
				}
			}
		}
	}
	for n := range logs {
		write(n, fmt.Sprintf("first of %d\n", n))
	}
	poll()
	poll()
	poll() // what is quiet is let go
	if n := f.stats.Open.Load(); n > most {
		t.Errorf("%d files are open, at most %d", n, most)
	}
	for n := range logs {
		write(n, fmt.Sprintf("second of %d\n", n))
		if n%3 == 0 {
			if err := os.Rename(path(n), path(n)+".1"); err != nil {
				t.Fatal(err)
			}
			write(n, fmt.Sprintf("third of %d\n", n))
		}
	}
	for range 3 {
		poll()
	}
	for range 20 { // the grace of those that were rotated
		for _, c := range f.all() {
			c.mu.Lock()
			for _, g := range c.queue {
				g.since = g.since.Add(-grace)
			}
			c.mu.Unlock()
		}
		poll()
	}
	for name, text := range want {
		if got[name] == nil || got[name].String() != text {
			t.Fatalf("%s: got %v, want %q", name, got[name], text)
		}
	}
	if len(got) != logs || f.stats.Files.Load() != logs {
		t.Errorf("%d logs were read, %d are counted, want %d", len(got), f.stats.Files.Load(), logs)
	}
}
