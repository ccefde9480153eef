//go:build unix

package webhook

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The variables that make the test binary a writer to be killed.
const (
	childFolder = "SLUICE_TEST_WEBHOOK_SPOOL"
	childFirst  = "SLUICE_TEST_WEBHOOK_FIRST"
)

// TestWriterToBeKilled is the process that TestKilledLosesNothing kills: it
// says "acked N" for each finding that Write took, to a receiver that is away.
func TestWriterToBeKilled(t *testing.T) {
	dir := os.Getenv(childFolder)
	if dir == "" {
		t.Skip("runs only as the child of TestKilledLosesNothing")
	}
	first, err := strconv.Atoi(os.Getenv(childFirst))
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{URL: literal("http://127.0.0.1:1/"), Proxy: literal("none"), Spool: dir, SpoolBytes: minSpoolBytes,
		Log: slog.New(slog.NewTextHandler(os.Stdout, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for n := first; ; n++ {
		write(t, s, n)
		fmt.Println("acked", n)
	}
}

// killedAfter runs a writer, kills it after some findings (below zero: when the
// spool is full) and returns those it was told are safe.
func killedAfter(t *testing.T, dir string, first, findings int) (acked []int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWriterToBeKilled$")
	cmd.Env = append(os.Environ(), childFolder+"="+dir, childFirst+"="+strconv.Itoa(first))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	full := false
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "acked "); ok {
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			acked = append(acked, n)
		}
		full = full || strings.Contains(lines.Text(), "spool is full")
		if full || len(acked) == findings {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	for lines.Scan() { // what it said before it died counts
		if n, err := strconv.Atoi(strings.TrimPrefix(lines.Text(), "acked ")); err == nil {
			acked = append(acked, n)
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the writer ended by itself")
	}
	if findings < 0 && !full {
		t.Error("the spool was never full")
	}
	return acked
}

// SIGKILL at any moment, with a full spool at last: what Write took is told of
// by the next run, once.
func TestKilledLosesNothing(t *testing.T) {
	dir := t.TempDir()
	var acked []int
	for i, after := range []int{1, 17, 60, -1} {
		acked = append(acked, killedAfter(t, dir, i*10_000, after)...)
	}
	if len(acked) < 200 {
		t.Errorf("only %d findings were taken", len(acked))
	}
	inBubble(t, func(t *testing.T, r *receiver) {
		s := r.open(func(c *Config) { c.Spool, c.SpoolBytes = dir, minSpoolBytes })
		pass(time.Hour)
		closeSink(t, s)
		got := r.counts()
		for _, n := range acked {
			if c := got[fmt.Sprintf("secret %d", n)]; c != 1 {
				t.Errorf("secret %d was told of %d times", n, c)
			}
		}
		for name, c := range got {
			if c != 1 {
				t.Errorf("%s was told of %d times", name, c)
			}
		}
	})
}
