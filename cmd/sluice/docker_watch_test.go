//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// lineRule makes a finding of each line that the printer prints with -stamp.
const lineRule = "[[rules]]\nid = \"line\"\nregex = '''[0-9]{19} [0-9]+ x{80}'''\nkeywords = [\"xxxx\"]\n"

var printedLine = regexp.MustCompile(`^[0-9]{19} [0-9]+ x{80}$`)

// A sidecar on a real engine is killed and stopped, and its container restarted,
// at random moments: every line is a finding; a second time only what was
// delivered since positions were saved last, and nothing after a clean stop.
func TestRealDockerWatchIsKilled(t *testing.T) {
	e := dockerEngine(t)
	for _, driver := range []string{"json-file", "local"} {
		t.Run(driver, func(t *testing.T) {
			id, name := e.create(t, driver, "50m", 5, "-lines=100000000", "-pace=2ms", "-both", "-stamp")
			e.start(t, id)
			c := newKilledWatch(t, name)
			for range chaosRounds(t, 6) {
				if c.random.IntN(3) == 0 {
					e.restart(t, id)
				}
				c.round()
			}
			e.stop(t, id)
			want := 0
			for _, stream := range e.held(t, id) {
				for _, line := range stream {
					if printedLine.MatchString(line) {
						want++
					}
				}
			}
			c.end(want)
		})
	}
}

// killedWatch is a watch that is ended again and again.
type killedWatch struct {
	t       *testing.T
	args    []string
	random  *rand.Rand
	seen    map[string]reported // by print
	runs    []ended
	torn    int // half lines of the run, which a kill leaves
	doubles int
	longest time.Duration // between a report and the kill that made the line come again
}

// ended is how a run ended, and when.
type ended struct {
	clean bool
	at    time.Time
}

// reported is when a line was reported last.
type reported struct {
	run int
	at  time.Time
}

func newKilledWatch(t *testing.T, container string) *killedWatch {
	t.Helper()
	dir := t.TempDir()
	rules := filepath.Join(dir, "rules.toml")
	write(t, rules, os.O_TRUNC, lineRule)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return &killedWatch{
		t: t, args: []string{"--rules", rules, "--state-dir", filepath.Join(dir, "state"), "docker://" + container},
		random: rand.New(rand.NewPCG(seed, 1)), seen: map[string]reported{},
	}
}

// start begins a run. A kill can leave half a line in the pipe.
func (c *killedWatch) start() *watched {
	c.t.Helper()
	cmd := ownProcess(c.t, append([]string{"watch", "--format", "jsonl"}, c.args...)...)
	cmd.Env = append(cmd.Env, "DOCKER_HOST="+os.Getenv("DOCKER_HOST"))
	w := &watched{t: c.t, cmd: cmd, changed: make(chan struct{})}
	out, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	cmd.Stderr = &w.said // read behind the end only
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	w.lines(out, func(line []byte) {
		f := watchedFinding{at: time.Now()}
		if json.Unmarshal(line, &f) != nil {
			c.torn++
			return
		}
		w.findings = append(w.findings, f)
	})
	c.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			w.read.Wait()
			_ = cmd.Wait()
		}
	})
	return w
}

// round runs a watch until it has reported some lines.
func (c *killedWatch) round() {
	c.t.Helper()
	w := c.start()
	w.finds(1+c.random.IntN(1200), "line")
	c.stop(w, []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM}[c.random.IntN(2)])
}

// stop ends a run and counts what it reported. A line that a run reported which
// was stopped cleanly must not come again.
func (c *killedWatch) stop(w *watched, how syscall.Signal) {
	c.t.Helper()
	clean := how == syscall.SIGTERM
	if code := w.stop(how); clean && (code != exitClean || c.torn > 0) || c.torn > 1 {
		c.t.Errorf("after %v: exit %d, %d half lines, and it said %s", how, code, c.torn, w.said.String())
	}
	c.torn = 0
	for _, f := range w.findings {
		if f.Rule != "line" {
			c.t.Errorf("a finding of %s", f.Rule)
			continue
		}
		if last, again := c.seen[f.Secret.Print]; again {
			c.doubles++
			if last.run == len(c.runs) || c.runs[last.run].clean {
				c.t.Fatalf("run %d reports again what run %d had", len(c.runs), last.run)
			}
			c.longest = max(c.longest, c.runs[last.run].at.Sub(last.at))
		}
		c.seen[f.Secret.Print] = reported{len(c.runs), f.at}
	}
	c.runs = append(c.runs, ended{clean, time.Now()})
}

