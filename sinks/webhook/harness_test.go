package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/record"
)

// receiver is a server on an in-memory network, so that synctest's clock runs
// both ends. What it was sent under each id is checked to stay the same.
type receiver struct {
	t *testing.T
	// answer may treat a request badly; false: it did, and the message does
	// not count as taken. nil: every message is taken.
	answer func(n int, w http.ResponseWriter, r *http.Request) bool
	verify func(h http.Header, body []byte) error
	conns  chan net.Conn
	server *http.Server

	mu     sync.Mutex
	down   bool
	times  []time.Time // of every attempt, dials refused included
	bodies map[string][]byte
	taken  map[string]bool
	order  []string // ids in the order of being taken first
	shut   chan struct{}
	end    context.CancelFunc // of every request: a handler that reads no body is not told that its client left
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{t: t, conns: make(chan net.Conn), bodies: map[string][]byte{}, taken: map[string]bool{}, shut: make(chan struct{})}
	base, end := context.WithCancel(context.Background())
	r.end = end
	r.server = &http.Server{Handler: r, BaseContext: func(net.Listener) context.Context { return base }}
	go func() { _ = r.server.Serve(r) }()
	return r
}

func (r *receiver) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	r.mu.Lock()
	down := r.down
	if down {
		r.times = append(r.times, time.Now())
	}
	r.mu.Unlock()
	if down {
		return nil, errors.New("connection refused")
	}
	near, far := net.Pipe()
	select {
	case r.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-r.shut:
		return nil, errors.New("connection refused")
	}
}

// Accept, Close and Addr make it a listener.
func (r *receiver) Accept() (net.Conn, error) {
	select {
	case c := <-r.conns:
		return c, nil
	case <-r.shut:
		return nil, net.ErrClosed
	}
}
func (r *receiver) Close() error   { close(r.shut); return nil }
func (r *receiver) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

func (r *receiver) stop() {
	_ = r.server.Close()
	r.end()
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.times = append(r.times, time.Now())
	n, answer := len(r.times), r.answer
	r.mu.Unlock()
	if answer != nil && !answer(n, w, req) {
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // it was cut off
	}
	r.take(req.Header, body)
	w.WriteHeader(http.StatusNoContent)
}

// take counts a message by its id, as a receiver that remembers ids does.
func (r *receiver) take(h http.Header, body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.verify != nil {
		if err := r.verify(h, body); err != nil {
			r.t.Errorf("message refused: %v", err)
		}
	}
	id := h.Get("webhook-id")
	if old, ok := r.bodies[id]; ok && !bytes.Equal(old, body) {
		r.t.Errorf("id %s came with two bodies", id)
	}
	if !r.taken[id] {
		r.order = append(r.order, id)
	}
	r.bodies[id], r.taken[id] = body, true
}

// alerts are those of all messages taken, generic JSON.
func (r *receiver) alerts() (all []jsonAlert) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range r.order {
		var m jsonMessage
		if err := json.Unmarshal(r.bodies[id], &m); err != nil {
			r.t.Fatalf("message %s: %v", id, err)
		}
		all = append(all, m.Data.Alerts...)
	}
	return all
}

// counts are the occurrences told of, by context.
func (r *receiver) counts() map[string]int64 {
	n := map[string]int64{}
	for _, a := range r.alerts() {
		n[a.Finding.Context] += a.Count
	}
	return n
}

// behave changes how it answers while it is asked.
func (r *receiver) behave(answer func(int, http.ResponseWriter, *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) setDown(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

func (r *receiver) requests() []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]time.Time(nil), r.times...)
}

func literal(v string) Value { return Value{Literal: record.NewSecret(v)} }

// open makes a sink that talks to r.
func (r *receiver) open(change func(*Config)) *Sink {
	r.t.Helper()
	cfg := Config{URL: literal("http://receiver.test/hook/path-credential?q=query-credential"), dial: r.dial, Proxy: literal("none")}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// leaked is a delivery with one finding of secret n.
func leaked(n int) []record.Delivery {
	f := record.Finding{
		Origin: record.Origin{Kind: "docker", Name: "litellm-gateway-1", Stream: "stderr"}, Rule: "litellm-virtual-key",
		Severity: record.SeverityCritical, Encoding: record.Plain, Whole: true,
		Print: [8]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, Context: fmt.Sprintf("secret %d", n),
		Pos: record.Position{Line: int64(n), Offset: -1},
	}
	return []record.Delivery{{Origin: f.Origin, Findings: []record.Finding{f}}}
}

func write(t *testing.T, s *Sink, n int) {
	t.Helper()
	if err := s.Write(t.Context(), leaked(n)); err != nil {
		t.Fatal(err)
	}
}

func closeSink(t *testing.T, s *Sink) {
	t.Helper()
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// pass lets time go by on the clock of a bubble.
func pass(d time.Duration) { time.Sleep(d) }

// inBubble runs a test under the fake clock; it fails if a goroutine stays.
func inBubble(t *testing.T, test func(t *testing.T, r *receiver)) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t)
		test(t, r)
		r.stop()
	})
}

// each fails unless every secret of 0..n-1 was told of once.
func each(t *testing.T, r *receiver, n int) {
	t.Helper()
	got := r.counts()
	for i := range n {
		if c := got[fmt.Sprintf("secret %d", i)]; c != 1 {
			t.Errorf("secret %d was told of %d times", i, c)
		}
	}
	if len(got) != n {
		t.Errorf("%d secrets, want %d", len(got), n)
	}
}
