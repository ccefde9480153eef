//go:build unix

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// copying is redact --follow -o FILE in a process of its own.
type copying struct {
	t                *testing.T
	log, out, state  string
	written, planted string
}

func (c *copying) start() *exec.Cmd {
	c.t.Helper()
	cmd := ownProcess(c.t, "redact", "--follow", c.log, "-o", c.out, "--state-dir", c.state)
	cmd.Stderr = &bytes.Buffer{}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	return cmd
}

func (c *copying) write(text string) {
	c.t.Helper()
	f, err := os.OpenFile(c.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.written += text
	if err := f.Close(); err != nil {
		c.t.Fatal(err)
	}
}

// copied waits until all that was written is in the copy.
func (c *copying) copied(cmd *exec.Cmd) {
	c.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := os.ReadFile(c.out)
		if err == nil && bytes.Count(got, []byte{'\n'}) == strings.Count(c.written, "\n") {
			return
		}
		select {
		case <-tick.C:
		case <-c.t.Context().Done():
			c.t.Fatalf("%q is copied of %q; stderr %s", got, c.written, cmd.Stderr)
		}
	}
}

// stop ends it as a service manager does.
func (c *copying) stop(cmd *exec.Cmd) {
	c.t.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		c.t.Fatalf("exit %v; stderr %s", err, cmd.Stderr)
	}
}

// The copy has every line once and no secret, over rotation, SIGKILL and a clean
// stop, and equal secrets look alike in all of it.
func TestFollowedCopyHasEveryLineOnce(t *testing.T) {
	dir := t.TempDir()
	c := &copying{t: t, log: filepath.Join(dir, "app.log"), out: filepath.Join(dir, "clean.log"), state: filepath.Join(dir, "state")}
	c.planted = "ghp_HsecEg6NxSNLcr17jdfBQ3pTcKjTw0T9dlc4"
	line := func(n string) string { return n + " key " + c.planted + " end\n" }
	cmd := c.start()
	c.write(line("1"))
	c.copied(cmd)
	for n, rotate := range []bool{true, false, true} {
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		c.write(line("while it is down " + string(rune('a'+n))))
		if rotate {
			_ = os.Rename(c.log+".1", c.log+".2") // there is none at first
			if err := os.Rename(c.log, c.log+".1"); err != nil {
				t.Fatal(err)
			}
		}
		cmd = c.start()
		c.write(line("again " + string(rune('a'+n))))
		c.copied(cmd)
	}
	c.stop(cmd)
	c.write(line("last"))
	cmd = c.start()
	c.copied(cmd)
	c.stop(cmd)

	got, err := os.ReadFile(c.out)
	if err != nil {
		t.Fatal(err)
	}
	text := string(got)
	at := strings.Index(text, "[sluice:github-pat:")
	if at < 0 {
		t.Fatalf("no placeholder in %q", text)
	}
	placeholder := text[at : at+strings.Index(text[at:], "]")+1]
	if want := strings.ReplaceAll(c.written, c.planted, placeholder); text != want {
		t.Fatalf("got %q, want %q", text, want)
	}
	err = filepath.WalkDir(c.state, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		kept, err := os.ReadFile(path)
		if bytes.Contains(kept, []byte(c.planted[4:])) {
			t.Errorf("%s holds the secret", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A second process is refused, with the first one named, and so is a file that
// is somebody else's.
func TestFollowedCopyIsOursAlone(t *testing.T) {
	dir := t.TempDir()
	c := &copying{t: t, log: filepath.Join(dir, "app.log"), out: filepath.Join(dir, "clean.log"), state: filepath.Join(dir, "state")}
	c.write("line\n")
	cmd := c.start()
	c.copied(cmd)
	refused := func(code int, want string, args ...string) {
		t.Helper()
		second := ownProcess(t, append([]string{"redact", "--follow", c.log}, args...)...)
		out, err := second.CombinedOutput()
		if err == nil || second.ProcessState.ExitCode() != code || !strings.Contains(string(out), want) {
			t.Errorf("%q: %v, %s; want %d with %q", args, err, out, code, want)
		}
	}
	refused(exitIncomplete, "is in use by process ", "-o", filepath.Join(dir, "other.log"), "--state-dir", c.state)
	refused(exitIncomplete, "another process writes it", "-o", c.out, "--state-dir", filepath.Join(dir, "state2"))
	c.stop(cmd)
	refused(exitUsage, "is not empty, and was not written with this state folder", "-o", c.out, "--state-dir", filepath.Join(dir, "state3"))
	if err := os.WriteFile(c.out, []byte("another\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(exitIncomplete, "is not as it was left", "-o", c.out, "--state-dir", c.state)
	refused(exitUsage, "--since and --until bound one pass", "--since", "1h")
	refused(exitUsage, "-o names a folder", "-o", dir)
}

// A copy, followed or not, is not for more eyes than what it was made of; a copy
// that was there keeps what its owner gave it.
func TestCopyIsNoWiderThanItsSource(t *testing.T) {
	dir := t.TempDir()
	for i, tc := range []struct{ log, there, want fs.FileMode }{{0o600, 0, 0o600}, {0o640, 0, 0o640}, {0o600, 0o644, 0o644}} {
		for _, follow := range []bool{false, true} {
			name := filepath.Join(dir, fmt.Sprint(i, follow))
			c := &copying{t: t, log: name + ".log", out: name + ".clean", state: name + ".state"}
			c.write("line\n")
			if err := os.Chmod(c.log, tc.log); err != nil {
				t.Fatal(err)
			}
			if tc.there != 0 {
				write(t, c.out, os.O_CREATE, "")
				if err := os.Chmod(c.out, tc.there); err != nil {
					t.Fatal(err)
				}
			}
			if follow {
				cmd := c.start()
				c.copied(cmd)
				c.stop(cmd)
			} else if text, err := ownProcess(t, "redact", "-o", c.out, c.log).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			info, err := os.Stat(c.out)
			if err != nil || info.Mode().Perm() != tc.want {
				t.Errorf("%v, follow %v: %v, %v", tc, follow, info.Mode(), err)
			}
		}
	}
}

// SIGHUP is a reload for a copy as well, not its end.
func TestFollowedCopyReloads(t *testing.T) {
	dir := t.TempDir()
	path, ruleFile := filepath.Join(dir, "gateway.log"), filepath.Join(dir, "rules.toml")
	write(t, ruleFile, os.O_TRUNC, "[[rules]]\nid = \"badge\"\nregex = '''badge-[0-9]{6}'''\nkeywords = [\"badge\"]\n")
	write(t, path, os.O_APPEND, "badge-123456\n")
	cmd := ownProcess(t, "redact", "--follow", "--log-level", "info", "--listen", "127.0.0.1:0", "--rules", ruleFile, path)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reloaded := false
	for lines := bufio.NewScanner(said); lines.Scan(); {
		switch text := lines.Text(); {
		case strings.Contains(text, "msg=serving"):
			err = cmd.Process.Signal(syscall.SIGHUP)
		case strings.Contains(text, "reloaded rules"):
			reloaded = true
			err = cmd.Process.Signal(syscall.SIGTERM)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil || !reloaded {
		t.Errorf("reloaded %v, %v", reloaded, err)
	}
}
