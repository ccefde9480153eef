package checks_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/gate"
	"sluice/internal/gate/gatetest"
	"sluice/internal/gate/provider"
)

// startTime is what a LiteLLM may take to start on a busy machine.
const startTime = 4 * time.Minute

// replicaProcess is a running replica of the stack: what was started, and with
// which environment. A stack in containers has none here.
func replicaProcess(t *testing.T, env map[string]string) (args, environ []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(env["LITELLM_STACK_DIR"], "pids", "replica-*.pid"))
	if err != nil || len(files) == 0 {
		t.Skipf("no replica of the stack runs as a process here: %v", err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	pid, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	words := func(name string) []string {
		text, err := os.ReadFile(filepath.Join("/proc", pid, name))
		if err != nil {
			t.Skipf("the process of a replica cannot be read: %v", err)
		}
		return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	}
	return words("cmdline"), words("environ")
}

// freeAddress is a loopback address where nobody listened a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startBeside starts a LiteLLM like the replicas of the stack, on its database,
// with the lines in its configuration that the README gives for the provider.
func startBeside(t *testing.T, env map[string]string, mock *provider.Provider) (url, log string) {
	t.Helper()
	args, environ := replicaProcess(t, env)
	at := func(flag string) int {
		i := slices.Index(args, flag)
		if i < 0 || i+1 == len(args) {
			t.Skipf("a replica was started without %s", flag)
		}
		return i + 1
	}
	config, err := os.ReadFile(args[at("--config")])
	if err != nil {
		t.Fatal(err)
	}
	models, variables, _ := strings.Cut(provider.Config(mock.Address()), "environment_variables:")
	head, _, _ := strings.Cut(models, "\n")
	with := strings.Replace(string(config), head+"\n", models, 1)
	if with == string(config) {
		t.Fatalf("the configuration has no %s", head)
	}
	with += "\nenvironment_variables:" + variables
	dir := t.TempDir()
	args[at("--config")] = filepath.Join(dir, "config.yaml")
	log = filepath.Join(dir, "gateway.log")
	address := freeAddress(t)
	_, args[at("--port")], _ = net.SplitHostPort(address)
	if err := os.WriteFile(args[at("--config")], []byte(with), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = environ, dir, out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // so that its query engine ends with it
		_ = cmd.Wait()
	})
	waitReady(t, "http://"+address)
	return "http://" + address, log
}

// waitReady asks until the gateway has its database.
func waitReady(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, "GET", url+"/health/readiness", nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("LiteLLM was not ready after %v", startTime)
		}
	}
}

// A LiteLLM with the README's lines is tested with the built-in provider: what
// it passes on, what it keeps apart of the one account, and what it prints of a
// provider that fails. Both versions give another team's file, batch and vector
// store to whoever has its id; 1.106.2 prints no key that a provider repeats.
func TestRealProvider(t *testing.T) {
	env := realGateway(t)
	mock, err := provider.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mock.Close() })
	url, log := startBeside(t, env, mock)
	cfg := realConfig(t, env)
	cfg.Gateway, cfg.Replicas, cfg.Logs, cfg.Provider = url, nil, gatetest.Files(log), mock
	cfg.Only = []string{"2k", "3g", "4q", "4r", "4t", "4u", "5f"}
	report := run(t, cfg)
	if len(report.Leftovers) > 0 || report.Model != provider.ModelName {
		t.Errorf("model %s, left behind: %q", report.Model, report.Leftovers)
	}
	want := map[string]gate.Verdict{"2k": gate.Pass, "3g": gate.Pass, "4q": gate.Pass, "4r": gate.Fail, "4t": gate.Fail, "4u": gate.Fail, "5f": gate.Pass}
	if report.Info.Version == "1.81.0" {
		want["5f"] = gate.Fail
	}
	for _, o := range report.Outcomes {
		if o.Verdict != want[o.ID] {
			t.Errorf("%s is %s, want %s: %s", o.ID, o.Verdict, want[o.ID], o.Evidence)
		}
	}
}
