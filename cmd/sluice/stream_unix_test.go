//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// ownProcess is the program in a process of its own, as scripts run it.
func ownProcess(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// testscript.Main runs a command whose name the test binary is called by.
	link := filepath.Join(t.TempDir(), "sluice")
	if err := os.Symlink(self, link); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), link, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "NO_COLOR=1"}
	return cmd
}

// A line in is a line out at once: each is read back before the next is written,
// so a program that waited for more would never end this test.
func TestRedactPassesEachLineOnAtOnce(t *testing.T) {
	cmd := ownProcess(t, "redact")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	for range 50 {
		if _, err := io.WriteString(in, "key ghp_HsecEg6NxSNLcr17jdfBQ3pTcKjTw0T9dlc4 end\n"); err != nil {
			t.Fatal(err)
		}
		line, err := r.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "key [sluice:github-pat:") {
			t.Fatalf("%q, %v", line, err)
		}
	}
	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		t.Fatal(err)
	}
}

// SIGINT in the middle: exit 130, and each report is whole and says that the run
// was not complete.
func TestInterruptLeavesWholeReports(t *testing.T) {
	dir := t.TempDir()
	sarif, findings := filepath.Join(dir, "out.sarif"), filepath.Join(dir, "out.jsonl")
	cmd := ownProcess(t, "scan", "-", "--format", "jsonl", "--sarif", sarif, "--sink", "jsonl:"+findings)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, "key ghp_HsecEg6NxSNLcr17jdfBQ3pTcKjTw0T9dlc4 end\n"); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, "github-pat") {
		t.Fatalf("%q, %v", line, err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(r)
	if err != nil || !bytes.Contains(rest, []byte(`"complete":false`)) {
		t.Fatalf("last lines %q, %v", rest, err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupt {
		t.Fatalf("ended with %v, want exit code %d", err, exitInterrupt)
	}
	text, err := os.ReadFile(sarif)
	if err != nil || !json.Valid(text) || !bytes.Contains(text, []byte(`"executionSuccessful": false`)) && !bytes.Contains(text, []byte(`"executionSuccessful":false`)) {
		t.Fatalf("SARIF of %d bytes, %v", len(text), err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Fatalf("left behind: %v, %v", left, err)
	}
}

// maxResident is what any input may take, in KiB: 150 MB.
const maxResident = 150_000_000 / 1024

// A line without end, and a log as large, in bounded memory. The peak is read
// while the process lives: what the kernel tells of a process that has ended
// counts the one that started it.
func TestMemoryDoesNotGrowWithInput(t *testing.T) {
	if testing.Short() {
		t.Skip("reads hundreds of megabytes")
	}
	const size = 256 << 20
	for name, piece := range map[string]string{
		"one line":   strings.Repeat("x", 1<<20),
		"many lines": strings.Repeat(`{"level":"info","message":"GET /v1/models 200","request_id":"8b97b1ab-2e5f-4b06-b6c2-ba44f0cbfeec"}`+"\n", 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			cmd := ownProcess(t, "redact")
			measured := make(chan struct{})
			cmd.Stdin = io.MultiReader(io.LimitReader(&endless{text: piece}, size), waiting(measured))
			out := &reaching{at: size - 2<<20, reached: make(chan struct{})} // the end of a line is held back
			cmd.Stdout, cmd.Stderr = out, os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-out.reached
			peak, ok := peakResident(cmd.Process.Pid)
			close(measured)
			if err := cmd.Wait(); err != nil {
				t.Fatal(err)
			}
			if out.n != size {
				t.Errorf("%d bytes out of %d", out.n, size)
			}
			if !ok {
				t.Skip("no /proc here")
			}
			if peak > maxResident {
				t.Errorf("%d KiB resident, at most %d", peak, maxResident)
			}
		})
	}
}

// peakResident is the most memory that a living process has had, in KiB.
func peakResident(pid int) (kib int, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	_, after, found := strings.Cut(string(text), "VmHWM:")
	if _, err := fmt.Sscan(after, &kib); !found || err != nil {
		return 0, false
	}
	return kib, true
}

// waiting is a reader that ends when its channel is closed.
type waiting chan struct{}

func (w waiting) Read([]byte) (int, error) { <-w; return 0, io.EOF }

// reaching counts bytes and says when there are enough.
type reaching struct {
	n, at   int64
	reached chan struct{}
}

func (r *reaching) Write(p []byte) (int, error) {
	before := r.n
	r.n += int64(len(p))
	if before < r.at && r.n >= r.at {
		close(r.reached)
	}
	return len(p), nil
}

// endless repeats a text.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	return n, nil
}

// Half a copy of a file looks like the whole one, so an interrupted redact leaves
// none; what came through a pipe is nowhere else, so it stays.
func TestInterruptedRedactLeavesNoHalfFile(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "in.fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	for name, c := range map[string]struct {
		source string
		left   bool
	}{"a file": {fifo, false}, "a pipe": {"-", true}} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.log")
			cmd := ownProcess(t, "redact", c.source, "-o", out)
			var in io.WriteCloser
			var err error
			if c.left {
				in, err = cmd.StdinPipe()
			}
			if err == nil {
				err = cmd.Start()
			}
			if err == nil && !c.left {
				in, err = os.OpenFile(fifo, os.O_WRONLY, 0)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			// More than a pipe holds: once it is written, the child is at work.
			if _, err := io.WriteString(in, strings.Repeat("key ghp_HsecEg6NxSNLcr17jdfBQ3pTcKjTw0T9dlc4 end\n", 20_000)); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupt {
				t.Fatalf("ended with %v", err)
			}
			text, err := os.ReadFile(out)
			if left := err == nil; left != c.left {
				t.Fatalf("the file is there: %v, want %v, with %d bytes", left, c.left, len(text))
			}
		})
	}
}

// A folder that vanishes while another is read: one clear line for each of its
// files, and the findings of the rest are there.
func TestFolderThatVanishes(t *testing.T) {
	dir := t.TempDir()
	fifo, gone := filepath.Join(dir, "a.fifo"), filepath.Join(dir, "b")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"1.log", "2.log"} {
		if err := os.WriteFile(filepath.Join(gone, name), []byte("text\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := ownProcess(t, "scan", fifo, gone)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in, err := os.OpenFile(fifo, os.O_WRONLY, 0) // the child has found its files and reads the first
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(gone); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, "key ghp_HsecEg6NxSNLcr17jdfBQ3pTcKjTw0T9dlc4 end\n"); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitIncomplete {
		t.Fatalf("ended with %v: %s", err, stderr.String())
	}
	for _, want := range []string{"github-pat", "b/1.log", "b/2.log"} {
		if n := strings.Count(stdout.String(), want); n == 0 {
			t.Errorf("%s is not in the report:\n%s", want, stdout.String())
		}
	}
}
