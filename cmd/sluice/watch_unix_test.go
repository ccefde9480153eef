//go:build unix

package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice/internal/gateway/fake"
)

// patience is how long a test waits for what has to happen; a machine that is
// that slow is broken.
const patience = 2 * time.Minute

// watched is a sluice watch in a process of its own, and what it said so far.
type watched struct {
	t   testing.TB
	cmd *exec.Cmd

	mu       sync.Mutex
	said     bytes.Buffer // standard error
	findings []watchedFinding
	changed  chan struct{} // closed and made anew with each line
	read     sync.WaitGroup
}

// watchedFinding is what these tests read of a finding.
type watchedFinding struct {
	Rule   string
	Update bool
	Source struct{ Name string }
	Key    struct{ Alias, State string }
	Secret struct{ Print string }

	at time.Time // when it was read
}

func watch(t testing.TB, env []string, args ...string) *watched {
	t.Helper()
	cmd := ownProcess(t, append([]string{"watch", "--format", "jsonl"}, args...)...)
	cmd.Env = append(cmd.Env, env...)
	w := &watched{t: t, cmd: cmd, changed: make(chan struct{})}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.lines(out, func(line []byte) {
		f := watchedFinding{at: time.Now()}
		if err := json.Unmarshal(line, &f); err != nil {
			t.Errorf("standard output has %q", line)
		}
		w.findings = append(w.findings, f)
	})
	w.lines(said, func(line []byte) { w.said.Write(append(line, '\n')) })
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			w.read.Wait()
			_ = cmd.Wait()
		}
		if t.Failed() {
			t.Logf("it said: %s", w.said.String())
		}
	})
	return w
}

// lines calls keep, under the lock, for each line of r.
func (w *watched) lines(r io.Reader, keep func([]byte)) {
	w.read.Go(func() {
		for s := bufio.NewScanner(r); s.Scan(); {
			w.mu.Lock()
			keep(bytes.Clone(s.Bytes()))
			close(w.changed)
			w.changed = make(chan struct{})
			w.mu.Unlock()
		}
	})
}

// until waits for a condition on what came so far.
func (w *watched) until(what string, holds func() bool) {
	w.t.Helper()
	deadline := time.After(patience)
	for {
		w.mu.Lock()
		ok, changed := holds(), w.changed
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			w.t.Fatalf("waited in vain for %s; findings %+v", what, w.findings)
		}
	}
}

func (w *watched) says(text string) {
	w.t.Helper()
	w.until(text, func() bool { return strings.Contains(w.said.String(), text) })
}

// finds waits for n findings of a rule in all.
func (w *watched) finds(n int, rule string) {
	w.t.Helper()
	w.until(rule, func() bool { return w.count(rule) >= n })
}

func (w *watched) count(rule string) (n int) {
	for _, f := range w.findings {
		if f.Rule == rule {
			n++
		}
	}
	return n
}

// stop sends a signal and returns the exit code.
func (w *watched) stop(s os.Signal) int {
	w.t.Helper()
	if err := w.cmd.Process.Signal(s); err != nil {
		w.t.Fatal(err)
	}
	w.read.Wait()
	_ = w.cmd.Wait() // the code says it
	return w.cmd.ProcessState.ExitCode()
}

var servingAt = regexp.MustCompile(`msg=serving addr=(\S+)`)

// get asks the address that --listen 127.0.0.1:0 came to.
func (w *watched) get(path string) (int, string) {
	w.t.Helper()
	w.says("msg=serving")
	addr := servingAt.FindStringSubmatch(w.said.String())[1]
	resp, err := http.Get("http://" + addr + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// waitMetric asks /metrics until a line is there.
func (w *watched) waitMetric(line string) {
	w.t.Helper()
	w.waitFor("/metrics", func(_ int, body string) bool { return strings.Contains(body, "\n"+line+"\n") }, line)
}

// waitReady asks /readyz until it answers what is wanted.
func (w *watched) waitReady(code int, reason string) {
	w.t.Helper()
	w.waitFor("/readyz", func(got int, body string) bool { return got == code && strings.Contains(body, reason) }, reason)
}

// waitFor asks until an answer is as wanted.
func (w *watched) waitFor(path string, wanted func(code int, body string) bool, what string) {
	w.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		code, body := w.get(path)
		if wanted(code, body) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatalf("waited in vain for %s at %s: %d %s", what, path, code, body)
		}
	}
}

