package docker

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"sluice/internal/record"
)

// pipes is a listener whose connections are in memory, so that time stands still
// for them in a synctest bubble.
type pipes struct {
	accepts chan net.Conn
	once    sync.Once
	ended   chan struct{}
}

func newPipes() *pipes {
	return &pipes{accepts: make(chan net.Conn), ended: make(chan struct{})}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepts:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.ended) }); return nil }
func (p *pipes) Addr() net.Addr { return sshAddr{} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.accepts <- there:
		return here, nil
	case <-p.ended:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve runs the daemon on connections in memory and returns what dials it.
func (d *daemon) serve(t *testing.T) func() (engine, error) {
	t.Helper()
	p := newPipes()
	server := &http.Server{Handler: d}
	var group sync.WaitGroup
	group.Go(func() { _ = server.Serve(p) })
	t.Cleanup(func() {
		_ = server.Close()
		group.Wait()
	})
	return func() (engine, error) {
		return newAPI(client.WithHost("unix:///fake"), client.WithDialContext(p.dial))
	}
}

// serveUnix runs the daemon on a real socket and returns its DOCKER_HOST.
func (d *daemon) serveUnix(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "d") // t.TempDir is longer than a socket's path may be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	path := filepath.Join(folder, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: d}
	var group sync.WaitGroup
	group.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() {
		_ = server.Close()
		group.Wait()
	})
	return "unix://" + path
}

func environ(pairs ...string) func(string) string {
	return func(name string) string {
		for _, p := range pairs {
			if k, v, _ := strings.Cut(p, "="); k == name {
				return v
			}
		}
		return ""
	}
}

// sink collects what a source emits.
type sink struct {
	mu      sync.Mutex
	batches []record.Batch
	text    map[string]string      // by stream of the mark
	marks   map[string]record.Mark // behind the last batch of a stream
	final   map[string]int
	gaps    []Gap
	changed chan struct{}
	stop    int // refuse from this batch on; 0: never
}

func newSink() *sink {
	return &sink{text: map[string]string{}, marks: map[string]record.Mark{}, final: map[string]int{}, changed: make(chan struct{})}
}

func (s *sink) emit(b record.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop > 0 && len(s.batches) >= s.stop {
		return errors.New("enough")
	}
	s.batches = append(s.batches, b)
	s.text[b.End.Stream] += string(b.Text[b.Lead:])
	if last, ok := s.marks[b.End.Stream]; ok && len(b.Records) > 0 && !before(last, b.MarkAfter(0)) {
		return errors.New("a mark that goes back")
	}
	s.marks[b.End.Stream] = b.End
	if b.Final {
		s.final[b.End.Stream]++
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

func before(a, b record.Mark) bool {
	return a.Offset < b.Offset || a.Offset == b.Offset && a.Sub < b.Sub
}

func (s *sink) gap(g Gap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gaps = append(s.gaps, g)
}

// patience ends what would hang; it says nothing of how long a thing may take.
const patience = 5 * time.Minute

// await waits until done, which is asked whenever something came.
func (s *sink) await(t *testing.T, done func() bool, otherwise string) {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		s.mu.Lock()
		ok, changed := done(), s.changed
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-limit.C:
			t.Fatal(otherwise, " in ", patience)
		}
	}
}

func (s *sink) of(c *container, side side) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text[c.id+"/"+side.String()]
}

func (s *sink) resume() []record.Mark {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []record.Mark
	for _, m := range s.marks {
		out = append(out, m)
	}
	return out
}

// run starts a source on the daemon and returns a function that ends it.
func run(t *testing.T, cfg Config, dial func() (engine, error), s *sink) (src *Source, stop func() error) {
	t.Helper()
	if cfg.Self == "" {
		cfg.Self = "none"
	}
	cfg.OnGap = s.gap
	src = New(cfg)
	src.dial = dial
	return runSource(src, s.emit)
}

func runSource(src *Source, emit func(record.Batch) error) (*Source, func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- src.Run(ctx, emit) }()
	return src, sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
}

// readOnce is one pass.
func readOnce(t *testing.T, cfg Config, d *daemon) (*sink, error) {
	t.Helper()
	s := newSink()
	cfg.Self, cfg.OnGap = "none", s.gap
	src := New(cfg)
	src.dial = d.serve(t)
	return s, src.Run(t.Context(), s.emit)
}

// all is a Config that follows everything.
func all() Config { return Config{Name: "*", Follow: true} }

// expect compares what came of a container with what it printed.
func expect(t *testing.T, s *sink, c *container) {
	t.Helper()
	for side := range sides {
		got, want := s.of(c, side), c.text(side)
		if got != want {
			i := 0
			for i < len(got) && i < len(want) && got[i] == want[i] {
				i++
			}
			t.Fatalf("%s: %d bytes, want %d; they differ at %d: %.80q, want %.80q", side, len(got), len(want), i, got[i:], want[i:])
		}
	}
}

const soon = 100 * time.Millisecond
