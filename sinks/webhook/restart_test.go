package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// copyFolder is what a crash leaves: the files as they are at this moment.
func copyFolder(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// The id of a message and what is in it stay over retries and restarts; the
// harness compares the bodies.
func TestIDOutlivesRestarts(t *testing.T) {
	inBubble(t, func(t *testing.T, r *receiver) {
		dir := t.TempDir()
		ids := map[string]int{}
		r.answer = func(_ int, w http.ResponseWriter, req *http.Request) bool {
			body, err := io.ReadAll(req.Body)
			if err != nil {
				t.Error(err)
			}
			r.take(req.Header, body) // it took the message; we never hear of it
			ids[req.Header.Get("webhook-id")]++
			w.WriteHeader(http.StatusBadGateway)
			return false
		}
		for i := range 5 {
			s := r.open(func(c *Config) { c.Spool = dir })
			if i == 0 {
				for n := range 7 {
					write(t, s, n)
				}
			}
			time.Sleep(time.Minute)
			write(t, s, 0) // a repeat changes nothing of what was sent
			closeSink(t, s)
		}
		if len(ids) != 1 {
			t.Errorf("ids and their requests: %v", ids)
		}
		r.behave(nil)
		s := r.open(func(c *Config) { c.Spool = dir })
		time.Sleep(2 * time.Hour)
		closeSink(t, s)
		got := r.counts()
		if got["secret 0"] != 6 || len(got) != 7 {
			t.Errorf("told of %v", got)
		}
	})
}

// A spool that was written by a clock that was years ahead, or behind, holds
// nothing back for longer than a window.
func TestClockThatWasWrong(t *testing.T) {
	for _, off := range []time.Duration{-100_000 * time.Hour, 100_000 * time.Hour} {
		inBubble(t, func(t *testing.T, r *receiver) {
			dir := t.TempDir()
			r.setDown(true)
			s := r.open(func(c *Config) { c.Spool, c.Now = dir, func() time.Time { return time.Now().Add(off) } })
			write(t, s, 0)
			time.Sleep(time.Minute) // sealed
			write(t, s, 0)          // held
			write(t, s, 1)
			closeSink(t, s)
			r.setDown(false)
			s = r.open(func(c *Config) { c.Spool = dir })
			write(t, s, 2)
			time.Sleep(DefaultWindow + time.Minute)
			if st := s.Stats(); st.Waiting != 0 || st.Delivered != 4 {
				t.Errorf("off by %s: %+v", off, st)
			}
			closeSink(t, s)
		})
	}
}

// Any receiver, any crash: what Write returned nil for is told of, as often as
// it was written and not once more by id.
func TestCrashesAtRandom(t *testing.T) {
	seeds := 30
	if testing.Short() {
		seeds = 5
	}
	for seed := range seeds {
		inBubble(t, func(t *testing.T, r *receiver) { crashAtRandom(t, r, rand.New(rand.NewSource(int64(seed)))) })
	}
}

func crashAtRandom(t *testing.T, r *receiver, rnd *rand.Rand) {
	bad := badAnswers(t)
	last := false
	answers := rand.New(rand.NewSource(rnd.Int63())) // the receiver's, under its mutex
	r.answer = func(_ int, w http.ResponseWriter, req *http.Request) bool {
		r.mu.Lock()
		n, k := answers.Intn(3), answers.Intn(len(bad))
		good := last
		r.mu.Unlock()
		if n > 0 || good {
			return true
		}
		bad[k](w, req)
		return false
	}
	dir, written := t.TempDir(), map[string]int64{}
	open := func() (*Sink, *wire) {
		w := &wire{r: r}
		return r.open(func(c *Config) {
			c.Spool, c.Batch, c.SpoolBytes, c.Timeout, c.dial = dir, 1+rnd.Intn(5), minSpoolBytes, 10*time.Second, w.dial
		}), w
	}
	s, w := open()
	for range 8 {
		for range rnd.Intn(20) {
			n := rnd.Intn(15)
			write(t, s, n)
			written[fmt.Sprintf("secret %d", n)]++
			time.Sleep(time.Duration(rnd.Intn(3000)) * time.Millisecond)
		}
		r.setDown(rnd.Intn(2) == 0)
		synctest.Wait() // nothing happens between the picture and the end
		image := copyFolder(t, dir)
		w.cut()
		closeSink(t, s)
		dir = image
		s, w = open()
	}
	r.mu.Lock()
	r.down, last = false, true
	r.mu.Unlock()
	time.Sleep(5 * time.Hour)
	closeSink(t, s)
	got := r.counts()
	for name, n := range written {
		if got[name] != n {
			t.Errorf("%s was written %d times and told of %d times", name, n, got[name])
		}
	}
}

// wire is the network of one process.
type wire struct {
	r     *receiver
	mu    sync.Mutex
	ended bool
	conns []net.Conn
}

func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := w.r.dial(ctx, network, addr)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil || w.ended {
		return nil, errors.Join(err, errors.New("this process has ended"))
	}
	w.conns = append(w.conns, c)
	return c, nil
}

// cut ends a process for the receiver: it hears nothing of it any more.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	for _, c := range w.conns {
		_ = c.Close()
	}
}
