package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sluice/internal/gate/gatetest"
	"sluice/internal/gateway/fake"
)

// Commands of the scripts that test the gate:
//
//	gategateway KIND       starts a gateway of two replicas: sound, leaky (sound, but its
//	                       logs show every key) or weak (1.81.0 as it is); sets GATEWAY,
//	                       REPLICA1, REPLICA2, LITELLM_MASTER_KEY; logs to replica-1.log,
//	                       replica-2.log and balancer.log
//	gatekeys N             wants N keys at the gateway
//	verdicts FILE ID=V...  wants these verdicts in a json report
func gateCommands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"gategateway": startGateGateway, "gatekeys": wantKeys, "verdicts": wantVerdicts,
	}
}

func startGateGateway(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: gategateway sound|leaky|weak")
	}
	opts := fake.Options{}.With(fake.Sound()...)
	redact := gatetest.Redacted
	switch args[0] {
	case "leaky":
		redact = func(w io.Writer) io.Writer { return w }
		opts.LogMode = fake.LogDebug
	case "weak":
		opts = fake.Options{Version: fake.V1_81, CacheTTL: 10 * time.Second, SpendDelay: 20 * time.Millisecond}
	}
	open := func(name string) io.Writer {
		f, err := os.Create(filepath.Join(ts.Getenv("WORK"), name))
		ts.Check(err)
		ts.Defer(func() { _ = f.Close() })
		return redact(f)
	}
	replicas := []io.Writer{open("replica-1.log"), open("replica-2.log")}
	opts.BalancerLog, opts.Replicas = open("balancer.log"), 2
	opts.Logs = func(n int) (stdout, stderr io.Writer) { return replicas[n], replicas[n] }
	g, err := fake.Start(opts)
	ts.Check(err)
	ts.Defer(func() { _ = g.Close() })
	fakeOf(ts).Gateway = g
	ts.Setenv("GATEWAY", g.URL)
	ts.Setenv("REPLICA1", g.ReplicaURLs()[0])
	ts.Setenv("REPLICA2", g.ReplicaURLs()[1])
	ts.Setenv("LITELLM_MASTER_KEY", g.MasterKey)
}

// wantKeys waits until the gateway has that many keys: a run in the background
// makes and removes them at its own pace.
func wantKeys(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: gatekeys N")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		n := len(fakeOf(ts).Keys())
		if (args[0] == "0") == (n == 0) != neg {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			ts.Fatalf("%d keys at the gateway, want %s", n, args[0])
		}
	}
}

func wantVerdicts(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: verdicts FILE ID=VERDICT...")
	}
	var report struct {
		Checks []struct{ ID, Verdict, Evidence string }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &report))
	for _, c := range report.Checks {
		said := c.ID + "=" + c.Verdict
		if i := slices.IndexFunc(args[1:], func(want string) bool { return want == said }); i >= 0 {
			args = slices.Delete(args, i+1, i+2)
			continue
		}
		for _, want := range args[1:] {
			if len(want) > len(c.ID) && want[:len(c.ID)+1] == c.ID+"=" {
				ts.Fatalf("%s, want %s: %s", said, want, c.Evidence)
			}
		}
	}
	if len(args) > 1 {
		ts.Fatalf("not in the report: %v", args[1:])
	}
}
