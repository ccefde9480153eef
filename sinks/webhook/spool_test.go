package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/record"
)

// A thousand equal leaks are one message; those of another place, secret or
// rule are not equal.
func TestThousandEqualLeaksAreOneMessage(t *testing.T) {
	for _, disk := range []bool{true, false} {
		inBubble(t, func(t *testing.T, r *receiver) {
			s := r.open(func(c *Config) {
				if disk {
					c.Spool = t.TempDir()
				}
			})
			var ds []record.Delivery
			for i := range 1000 {
				d := leaked(7)
				d[0].Findings[0].Pos.Line = int64(i)
				d[0].Findings[0].Time = time.Now().Add(-time.Duration(i) * time.Second)
				ds = append(ds, d...)
			}
			if err := s.Write(t.Context(), ds); err != nil {
				t.Fatal(err)
			}
			pass(time.Minute)
			all := r.alerts()
			if len(r.requests()) != 1 || len(all) != 1 || all[0].Count != 1000 {
				t.Fatalf("%d requests, %+v", len(r.requests()), all)
			}
			first, last := all[0].First, all[0].Last
			if first != stamp(time.Now().Add(-999*time.Second-time.Minute)) || last != stamp(time.Now().Add(-time.Minute)) {
				t.Errorf("seen from %s to %s", first, last)
			}
			for i := range 999 { // the same again, one by one, within the window
				if err := s.Write(t.Context(), ds[i:i+1]); err != nil {
					t.Fatal(err)
				}
				pass(time.Second)
			}
			if n := len(r.requests()); n != 1 {
				t.Errorf("%d requests within a window", n)
			}
			pass(time.Hour)
			if all = r.alerts(); len(all) != 2 || all[1].Count != 999 || all[1].Group != all[0].Group {
				t.Errorf("after the window: %d requests, %+v", len(r.requests()), all[1:])
			}
			for _, change := range []func(*record.Finding){
				func(f *record.Finding) { f.Print[0]++ }, func(f *record.Finding) { f.Rule = "x" }, func(f *record.Finding) { f.Update = true },
				func(f *record.Finding) { f.Origin.Name = "b" }, func(f *record.Finding) { f.Origin.Stream = "stdout" },
			} {
				d := leaked(7)
				change(&d[0].Findings[0])
				if err := s.Write(t.Context(), d); err != nil {
					t.Fatal(err)
				}
			}
			pass(time.Minute)
			if all = r.alerts(); len(all) != 7 {
				t.Errorf("%d alerts, want 7", len(all))
			}
			closeSink(t, s)
		})
	}
}

