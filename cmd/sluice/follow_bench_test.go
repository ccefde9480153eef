//go:build unix

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// latencyLeaks is how many secrets a distribution is made of.
const latencyLeaks = 300

// BenchmarkLatency is how long it takes from a line that is written to its finding
// at the end of a pipe, with a process that follows 64 logs: one of them at rest,
// or while 1,000 lines a second are written to all.
func BenchmarkLatency(b *testing.B) {
	for _, of := range []struct {
		name     string
		every    time.Duration // between lines
		leakEach int
	}{{"rest", 150 * time.Millisecond, 1}, {"1000", time.Millisecond, 100}} {
		b.Run(of.name, func(b *testing.B) {
			for b.Loop() {
				took := latencies(b, of.every, of.leakEach)
				b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
				b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
				b.ReportMetric(took[len(took)-1].Seconds()*1000, "most-ms")
			}
		})
	}
}

// latencies writes a line at a time, one in so many with a secret, and returns in
// order how long their findings took.
func latencies(b *testing.B, every time.Duration, leakEach int) []time.Duration {
	dir := b.TempDir()
	log := func(n int) string { return filepath.Join(dir, fmt.Sprintf("svc%02d.log", n)) }
	for n := range 64 {
		appendLine(b, log(n), "INFO: started\n")
	}
	w := watch(b, nil, "--state-dir", filepath.Join(dir, "state"), "--listen", "127.0.0.1:0", "--log-level", "info", filepath.Join(dir, "*.log"))
	w.waitMetric("sluice_records_total 64")
	written := map[string][]time.Time{} // by log
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 1; n <= latencyLeaks*leakEach; n++ {
		<-tick.C
		text, path := "INFO: request was served in 12 ms\n", log(rand.IntN(64))
		if n%leakEach == 0 {
			text = fmt.Sprintf("DEBUG: leak %s\n", githubToken[:4]+randomText(36))
			written[path] = append(written[path], time.Now())
		}
		appendLine(b, path, text)
	}
	w.finds(latencyLeaks, "github-pat")
	if code := w.stop(syscall.SIGTERM); code != exitClean {
		b.Fatal("exit code", code)
	}
	took := make([]time.Duration, 0, latencyLeaks)
	for _, f := range w.findings { // those of one log are in order
		at := written[f.Source.Name]
		took, written[f.Source.Name] = append(took, f.at.Sub(at[0])), at[1:]
	}
	slices.Sort(took)
	return took
}

func randomText(n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"[rand.IntN(62)])
	}
	return b.String()
}

func appendLine(tb testing.TB, path, text string) {
	tb.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkFollowers is the processor time of redact --follow and of tail -F that
// copy the same log at the same time, from their start to their end: at full
// speed, and at 50,000 lines a second with a rotation every 5,000.
func BenchmarkFollowers(b *testing.B) {
	if _, err := exec.LookPath("tail"); err != nil {
		b.Skip("no tail here")
	}
	for _, of := range []struct {
		name          string
		lines, rotate int
		every         time.Duration // 100 lines
	}{{"plain", 500_000, 0, 0}, {"rename-50k", 200_000, 5000, 2 * time.Millisecond}} {
		b.Run(of.name, func(b *testing.B) {
			for b.Loop() {
				ours, tails := followers(b, of.lines, of.rotate, of.every)
				b.ReportMetric(ours.Seconds(), "sluice-s")
				b.ReportMetric(tails.Seconds(), "tail-s")
				b.ReportMetric(ours.Seconds()/tails.Seconds(), "ratio")
			}
		})
	}
}

func followers(b *testing.B, lines, rotate int, every time.Duration) (ours, tails time.Duration) {
	dir := b.TempDir()
	log, clean, copied := filepath.Join(dir, "app.log"), filepath.Join(dir, "clean.log"), filepath.Join(dir, "tail.log")
	appendLine(b, log, "")
	sluice := ownProcess(b, "redact", "--follow", log, "-o", clean, "--state-dir", filepath.Join(dir, "state"))
	tail := exec.CommandContext(b.Context(), "tail", "-F", "-n", "+1", log)
	out, err := os.Create(copied)
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	tail.Stdout = out
	for _, cmd := range []*exec.Cmd{sluice, tail} {
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
	}
	size := writeLog(b, log, lines, rotate, every)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for last := int64(-1); ; <-tick.C { // tail may lose a generation: it is done when no more comes
		a, errA := os.Stat(clean)
		t, errT := os.Stat(copied)
		if errA == nil && errT == nil && a.Size() == size && t.Size() == last {
			break
		}
		if last = -1; errT == nil {
			last = t.Size()
		}
	}
	var took [2]time.Duration
	for i, cmd := range []*exec.Cmd{sluice, tail} {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			b.Fatal(err)
		}
		_ = cmd.Wait() // tail ends with the signal
		took[i] = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return took[0], took[1]
}

// writeLog writes lines, each with a write of its own, and renames the log after
// so many.
func writeLog(b *testing.B, log string, lines, rotate int, every time.Duration) (size int64) {
	tick := time.NewTicker(max(every, time.Nanosecond))
	defer tick.Stop()
	var f *os.File
	var err error
	for n := range lines {
		if rotate > 0 && n > 0 && n%rotate == 0 {
			err = os.Rename(log, fmt.Sprint(log, ".", n/rotate))
			_ = f.Close() // it was written to without an error
			f = nil
		}
		if f == nil && err == nil {
			f, err = os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		}
		if err != nil {
			b.Fatal(err)
		}
		m, err := fmt.Fprintf(f, "INFO: request %07d of somebody was served in 12 ms by deployment number 4 of the pool\n", n)
		if err != nil {
			b.Fatal(err)
		}
		if size += int64(m); every > 0 && n%100 == 99 {
			<-tick.C
		}
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return size
}
