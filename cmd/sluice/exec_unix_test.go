//go:build unix

package main

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The scanner is killed while its child prints: nothing raw reaches who reads,
// for the child never had the outer streams.
func TestExecThatIsKilledPassesNothingRaw(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "go")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	cmd := ownProcess(t, "exec", "--", "sh", "-c", `echo "key $0"; echo "key $0" >&2; read x <"$1"; echo "key $0"; echo "key $0" >&2`, githubToken, fifo)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(r)
	var all strings.Builder
	for range 2 {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(line)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	if err := os.WriteFile(fifo, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(lines) // to the end: nobody holds the pipe any more
	if err != nil {
		t.Fatal(err)
	}
	all.Write(rest)
	if text := all.String(); strings.Contains(text, githubToken) || strings.Count(text, "[sluice:github-pat:") != 2 {
		t.Errorf("who reads got %q", text)
	}
}

// A child that closes one of its streams is read on the other one to its end.
func TestExecChildThatClosesAStream(t *testing.T) {
	cmd := ownProcess(t, "exec", "--", "sh", "-c", `exec 2>&-; echo "key $0"; exit 7`, githubToken)
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != 7 || !strings.HasPrefix(string(out), "key [sluice:github-pat:") {
		t.Errorf("%q, %v", out, err)
	}
}
