package webhook

import (
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// hijack takes over the connection of a request.
func hijack(t *testing.T, w http.ResponseWriter) net.Conn {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
	}
	return c
}

// badAnswers is what a receiver can do to a request it does not take.
func badAnswers(t *testing.T) []func(http.ResponseWriter, *http.Request) {
	header := func(code int, kv ...string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(kv); i += 2 {
				w.Header().Set(kv[i], kv[i+1])
			}
			w.WriteHeader(code)
		}
	}
	raw := func(text string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			c := hijack(t, w)
			_, _ = c.Write([]byte(text))
			_ = c.Close()
		}
	}
	return []func(http.ResponseWriter, *http.Request){
		header(429), header(429, "Retry-After", "3"), header(429, "Retry-After", "0.35"), header(429, "Retry-After", "-7"),
		header(429, "Retry-After", "soon"), header(429, "Retry-After", "99999999999999999999"), header(429, "Retry-After", "NaN"),
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", time.Now().Add(4*time.Second).UTC().Format(http.TimeFormat))
			w.WriteHeader(429)
		},
		// A date by a clock that is a year ahead of ours.
		func(w http.ResponseWriter, _ *http.Request) {
			theirs := time.Now().AddDate(1, 0, 0).UTC()
			w.Header().Set("Date", theirs.Format(http.TimeFormat))
			w.Header().Set("Retry-After", theirs.Add(5*time.Second).Format(http.TimeFormat))
			w.WriteHeader(503)
		},
		header(500), header(502), header(503, "Retry-After", "2"), header(599), header(408), header(401), header(404),
		header(302, "Location", "http://evil.test/"), header(307, "Location", ":\x7f"),
		raw(""), raw("\x15\x03\x01"), raw("HTTP/1.1 503 x\r\nContent-Length: 10\r\n\r\nab"), raw("HTTP/1.1 2"),
		func(w http.ResponseWriter, r *http.Request) { // reset in the middle of our body
			_, _ = r.Body.Read(make([]byte, 10))
			_ = hijack(t, w).Close()
		},
		func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, // silence
		func(w http.ResponseWriter, r *http.Request) { // a status at last, its text never
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(500)
			_, _ = w.Write([]byte("x"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		func(w http.ResponseWriter, r *http.Request) { // drips
			w.WriteHeader(502)
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte("x")); err != nil {
					return
				}
				w.(http.Flusher).Flush()
				time.Sleep(500 * time.Millisecond)
			}
		},
	}
}

// Whatever the receiver does, each finding is acknowledged once by id, and a
// receiver that fails is left alone for a second at least.
func TestHostileReceiver(t *testing.T) {
	for _, disk := range []bool{true, false} {
		inBubble(t, func(t *testing.T, r *receiver) {
			bad := badAnswers(t)
			var failed []time.Time
			r.answer = func(n int, w http.ResponseWriter, req *http.Request) bool {
				if n > 3*len(bad) || n%3 == 0 { // takes every third
					return true
				}
				r.mu.Lock()
				failed = append(failed, time.Now())
				r.mu.Unlock()
				bad[(n-n/3)%len(bad)](w, req)
				return false
			}
			s := r.open(func(c *Config) {
				if disk {
					c.Spool = t.TempDir()
				}
				c.Timeout, c.Batch = 20*time.Second, 4
			})
			const n = 200
			for i := range n {
				write(t, s, i)
				time.Sleep(200 * time.Millisecond)
			}
			time.Sleep(10 * maxRetryAfter)
			st := s.Stats()
			if st.Waiting != 0 || st.Delivered != n || st.Failed == 0 {
				t.Errorf("%+v", st)
			}
			closeSink(t, s)
			each(t, r, n)
			r.mu.Lock()
			defer r.mu.Unlock()
			for i, at := range failed[1:] {
				if at.Sub(failed[i]) < time.Second {
					t.Errorf("after a failure the next came within %s", at.Sub(failed[i]))
				}
			}
		})
	}
}

// A message that was taken though its answer broke off is not lost, not told
// twice by id, and no reason to stop.
func TestTakenThenCut(t *testing.T) {
	inBubble(t, func(t *testing.T, r *receiver) {
		takeAnd := func(text string) func(int, http.ResponseWriter, *http.Request) bool {
			return func(n int, w http.ResponseWriter, req *http.Request) bool {
				if n%2 == 0 {
					return true
				}
				body := make([]byte, req.ContentLength)
				for at := 0; at < len(body); {
					k, err := req.Body.Read(body[at:])
					if at += k; err != nil {
						break
					}
				}
				r.take(req.Header, body)
				c := hijack(t, w)
				_, _ = c.Write([]byte(text))
				_ = c.Close()
				return false
			}
		}
		n := 0
		for _, text := range []string{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", "HTTP/1.1 200 OK\r\n\r\n", "", "HTTP/1.1 20"} {
			r.behave(takeAnd(text))
			s := r.open(nil)
			for range 4 {
				write(t, s, n)
				n++
			}
			closeSink(t, s)
		}
		each(t, r, n)
	})
}

// Ten minutes away, at a finding every two seconds: at most a request a
// second, nothing lost, and what waited is gone in a fifth of the time.
func TestDownTenMinutes(t *testing.T) {
	inBubble(t, func(t *testing.T, r *receiver) {
		s := r.open(func(c *Config) { c.Spool = t.TempDir() })
		r.setDown(true)
		const n = 300
		for i := range n {
			write(t, s, i)
			time.Sleep(2 * time.Second)
		}
		if st := s.Stats(); !st.Down || st.Waiting != n || st.Oldest.IsZero() {
			t.Errorf("while down: %+v", st)
		}
		tries := r.requests()
		for i := 1; i < len(tries); i++ {
			if tries[i].Sub(tries[i-1]) < time.Second {
				t.Errorf("two requests within %s", tries[i].Sub(tries[i-1]))
			}
		}
		if len(tries) < 30 {
			t.Errorf("only %d tries in ten minutes", len(tries))
		}
		r.setDown(false)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if st := s.Stats(); st.Down || st.Waiting != 0 || !st.Oldest.IsZero() {
			t.Errorf("two minutes after: %+v", st)
		}
		closeSink(t, s)
		each(t, r, n)
	})
}

// A message that is too much is halved until what can't be borne stands
// alone; only that is put aside, and everything else arrives.
func TestRefusedAreSplit(t *testing.T) {
	inBubble(t, func(t *testing.T, r *receiver) {
		dir := t.TempDir()
		r.answer = refuseWord("secret 13\"", http.StatusBadRequest)
		s := r.open(func(c *Config) { c.Spool = dir })
		for i := range 20 {
			write(t, s, i)
		}
		time.Sleep(time.Minute)
		if st := s.Stats(); st.Refused != 1 || st.Delivered != 19 || st.Waiting != 0 {
			t.Errorf("%+v", st)
		}
		closeSink(t, s)
		got := r.counts()
		for i := range 20 {
			if c := got[fmt.Sprintf("secret %d", i)]; c != 1 && i != 13 || i == 13 && c != 0 {
				t.Errorf("secret %d was told of %d times", i, c)
			}
		}
		checkLetters(t, dir, "secret 13", http.StatusBadRequest)
	})
}
