//go:build unix

package main

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
)

// floodWords begin each line that floodScript prints.
const floodWords = "INFO: request served for nobody in particular, in 12 ms, by a gateway"

// floodScript prints so many lines as fast as they are taken, and writes into the
// file $1 how long that took, in nanoseconds.
func floodScript(lines int) string {
	return fmt.Sprintf(`a=$(date +%%s%%N); yes '%s' | head -n %d; b=$(date +%%s%%N); echo $((b-a)) >"$1"`, floodWords, lines)
}

// What a flood was too much for is counted where it is missing: each line of the
// child's is passed on, in order, or one of those that a line of ours counts.
func TestExecAccountsForAFlood(t *testing.T) {
	const lines = 2_000_000
	cmd := ownProcess(t, "exec", "--", "sh", "-c", floodScript(lines), "sh", filepath.Join(t.TempDir(), "took"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	passed, withheld := 0, 0
	for s := bufio.NewScanner(out); s.Scan(); {
		n := 0
		switch text := s.Text(); {
		case text == floodWords:
			passed++
		case strings.HasPrefix(text, "[sluice:withheld:"):
			if _, err := fmt.Sscanf(text, "[sluice:withheld:0000000000000000] %d lines", &n); err != nil {
				t.Errorf("%q: %v", text, err)
			}
			withheld += n
		default:
			t.Fatalf("it passed on %q", text)
		}
	}
	if err := cmd.Wait(); err != nil || passed+withheld != lines || passed == 0 {
		t.Errorf("%v: %d lines passed on and %d withheld of %d", err, passed, withheld, lines)
	}
}

// How fast a child can print a flood: into cat, and into exec. A child that waits
// for its scanner would show here.
func BenchmarkExecFlood(b *testing.B) {
	const lines = 5_000_000
	for b.Loop() {
		for _, name := range []string{"cat", "exec"} {
			took := filepath.Join(b.TempDir(), "took")
			cmd := ownProcess(b, "exec", "--", "sh", "-c", floodScript(lines), "sh", took)
			if name == "cat" {
				cmd = exec.Command("sh", "-c", "("+floodScript(lines)+") | cat", "sh", took)
			}
			cmd.Stdout = nil // nowhere
			if err := cmd.Run(); err != nil {
				b.Fatal(err)
			}
			text, err := os.ReadFile(took)
			if err != nil {
				b.Fatal(err)
			}
			n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(lines*(len(floodWords)+1))/1e6/time.Duration(n).Seconds(), name+"-MB/s")
		}
	}
}
