//go:build linux

package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	soakLogs = 64
	// soakLine is how often a line is written to one of them, and soakLeak which
	// of these hold a secret of their own.
	soakLine = 10 * time.Millisecond
	soakLeak = 20
	// soakTurn is how often one of them is rotated, soakDown how long the receiver
	// is down and then up.
	soakTurn = time.Second
	soakDown = time.Minute
)

// A sidecar that follows 64 logs through rotation, with a receiver that is down
// half of the time, finds each secret once and needs no more after half an hour
// than after a few minutes. SLUICE_TEST_SOAK says for how long.
func TestSoak(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("SLUICE_TEST_SOAK"))
	if err != nil {
		t.Skip("SLUICE_TEST_SOAK names no time to soak for, such as 30m")
	}
	dir := t.TempDir()
	r := newSoakReceiver(t)
	w := watch(t, nil, "--state-dir", filepath.Join(dir, "state"), "--listen", "127.0.0.1:0", "--log-level", "info",
		"--sink", "webhook:"+r.server.URL, filepath.Join(dir, "logs", "*.log"))
	s := soak{t: t, dir: filepath.Join(dir, "logs"), random: rand.New(rand.NewPCG(1, 2))}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var samples []soakSample
	line, turn, look := time.NewTicker(soakLine), time.NewTicker(soakTurn), time.NewTicker(max(length/120, time.Second))
	up := time.NewTicker(min(soakDown, length/4))
	defer line.Stop()
	defer turn.Stop()
	defer look.Stop()
	defer up.Stop()
	for end := time.After(length); end != nil; {
		select {
		case <-end:
			end = nil
		case <-line.C:
			s.write()
		case <-turn.C:
			s.rotate()
		case <-up.C:
			r.down.Store(!r.down.Load())
		case <-look.C:
			samples = append(samples, s.sample(w))
		}
	}
	r.down.Store(false)
	w.finds(s.leaks, "github-pat")
	r.until(s.leaks)
	samples = append(samples, s.sample(w))
	t.Logf("%d lines, %d secrets, %d rotations, %.1f s of processor time", s.lines, s.leaks, s.turns, samples[len(samples)-1].processor)
	if code := w.stop(syscall.SIGTERM); code != exitClean {
		t.Errorf("exit code %d", code)
	}
	s.check(w, samples)
}

// soak writes logs and rotates them.
type soak struct {
	t                   *testing.T
	dir                 string
	random              *rand.Rand
	lines, leaks, turns int
	wide                int // lines of a mebibyte
}

func (s *soak) log(n int) string { return filepath.Join(s.dir, fmt.Sprintf("svc%02d.log", n)) }

func (s *soak) write() {
	s.lines++
	text := fmt.Sprintf("INFO: request %d was served in 12 ms\n", s.lines)
	if s.lines%soakLeak == 0 {
		s.leaks++
		text = "DEBUG: token " + s.secret() + " was sent\n"
	}
	s.append(s.random.IntN(soakLogs), text)
}

