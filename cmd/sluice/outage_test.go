//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice/internal/gateway/fake"
)

const (
	// outageKeys are alive at the gateway, outageMost is what the process may
	// have resident at any moment, MiB.
	outageKeys, outageMost = 100_000, 128
	// outageBurst is how often each of the logs gets a line of outageLine bytes.
	outageBurst, outageLine = 30 * time.Second, 1 << 20
	// outageDrain is how many times faster than they came the findings go out.
	outageDrain = 5
)

// A receiver that is away for long finds everything once it is back, soon, was
// asked once a second at most, and what waits for it costs no memory: with 64
// logs, 100,000 live keys and lines of a mebibyte. SLUICE_TEST_OUTAGE says for
// how long it is away; ten minutes are the promise.
func TestOutage(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("SLUICE_TEST_OUTAGE"))
	if err != nil {
		t.Skip("SLUICE_TEST_OUTAGE names no time to be down for, such as 10m")
	}
	g, err := fake.Start(fake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	g.Fill(outageKeys)
	r := newSoakReceiver(t)
	r.down.Store(true)
	dir := t.TempDir()
	s := soak{t: t, dir: filepath.Join(dir, "logs"), random: rand.New(rand.NewPCG(3, 4))}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w := watch(t, []string{"LITELLM_MASTER_KEY=" + g.MasterKey}, "--gateway", g.URL, "--state-dir", filepath.Join(dir, "state"),
		"--listen", "127.0.0.1:0", "--log-level", "info", "--sink", "webhook:"+r.server.URL, filepath.Join(s.dir, "*.log"))
	w.waitMetric(fmt.Sprintf("sluice_keys %d", outageKeys+1)) // and the master key
	began := time.Now()
	s.outage(length)
	w.finds(s.leaks, "github-pat")
	r.down.Store(false)
	down := time.Since(began)
	r.until(s.leaks)
	drained := time.Since(began) - down

	most, _ := peakResident(w.cmd.Process.Pid)
	refused := r.refused.Load()
	t.Logf("%.1f s of processor time", s.sample(w).processor)
	t.Logf("%d lines, %d of a mebibyte, %d secrets, down for %s: %d requests, drained in %.1f s (%.0f times as fast), %d MiB resident at most",
		s.lines, s.wide, s.leaks, down.Round(time.Second), refused, drained.Seconds(), down.Seconds()/drained.Seconds(), most>>10)
	if seconds := int64(down.Seconds()) + 1; refused > seconds {
		t.Errorf("%d requests in %d seconds", refused, seconds)
	}
	if drained*outageDrain > down {
		t.Errorf("what came in %s took %s", down, drained)
	}
	if most > outageMost<<10 {
		t.Errorf("%d KiB resident", most)
	}
	if code := w.stop(syscall.SIGTERM); code != exitClean {
		t.Errorf("exit code %d", code)
	}
	if got := w.count("github-pat"); got != s.leaks {
		t.Errorf("%d findings of %d secrets", got, s.leaks)
	}
}

// outage writes to the logs for so long.
func (s *soak) outage(length time.Duration) {
	line, burst := time.NewTicker(soakLine), time.NewTicker(min(outageBurst, length/4))
	defer line.Stop()
	defer burst.Stop()
	for end := time.After(length); end != nil; {
		select {
		case <-end:
			end = nil
		case <-line.C:
			s.write()
		case <-burst.C:
			for n := range soakLogs {
				s.wide++
				s.leaks++
				half := strings.Repeat("wide text ", outageLine/20)
				s.append(n, half+" token "+s.secret()+" was sent "+half+"\n")
			}
		}
	}
}