func write(t *testing.T, path string, flag int, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|flag, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// A clean stop and a start again: every leak once, also one in a generation
// that was rotated away meanwhile. A second sidecar is told who has the folder.
func TestWatchGoesOnWhereItStopped(t *testing.T) {
	dir := t.TempDir()
	path, state := filepath.Join(dir, "gateway.log"), filepath.Join(dir, "state")
	write(t, path, os.O_APPEND, "token "+githubToken+"\n")
	w := watch(t, nil, "--state-dir", state, path)
	w.finds(1, "github-pat")
	second := ownProcess(t, "watch", "--state-dir", state, path)
	if out, _ := second.CombinedOutput(); second.ProcessState.ExitCode() != exitIncomplete || !strings.Contains(string(out), "in use by process") {
		t.Errorf("a second sidecar: %d %s", second.ProcessState.ExitCode(), out)
	}
	write(t, path, os.O_APPEND, "again "+githubToken+"\n")
	w.finds(2, "github-pat")
	if code := w.stop(syscall.SIGTERM); code != exitClean {
		t.Fatalf("a clean stop ends with %d", code)
	}
	write(t, path, os.O_APPEND, "while away "+githubToken+"\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(t, path, os.O_APPEND, "new "+githubToken+"\n")
	again := watch(t, nil, "--state-dir", state, path)
	again.finds(2, "github-pat")
	if code := again.stop(syscall.SIGINT); code != exitClean {
		t.Errorf("SIGINT ends with %d", code)
	}
	if n := again.count("github-pat"); n != 2 {
		t.Errorf("%d findings after the restart, want the two that were new", n)
	}
	if a, b := w.findings[0].Secret.Print, again.findings[0].Secret.Print; a != b {
		t.Errorf("one secret prints as %s and, after the restart, as %s", a, b)
	}
}

// SIGHUP takes new rules over; rules that can't be used change nothing.
func TestWatchReloads(t *testing.T) {
	dir := t.TempDir()
	path, ruleFile := filepath.Join(dir, "gateway.log"), filepath.Join(dir, "rules.toml")
	rule := func(id, word string) string {
		return "[[rules]]\nid = \"" + id + "\"\nregex = '''" + word + "-[0-9]{6}'''\nkeywords = [\"" + word + "\"]\n"
	}
	write(t, ruleFile, os.O_TRUNC, rule("badge", "badge"))
	w := watch(t, nil, "--rules", ruleFile, path)
	write(t, path, os.O_APPEND, "badge-123456 ticket-123456\n")
	w.finds(1, "badge")
	write(t, ruleFile, os.O_TRUNC, "[[rules]]\nid = \"broken\"\nregex = '''('''\n")
	if err := w.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	w.says("all stays as it was")
	write(t, path, os.O_APPEND, "badge-223456 ticket-223456\n")
	w.finds(2, "badge")
	write(t, ruleFile, os.O_TRUNC, rule("ticket", "ticket"))
	if err := w.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	w.says("reloaded rules")
	write(t, path, os.O_APPEND, "badge-323456 ticket-323456\n")
	w.finds(1, "ticket")
	if code := w.stop(syscall.SIGTERM); code != exitClean || w.count("badge") != 2 || w.count("ticket") != 1 {
		t.Errorf("exit %d, findings %+v", code, w.findings)
	}
}

// The sidecar starts while the gateway is down: it is not ready and says why,
// reports what it finds, and once the gateway answers names the owner, and finds
// the key that looked like nothing until then.
func TestWatchStartsBeforeTheGateway(t *testing.T) {
	g, err := fake.Start(fake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	g.SetFault(fake.Fault{Down: true})
	key := g.AddKey(fake.Key{Alias: "early"})
	sum := sha256.Sum256([]byte(madeKey))
	g.AddKey(fake.Key{Token: hex.EncodeToString(sum[:]), Name: "sk-..." + madeKey[len(madeKey)-4:], Alias: "made"})
	path := filepath.Join(t.TempDir(), "gateway.log")
	write(t, path, os.O_APPEND, "key "+key+"\nmade "+madeKey+"\n")
	w := watch(t, []string{"LITELLM_MASTER_KEY=" + g.MasterKey}, "--gateway", g.URL, "--listen", "127.0.0.1:0", path)
	w.finds(1, "litellm-virtual-key")
	w.waitReady(http.StatusServiceUnavailable, "were not read yet")
	g.SetFault(fake.Fault{})
	w.finds(3, "litellm-virtual-key")
	w.waitReady(http.StatusOK, "ready")
	if code := w.stop(syscall.SIGTERM); code != exitClean {
		t.Errorf("exit %d", code)
	}
	first, update, late := w.findings[0], w.findings[1], w.findings[2]
	if late.Key.Alias != "made" || late.Update || first.Key.State != "unknown" || first.Update || update.Key.Alias != "early" || update.Key.State != "live" || !update.Update {
		t.Errorf("findings %+v", w.findings)
	}
}

// A canary goes through the gateway's log and is seen; it is no finding of anybody.
func TestWatchSeesItsCanary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.log")
	log, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	g, err := fake.Start(fake.Options{Logs: func(int) (stdout, stderr io.Writer) { return log, log }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	w := watch(t, []string{"LITELLM_MASTER_KEY=" + g.MasterKey}, "--gateway", g.URL, "--canary", "1m", "--listen", "127.0.0.1:0", "--log-level", "debug", path)
	w.says("the canary is back")
	if _, text := w.get("/metrics"); !strings.Contains(text, `sluice_canary_age_seconds{gateway="`+g.URL+`"}`) {
		t.Error("the age of the canary is not among the metrics")
	}
	if code := w.stop(syscall.SIGTERM); code != exitClean || len(w.findings) > 0 {
		t.Errorf("exit %d, findings %+v", code, w.findings)
	}
}

// A findings file in the folder that is followed is not read.
func TestWatchDoesNotReadWhatItWrites(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "gateway.log"), os.O_APPEND, "card sk-ant-1 token "+githubToken+"\n")
	out, more := filepath.Join(dir, "found.log"), filepath.Join(dir, "more.log")
	w := watch(t, nil, "--listen", "127.0.0.1:0", "-o", out, "--sink", "jsonl:"+more, filepath.Join(dir, "*.log"))
	w.waitMetric("sluice_files 1")
	w.waitMetric(`sluice_findings_total{rule="github-pat",severity="high"} 1`)
	if code := w.stop(syscall.SIGTERM); code != exitClean {
		t.Errorf("exit %d", code)
	}
	for _, path := range []string{out, more} {
		text, err := os.ReadFile(path)
		if err != nil || strings.Count(string(text), "\n") != 1 || strings.Contains(string(text), githubToken) {
			t.Errorf("%s: %q, %v", path, text, err)
		}
	}
}