// secret is one that nobody had before.
func (s *soak) secret() string {
	b := []byte("ghp_")
	for range 36 {
		b = append(b, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"[s.random.IntN(62)])
	}
	return string(b)
}

func (s *soak) append(log int, text string) {
	f, err := os.OpenFile(s.log(log), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		s.t.Fatal(err)
	}
}

// rotate shifts the generations of a log; of every second one the older ones are
// packed. The oldest of three goes.
func (s *soak) rotate() {
	log := s.log(s.turns % soakLogs)
	s.turns++
	packed := ""
	if s.turns%2 == 0 {
		packed = ".gz"
	}
	for _, step := range [][2]string{{".2" + packed, ".3" + packed}, {".1", ".2"}, {"", ".1"}} {
		if err := os.Rename(log+step[0], log+step[1]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.t.Fatal(err)
		}
	}
	text, err := os.ReadFile(log + ".2")
	if packed == "" || errors.Is(err, fs.ErrNotExist) {
		return
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, werr := z.Write(text)
	if err := errors.Join(err, werr, z.Close(), os.WriteFile(log+".2.gz", b.Bytes(), 0o600), os.Remove(log+".2")); err != nil {
		s.t.Fatal(err)
	}
}

// soakSample is what a process needs at one moment.
type soakSample struct{ goroutines, descriptors, resident, processor float64 }

func (s *soak) sample(w *watched) soakSample {
	s.t.Helper()
	_, body := w.get("/metrics")
	value := func(name string) float64 {
		m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(body)
		if m == nil {
			s.t.Fatalf("/metrics lacks %s", name)
		}
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			s.t.Fatal(err)
		}
		return v
	}
	return soakSample{value("go_goroutines"), value("process_open_fds"), value("process_resident_memory_bytes") / (1 << 20), value("process_cpu_seconds_total")}
}

// check wants each secret once, and the second half to need what the first did.
func (s *soak) check(w *watched, samples []soakSample) {
	s.t.Helper()
	prints := map[string]int{}
	for _, f := range w.findings {
		prints[f.Secret.Print]++
	}
	if len(prints) != s.leaks || len(w.findings) != s.leaks {
		s.t.Errorf("%d findings of %d secrets, want %d", len(w.findings), len(prints), s.leaks)
	}
	early, late := samples[len(samples)/8:len(samples)/2], samples[len(samples)/2:]
	for _, of := range []struct {
		name  string
		value func(soakSample) float64
		more  float64
	}{
		{"goroutines", func(s soakSample) float64 { return s.goroutines }, 5},
		{"descriptors", func(s soakSample) float64 { return s.descriptors }, 5},
		{"MiB resident", func(s soakSample) float64 { return s.resident }, 10},
	} {
		a, b := median(early, of.value), median(late, of.value)
		s.t.Logf("%s: median %.0f in the first half, %.0f in the second, at most %.0f", of.name, a, b, of.value(slices.MaxFunc(samples, func(x, y soakSample) int { return int(of.value(x) - of.value(y)) })))
		if b > a+of.more {
			s.t.Errorf("%s grew from %.0f to %.0f", of.name, a, b)
		}
	}
}

func median(samples []soakSample, value func(soakSample) float64) float64 {
	var all []float64
	for _, s := range samples {
		all = append(all, value(s))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// soakReceiver is a receiver that is down at times.
type soakReceiver struct {
	t      *testing.T
	server *httptest.Server
	down   atomic.Bool

	refused atomic.Int64 // requests while it was down

	mu     sync.Mutex
	prints map[string]bool
	more   chan struct{} // sent to after each message
}

var printSent = regexp.MustCompile(`"print":"([0-9a-f]{16})"`)

func newSoakReceiver(t *testing.T) *soakReceiver {
	r := &soakReceiver{t: t, prints: map[string]bool{}, more: make(chan struct{}, 1)}
	r.server = httptest.NewServer(r)
	t.Cleanup(r.server.Close)
	return r
}

func (r *soakReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if r.down.Load() {
		r.refused.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var body io.Reader = req.Body
	if req.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(req.Body)
		if err != nil {
			r.t.Error(err)
			return
		}
		body = z
	}
	text, err := io.ReadAll(body)
	if err != nil {
		r.t.Error(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range printSent.FindAllSubmatch(text, -1) {
		r.prints[string(m[1])] = true
	}
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// until waits for so many different secrets.
func (r *soakReceiver) until(n int) {
	r.t.Helper()
	deadline := time.After(patience)
	for {
		r.mu.Lock()
		got := len(r.prints)
		r.mu.Unlock()
		if got == n {
			return
		}
		select {
		case <-r.more:
		case <-deadline:
			r.t.Fatalf("the receiver was told of %d secrets, want %d", got, n)
		}
	}
}