// end reads what is left, and compares with what was printed.
func (c *killedWatch) end(want int) {
	c.t.Helper()
	w := c.start()
	n, looked := len(c.seen), 0
	w.until("all lines", func() bool {
		for ; looked < len(w.findings); looked++ {
			if _, again := c.seen[w.findings[looked].Secret.Print]; !again {
				n++
			}
		}
		return n >= want
	})
	c.stop(w, syscall.SIGTERM)
	if len(c.seen) != want {
		c.t.Errorf("%d lines, want %d", len(c.seen), want)
	}
	c.t.Logf("%d runs: %d lines, %d of them again, which were reported at most %s before the kill",
		len(c.runs), len(c.seen), c.doubles, c.longest.Round(time.Millisecond))
}

// Lines that rotation took while nobody read are a finding of their own, and
// counted; what is held behind them comes once.
func TestRealDockerWatchTellsOfAGap(t *testing.T) {
	e := dockerEngine(t)
	for _, driver := range []string{"json-file", "local"} {
		t.Run(driver, func(t *testing.T) {
			id, name := e.create(t, driver, "50k", 2, "-lines=20000", "-stamp")
			c := newKilledWatch(t, name)
			e.start(t, id)
			e.await(t, id)
			tellsOfAGap(t, c.start, func() (held int) {
				e.start(t, id)
				e.await(t, id)
				lines := e.held(t, id)
				return len(lines[0])
			})
		})
	}
}

// tellsOfAGap runs a watch on a log, has it rotated away and starts another.
func tellsOfAGap(t *testing.T, start func() *watched, rotate func() (held int)) {
	t.Helper()
	w := start()
	w.finds(1, "line")
	if code := w.stop(syscall.SIGTERM); code != exitClean || w.count(ruleGap) > 0 {
		t.Fatalf("exit %d, %d gaps before any", code, w.count(ruleGap))
	}
	held := rotate()
	w = start()
	w.finds(held, "line")
	w.finds(1, ruleGap)
	if code := w.stop(syscall.SIGTERM); code != exitClean {
		t.Errorf("exit %d", code)
	}
	if n := w.count("line"); n != held || w.count(ruleGap) != 1 {
		t.Errorf("%d lines, want %d; %d gaps", n, held, w.count(ruleGap))
	}
}

// rotatedDocker is a daemon with one container, which has stopped.
type rotatedDocker struct {
	mu  sync.Mutex
	log []byte // frames
}

func (d *rotatedDocker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", "1.41")
	id := strings.Repeat("a", 64)
	switch {
	case strings.HasSuffix(r.URL.Path, "/events"):
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	case strings.HasSuffix(r.URL.Path, "/containers/json"):
		_ = json.NewEncoder(w).Encode([]map[string]any{{"Id": id, "Names": []string{"/gateway"}}})
	case strings.HasSuffix(r.URL.Path, "/logs"):
		d.mu.Lock()
		defer d.mu.Unlock()
		_, _ = w.Write(d.log)
	case strings.HasSuffix(r.URL.Path, "/json"):
		_ = json.NewEncoder(w).Encode(map[string]any{"Id": id, "Name": "/gateway", "State": map[string]any{"Running": false}, "Config": map[string]any{}})
	}
}

// hold makes the log n lines of a second.
func (d *rotatedDocker) hold(at time.Time, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = nil
	for i := range n {
		at = at.Add(time.Millisecond)
		text := at.Format("2006-01-02T15:04:05.000000000Z ") + fmt.Sprintf("%d %d %s\n", at.UnixNano(), i, strings.Repeat("x", 80))
		d.log = append(append(d.log, 1, 0, 0, 0, 0, 0, 0, byte(len(text))), text...)
	}
}

func TestWatchTellsOfAGapOfAContainer(t *testing.T) {
	d := &rotatedDocker{}
	at := time.Date(2026, 1, 21, 9, 14, 0, 0, time.UTC)
	d.hold(at, 50)
	folder, err := os.MkdirTemp("", "d") // t.TempDir may be longer than a socket's path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	l, err := net.Listen("unix", filepath.Join(folder, "s"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: d, ReadHeaderTimeout: time.Minute}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(folder, "s"))
	tellsOfAGap(t, newKilledWatch(t, "gateway").start, func() int {
		d.hold(at.Add(time.Hour), 70)
		return 70
	})
}
