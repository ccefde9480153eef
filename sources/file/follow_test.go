package file

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/record"
)

// reader collects what a source emits.
type reader struct {
	mu   sync.Mutex
	text strings.Builder
	end  map[string]record.Mark
	more chan struct{} // sent to after each batch
}

func newReader() *reader {
	return &reader{end: map[string]record.Mark{}, more: make(chan struct{}, 1)}
}

func (r *reader) emit(b record.Batch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text.Write(b.Text[b.Lead:])
	r.end[b.End.Stream] = b.End
	select {
	case r.more <- struct{}{}:
	default:
	}
	return nil
}

func (r *reader) got() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// until waits for a text.
func (r *reader) until(t *testing.T, want string) {
	t.Helper()
	for r.got() != want {
		select {
		case <-r.more:
		case <-t.Context().Done():
			t.Fatalf("got %q, want %q", r.got(), want)
		}
	}
}

func (r *reader) marks() (out []record.Mark) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.end {
		out = append(out, m)
	}
	return out
}

// following runs a source; stop ends it and waits.
func following(t *testing.T, cfg Config, emit func(record.Batch) error) (src *Source, stop func()) {
	t.Helper()
	cfg.Follow = true
	src = New(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- src.Run(ctx, emit) }()
	return src, sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	})
}

func add(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// A log is read as it grows, over rotations, and goes on after a restart.
func TestFollowsOverRotationAndRestart(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "app.log")
	r := newReader()
	add(t, path, "one\n")
	src, stop := following(t, Config{Paths: []string{path}}, r.emit)
	defer func() { stop() }()
	r.until(t, "one\n")
	add(t, path, "two\nthr")
	add(t, path, "ee\n")
	r.until(t, "one\ntwo\nthree\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	add(t, path, "four\n")
	r.until(t, "one\ntwo\nthree\nfour\n")
	stop()
	cfg := Config{Paths: []string{path}, Following: Following{Marks: r.marks(), State: src.State()}}
	add(t, path, "five\n")
	if err := os.Rename(path, path+".2"); err != nil {
		t.Fatal(err)
	}
	add(t, path, "six\n")
	_, stop = following(t, cfg, r.emit)
	r.until(t, "one\ntwo\nthree\nfour\nfive\nsix\n")
}

// A first start reads what the backlog says: all generations of a log, none, or
// what was logged since a time.
func TestBacklogOfAFirstStart(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 12, 0, 0, 0, time.UTC) }
	stamp := func(line []byte) (time.Time, bool) {
		at, err := time.Parse(time.DateOnly, string(line[:min(len(line), len(time.DateOnly))]))
		return at, err == nil
	}
	for want, b := range map[string]Backlog{
		"2026-01-01 a\n2026-01-02 b\n2026-01-03 c\n2026-01-04 d\n": {},
		"2026-01-03 c\n2026-01-04 d\n":                             {Since: day(2), Time: stamp},
		"2026-01-04 d\n":                                           {None: true},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "app.log")
		add(t, path+".1", "2026-01-01 a\n")
		if err := os.Chtimes(path+".1", day(1), day(1)); err != nil {
			t.Fatal(err)
		}
		add(t, path, "2026-01-02 b\n2026-01-03 c\n")
		r := newReader()
		f := newFollower(Config{Paths: []string{path}, Follow: true, Log: slog.New(slog.DiscardHandler), Following: Following{Backlog: b}})
		defer f.closeAll()
		if err := f.discover(t.Context()); err != nil {
			t.Fatal(err)
		}
		add(t, path, "2026-01-04 d\n")
		for range 5 {
			c := f.all()[0]
			c.look()
			if got := f.drain(t.Context(), c, r.emit); got.err != nil {
				t.Fatal(got.err)
			}
			f.now = func() time.Time { return time.Now().Add(time.Second) } // the grace is over
		}
		if r.got() != want {
			t.Errorf("%+v: got %q, want %q", b, r.got(), want)
		}
	}
}
