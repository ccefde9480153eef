package checks_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/gate"
	"sluice/internal/gate/checks"
	"sluice/internal/gate/gatetest"
	"sluice/internal/gate/provider"
	"sluice/internal/gateway/fake"
	"sluice/internal/record"
)

// rig is a fake gateway whose logs are kept in memory. With a network it is
// reached over that, else over loopback.
type rig struct {
	*fake.Gateway
	network *gatetest.Network
	mock    *provider.Provider // the built-in provider; nil: models answer by themselves
	raw     []*gatetest.Buffer // stdout of each replica, then the balancer's
	logs    []gatetest.Log
}

// tolerated is how long a revoked key may live on in these tests; a lag is
// three times that.
const tolerated = 5 * time.Second

// bubble runs a test by a clock of its own, which stands still while anybody
// works: what is measured is what was waited for, on any machine.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// spared says whether case n of many alike is left out: the race detector, for
// whose sake -short is, takes ten times as long and sees no more in all of them.
func spared(n int) bool { return testing.Short() && n%8 != 0 }

// newRig starts a fake gateway of two replicas with the changes made, in the
// bubble of the test.
func newRig(t *testing.T, changes ...fake.Change) *rig {
	t.Helper()
	return startRig(t, &rig{network: gatetest.NewNetwork()}, changes...)
}

// newProviderRig is newRig with the built-in provider behind the gateway.
func newProviderRig(t *testing.T, changes ...fake.Change) *rig {
	t.Helper()
	r := &rig{network: gatetest.NewNetwork()}
	if err := r.withProvider(); err != nil {
		t.Fatal(err)
	}
	return startRig(t, r, changes...)
}

func startRig(t *testing.T, r *rig, changes ...fake.Change) *rig {
	t.Helper()
	if err := r.start(fake.Options{}.With(changes...)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// withProvider starts the built-in provider, before the gateway.
func (r *rig) withProvider() (err error) {
	listen := func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
	if r.network != nil {
		listen = r.network.Listen
	}
	l, err := listen()
	if err == nil {
		r.mock = provider.Serve(l)
	}
	return err
}

// Close ends the gateway and the provider behind it.
func (r *rig) Close() error {
	err := r.Gateway.Close()
	if r.mock != nil {
		err = errors.Join(err, r.mock.Close())
	}
	return err
}

// start starts the gateway; its logs go through a redactor.
func (r *rig) start(opts fake.Options) (err error) {
	if r.mock != nil {
		opts.Models = append(fake.DefaultModels(), fake.Model{Name: provider.ModelName, Underlying: "openai/" + provider.ModelName,
			APIBase: r.mock.URL + "/v1", APIKey: "sk-none", Input: 1e-6, Output: 1e-6}, fake.Model{Name: provider.LostModelName,
			Underlying: "openai/" + provider.ModelName, APIBase: "http://sluice-gate.invalid/v1", APIKey: "sk-none"})
		opts.VectorBase = r.mock.URL
	}
	for i := range 3 {
		b := &gatetest.Buffer{}
		r.raw = append(r.raw, b)
		r.logs = append(r.logs, b.Log([]string{"replica-1.log", "replica-2.log", "balancer.log"}[i]))
	}
	opts.Replicas, opts.BalancerLog = 2, gatetest.Redacted(r.raw[2])
	opts.Logs = func(n int) (stdout, stderr io.Writer) {
		w := gatetest.Redacted(r.raw[n])
		return w, w
	}
	if r.network != nil {
		opts.Listen, opts.Dial = r.network.Listen, r.network.Dial
	}
	r.Gateway, err = fake.Start(opts)
	return err
}

// config is a run against the rig without a rate, so that it is quick.
func (r *rig) config() gate.Config {
	cfg := gate.Config{
		Gateway: r.URL, Replicas: r.ReplicaURLs(), Master: record.NewSecret(r.MasterKey), Logs: &gatetest.Logs{Logs: r.logs}, LogSources: []string{"replica-1.log", "balancer.log"},
		Checks: checks.All(2), Blueprints: checks.Blueprints(), MaxRevocation: tolerated, SpendDeadline: 3 * tolerated, Timeout: 30 * time.Minute, Jobs: 8,
		Scrub: &gate.Scrubber{}, MaxRequests: 5000, Only: []string{"*"}, // what is for --thorough alone too
	}
	if r.network != nil {
		cfg.Dial = r.network.Dial
	}
	if r.mock != nil {
		cfg.Provider = r.mock
	}
	return cfg
}

func run(t *testing.T, cfg gate.Config) *gate.Report {
	t.Helper()
	report, err := gate.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// with lists the outcomes of a verdict, as "4h: evidence".
func with(r *gate.Report, verdicts ...gate.Verdict) (ids, lines []string) {
	for _, o := range r.Outcomes {
		for _, v := range verdicts {
			if o.Verdict == v {
				ids = append(ids, o.ID)
				lines = append(lines, fmt.Sprintf("%s %s: %s", o.ID, v, o.Evidence))
			}
		}
	}
	return ids, lines
}

// A gateway without weaknesses passes every check that applies to it.
func TestSoundGatewayPasses(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) { soundGatewayPasses(t, newRig(t, fake.Sound()...)) })
}

// With the built-in provider behind it a gateway is tested by every check there
// is.
func TestSoundGatewayPassesWithProvider(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		report := soundGatewayPasses(t, newProviderRig(t, fake.Sound()...))
		if skipped, lines := with(report, gate.Skipped); len(skipped) > 0 {
			t.Errorf("skipped %q", lines)
		}
	})
}

func soundGatewayPasses(t *testing.T, r *rig) *gate.Report {
	report := run(t, r.config())
	if _, bad := with(report, gate.Fail, gate.Inconclusive); len(bad) > 0 {
		t.Errorf("%d checks did not pass: %q", len(bad), bad)
	}
	if left := r.Keys(); len(left) > 0 || len(report.Leftovers) > 0 {
		t.Errorf("left behind: %d keys, %q", len(left), report.Leftovers)
	}
	t.Logf("%d requests in %v", report.Requests, report.Took)
	return report
}