// fill writes until the spool has no room.
func fill(t *testing.T, s *Sink) (written int) {
	t.Helper()
	for ; ; written++ {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		err := s.Write(ctx, leaked(written))
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return written
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// With a full spool Write waits, and what follows with it, until the receiver
// takes something; nothing that it took is lost. The folder stays within its
// size.
func TestFullSpoolBlocks(t *testing.T) {
	inBubble(t, func(t *testing.T, r *receiver) {
		dir := t.TempDir()
		var log strings.Builder
		s := r.open(func(c *Config) {
			c.Spool, c.SpoolBytes, c.Log = dir, minSpoolBytes, slog.New(slog.NewTextHandler(&log, nil))
		})
		r.setDown(true)
		n := fill(t, s)
		if n < 200 {
			t.Errorf("only %d findings fit into %d bytes", n, minSpoolBytes)
		}
		if st := s.Stats(); !st.Full || st.Dropped != 0 || st.Waiting != int64(n) {
			t.Errorf("%+v", st)
		}
		for range 3 * n { // what is known of already has room: a line each
			if err := s.Write(t.Context(), leaked(n-1)); err != nil {
				t.Fatal(err)
			}
			checkSize(t, dir)
		}
		done := make(chan error)
		go func() { done <- s.Write(t.Context(), leaked(n)) }()
		pass(time.Minute)
		select {
		case err := <-done:
			t.Fatalf("Write did not wait: %v", err)
		default:
		}
		r.setDown(false)
		if err := <-done; err != nil {
			t.Error(err)
		}
		pass(2 * time.Hour)
		if st := s.Stats(); st.Full || st.Waiting != 0 || st.Delivered != int64(n+1+3*n) {
			t.Errorf("%+v", st)
		}
		closeSink(t, s)
		if got := r.counts(); len(got) != n+1 || got[fmt.Sprint("secret ", n-1)] != int64(1+3*n) {
			t.Errorf("%d told of, the last but one %d times", len(got), got[fmt.Sprint("secret ", n-1)])
		}
		if said := strings.Count(log.String(), "webhook's spool is full"); said != 1 {
			t.Errorf("said %d times that it is full", said)
		}
	})
}

// checkSize fails if the files of a spool have outgrown it.
func checkSize(t *testing.T, dir string) {
	t.Helper()
	var size int64
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > minSpoolBytes {
		t.Fatalf("%d bytes in a spool of %d", size, minSpoolBytes)
	}
}

// Who prefers to lose alerts over holding up the log says so; what is lost is
// counted.
func TestFullSpoolDrops(t *testing.T) {
	inBubble(t, func(t *testing.T, r *receiver) {
		var log strings.Builder
		s := r.open(func(c *Config) {
			c.Spool, c.SpoolBytes, c.Full, c.Log = t.TempDir(), minSpoolBytes, FullDrop, slog.New(slog.NewTextHandler(&log, nil))
		})
		r.setDown(true)
		const n = 3000
		for i := range n {
			write(t, s, i)
		}
		st := s.Stats()
		if st.Dropped == 0 || st.Dropped+st.Waiting != n || !st.Full {
			t.Errorf("%+v", st)
		}
		if said := strings.Count(log.String(), "webhook's spool is full"); said != 1 {
			t.Errorf("said %d times that it is full", said)
		}
		r.setDown(false)
		pass(time.Hour)
		if now := s.Stats(); now.Delivered != st.Waiting || now.Dropped != st.Dropped {
			t.Errorf("%+v", now)
		}
		closeSink(t, s)
	})
}

// A run that has an end does not wait for ever.
func TestPatience(t *testing.T) {
	inBubble(t, func(t *testing.T, r *receiver) {
		r.setDown(true)
		s := r.open(func(c *Config) { c.Patience = 2 * time.Minute })
		begin := time.Now()
		if err := s.Write(t.Context(), leaked(1)); !errors.Is(err, ErrUnreachable) {
			t.Errorf("%v", err)
		}
		if waited := time.Since(begin); waited != 2*time.Minute {
			t.Errorf("waited %s", waited)
		}
		if err := s.Close(t.Context()); err == nil || !strings.Contains(err.Error(), "1 findings were not delivered") {
			t.Errorf("%v", err)
		}
	})
}

// One process at a time has a spool.
func TestSpoolIsOneProcess(t *testing.T) {
	inBubble(t, func(t *testing.T, r *receiver) {
		dir := t.TempDir()
		s := r.open(func(c *Config) { c.Spool = dir })
		_, err := New(Config{URL: literal("http://receiver.test/"), Spool: dir})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("by process %d", os.Getpid())) {
			t.Errorf("%v", err)
		}
		closeSink(t, s)
	})
}

// A disk that damages what it holds costs what it damaged, and that is said.
func TestDamagedSpool(t *testing.T) {
	inBubble(t, func(t *testing.T, r *receiver) {
		dir := t.TempDir()
		r.setDown(true)
		s := r.open(func(c *Config) { c.Spool = dir })
		for i := range 10 {
			write(t, s, i)
		}
		path := filepath.Join(dir, "findings.spool")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := strings.Index(string(text), "secret 4")
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("SECRET"), int64(at)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		r.setDown(false)
		pass(time.Minute)
		if st := s.Stats(); st.Damaged != 1 || st.Delivered != 10 {
			t.Errorf("%+v", st)
		}
		closeSink(t, s)
		if got := r.counts(); got["the disk damaged this finding in the spool"] != 1 || got["secret 4"] != 0 || len(got) != 10 {
			t.Errorf("%v", got)
		}
	})
}

// Two minutes of each answer that says "down": at most a request a second.
func TestAtMostOneRequestASecondWhileDown(t *testing.T) {
	for i, bad := range badAnswers(t) {
		inBubble(t, func(t *testing.T, r *receiver) {
			r.answer = func(_ int, w http.ResponseWriter, req *http.Request) bool {
				bad(w, req)
				return false
			}
			s := r.open(func(c *Config) { c.Spool, c.Timeout = t.TempDir(), 5*time.Second })
			for n := range 60 {
				write(t, s, n)
				pass(2 * time.Second)
			}
			tries := r.requests()
			for k := 1; k < len(tries); k++ {
				if gap := tries[k].Sub(tries[k-1]); gap < time.Second {
					t.Errorf("answer %d: two requests within %s", i, gap)
				}
			}
			if st := s.Stats(); st.Delivered != 0 || st.Waiting != 60 {
				t.Errorf("answer %d: %+v", i, st)
			}
			r.behave(nil)
			pass(maxRetryAfter + 2*time.Minute)
			closeSink(t, s)
			each(t, r, 60)
		})
	}
}
