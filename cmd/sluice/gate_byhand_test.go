//go:build unix

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/gate"
	"sluice/internal/gate/checks"
	"sluice/internal/gate/gatetest"
	"sluice/internal/gate/provider"
	"sluice/internal/gateway/fake"
	"sluice/internal/record"
)

// The commands that a report prints for what is in the logs give the verdicts
// of its checks: on a gateway whose logs are redacted, on one whose logs show
// every key, on LiteLLM as it is, and where a replica's log was not named.
func TestScansByHandGiveTheSameVerdict(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "sed"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	plain := func(w io.Writer) io.Writer { return w }
	weak := fake.Change{Options: func(o *fake.Options) { o.Version = fake.V1_81 }}
	debug := fake.Change{Options: func(o *fake.Options) { o.LogMode = fake.LogDebug }}
	for name, c := range map[string]struct {
		changes []fake.Change
		redact  func(io.Writer) io.Writer
		logs    int
	}{
		"sound":      {fake.Sound(), gatetest.Redacted, 3},
		"leaky":      {append(fake.Sound(), debug), plain, 3},
		"weak":       {[]fake.Change{weak}, plain, 3},
		"one unread": {fake.Sound(), gatetest.Redacted, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startByHand(t, c.redact, c.changes...)
			compareScans(t, g, g.logs[:c.logs])
		})
	}
}

// byHandGateway is a fake gateway with the built-in provider behind it and its
// logs in files.
type byHandGateway struct {
	*fake.Gateway
	mock *provider.Provider
	logs []string
}

func startByHand(t *testing.T, redact func(io.Writer) io.Writer, changes ...fake.Change) *byHandGateway {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &byHandGateway{mock: provider.Serve(l)}
	t.Cleanup(func() { _ = g.mock.Close() })
	var writers []io.Writer
	for _, name := range []string{"replica-1.log", "replica-2.log", "balancer.log"} {
		f, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		g.logs = append(g.logs, f.Name())
		writers = append(writers, redact(f))
	}
	opts := fake.Options{}.With(changes...)
	opts.Models = append(fake.DefaultModels(), fake.Model{Name: provider.ModelName, Underlying: "openai/" + provider.ModelName,
		APIBase: g.mock.URL + "/v1", APIKey: "sk-none", Input: 1e-6, Output: 1e-6},
		fake.Model{Name: provider.LostModelName, Underlying: "openai/" + provider.ModelName, APIBase: "http://sluice-gate.invalid/v1", APIKey: "sk-none"})
	opts.Replicas, opts.BalancerLog = 2, writers[2]
	opts.Logs = func(n int) (stdout, stderr io.Writer) { return writers[n], writers[n] }
	if g.Gateway, err = fake.Start(opts); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// awaitProvider returns when the provider is back: the last probe of a run tells
// it to go for a while.
func (g *byHandGateway) awaitProvider(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		resp, err := http.Get(g.mock.URL + "/v1/models")
		if err == nil {
			resp.Body.Close()
			return
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal(err)
		}
	}
}

// compareScans runs the checks of the logs, and then their commands in a shell.
func compareScans(t *testing.T, g *byHandGateway, logs []string) {
	probe := newTestProbe(t, logs...)
	report, err := gate.Run(t.Context(), gate.Config{
		Gateway: g.URL, Replicas: g.ReplicaURLs(), Master: record.NewSecret(g.MasterKey), Logs: probe, LogSources: logs, Provider: g.mock,
		Patience: time.Minute, Timeout: 8 * time.Minute,
		Checks: checks.All(2), Blueprints: checks.Blueprints(), Only: []string{"5*"}, Scrub: &gate.Scrubber{},
	})
	if err != nil {
		t.Fatal(err)
	}
	g.awaitProvider(t)
	folder := filepath.Dir(ownProcess(t).Path)
	var wg sync.WaitGroup
	for _, o := range report.Outcomes {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), "bash", "-c", "set -u\n"+patient(gate.Prelude(report.Plan)+o.Curl(report.Plan)))
			cmd.Env = append(os.Environ(), "LITELLM_MASTER_KEY="+g.MasterKey, "PATH="+folder+":"+os.Getenv("PATH"), "TMPDIR="+t.TempDir())
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			err := cmd.Run()
			if got := saidByHand(o.ID, out.String()); got != string(o.Verdict) {
				t.Errorf("%s: the check says %s (%s), the commands %q: %v: %s%s", o.ID, o.Verdict, o.Evidence, got, err, out.String(), errs.String())
			}
			if strings.Contains(errs.String(), "unbound variable") {
				t.Errorf("%s: %s", o.ID, errs.String())
			}
			if strings.Contains(out.String(), g.MasterKey) {
				t.Errorf("%s prints the master key", o.ID)
			}
		})
	}
	wg.Wait()
}

// patient lets a busy machine take its time.
func patient(script string) string {
	return strings.ReplaceAll(script, "--max-time 20", "--max-time 300")
}

// saidByHand reads the lines "ID pass", "ID FAIL", "ID inconclusive": a failure
// that was seen counts most.
func saidByHand(id, out string) (verdict string) {
	for _, word := range []string{"pass", "inconclusive", "fail"} {
		if strings.Contains(strings.ToLower(out), fmt.Sprintf("%s %s", id, word)) {
			verdict = word
		}
	}
	return verdict
}

// The built-in provider alone says what a gateway's configuration needs, answers,
// and ends at SIGINT.
func TestGateProviderAlone(t *testing.T) {
	cmd := ownProcess(t, "gate", "provider", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	base := ""
	for base == "" && lines.Scan() {
		_, after, _ := strings.Cut(lines.Text(), `api_base: "`)
		base, _, _ = strings.Cut(after, `"`)
	}
	resp, err := http.Get(base + "/models")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	if err := cmd.Wait(); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%v, answered %d", err, resp.StatusCode)
	}
}
