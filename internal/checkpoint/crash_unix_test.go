//go:build unix

package checkpoint

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	childDir  = "SLUICE_CHECKPOINT_DIR"  // set: this is the child, which saves there
	childStep = "SLUICE_CHECKPOINT_STEP" // where it kills itself in its last save
)

// TestChild is no test: it is the process that crash tests kill. It prints the
// number of each document that Save has confirmed.
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("run by the crash tests")
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	doc, _, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	first := number(doc) + 1
	for n := first; ; n++ {
		s.reached = func(step string) {
			if n == first+2 && step == os.Getenv(childStep) {
				_ = unix.Kill(os.Getpid(), unix.SIGKILL)
			}
		}
		if err := s.Save(numbered(n)); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("saved %d\n", n)
	}
}

// crash runs the child until it is dead and returns the last number that it
// saw confirmed. kill may end it once it has saved something.
func crash(t *testing.T, dir, step string, kill func(saved int64) bool) (saved int64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childDir+"="+dir, childStep+"="+step)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n, ok := strings.CutPrefix(lines.Text(), "saved "); ok {
			saved, _ = strconv.ParseInt(n, 10, 64)
			if kill(saved) {
				_ = cmd.Process.Kill()
			}
		}
	}
	_ = cmd.Wait() // killed, in every case
	return saved
}

// survives loads what a crash has left: the last document that was confirmed,
// or the one that was being saved.
func survives(t *testing.T, dir string, saved int64) {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatalf("a dead process holds the folder: %v", err)
	}
	defer s.Close()
	doc, warnings, err := s.Load()
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	if n := number(doc); n != saved && n != saved+1 {
		t.Fatalf("document %d is there, %d was confirmed", n, saved)
	}
}

func TestEveryCrashPoint(t *testing.T) {
	for _, step := range []string{"begin", "half written", "written", "synced", "previous kept", "renamed", "folder synced"} {
		t.Run(step, func(t *testing.T) {
			dir := t.TempDir()
			for range 2 { // the second finds what the first has left behind
				survives(t, dir, crash(t, dir, step, func(int64) bool { return false }))
			}
		})
	}
}

func TestKilledAtAnyMoment(t *testing.T) {
	dir := t.TempDir()
	for round := range int64(10) {
		var first int64
		survives(t, dir, crash(t, dir, "", func(n int64) bool {
			if first == 0 {
				first = n
			}
			return n >= first+round
		}))
	}
}

func TestTheSecondIsToldWhoHoldsTheFolder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	host, _ := os.Hostname()
	_, err := Open(dir)
	for _, want := range []string{dir, strconv.Itoa(os.Getpid()), host, strconv.Itoa(time.Now().UTC().Year())} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestNobodyElseMayLook(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	for n := range int64(2) {
		if err := s.Save(numbered(n)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"", current, previous, lockName} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%q has mode %v", name, info.Mode())
		}
	}
}

// A folder that is somebody's home is not made ours.
func TestASharedFolderIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "notes.txt") {
		t.Fatal(err)
	}
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o755 {
		t.Errorf("mode is now %v", info.Mode())
	}
}
