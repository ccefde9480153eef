package checks_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"sluice/internal/gate"
	"sluice/internal/gate/checks"
	"sluice/internal/gate/gatetest"
	"sluice/internal/gateway/fake"
	"sluice/internal/record"
)

// rig is a fake gateway whose logs are kept in memory.
type rig struct {
	*fake.Gateway
	raw  []*gatetest.Buffer // stdout of each replica, then the balancer's
	logs *gatetest.Logs
}

// tolerated is how long a revoked key may live on in these tests: long enough
// for a busy machine, and a lag is three times that.
const tolerated = 5 * time.Second

// newRig starts a fake gateway of two replicas with the changes made.
func newRig(t *testing.T, changes ...fake.Change) *rig {
	t.Helper()
	r := &rig{}
	if err := r.start(fake.Options{}.With(changes...)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// start starts the gateway; its logs go through a redactor.
func (r *rig) start(opts fake.Options) (err error) {
	r.logs = &gatetest.Logs{}
	for i := range 3 {
		b := &gatetest.Buffer{}
		r.raw = append(r.raw, b)
		r.logs.Logs = append(r.logs.Logs, b.Log([]string{"replica-1.log", "replica-2.log", "balancer.log"}[i]))
	}
	opts.Replicas, opts.BalancerLog = 2, gatetest.Redacted(r.raw[2])
	opts.Logs = func(n int) (stdout, stderr io.Writer) {
		w := gatetest.Redacted(r.raw[n])
		return w, w
	}
	r.Gateway, err = fake.Start(opts)
	return err
}

// wholeMatrix is called by tests that run all checks, of which some hold times
// against a limit: the race detector stretches them beyond any.
func wholeMatrix(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the whole matrix, whose times need a machine at full speed")
	}
}

// config is a run against the rig without a rate, so that it is quick.
func (r *rig) config() gate.Config {
	return gate.Config{
		Gateway: r.URL, Replicas: r.ReplicaURLs(), Master: record.NewSecret(r.MasterKey), Logs: r.logs, LogSources: []string{"replica-1.log", "balancer.log"},
		Checks: checks.All(2), Blueprints: checks.Blueprints(), MaxRevocation: tolerated, SpendDeadline: 3 * tolerated, Timeout: 2 * time.Minute, Jobs: 8,
		Scrub: &gate.Scrubber{}, MaxRequests: 5000,
	}
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
	wholeMatrix(t)
	r := newRig(t, fake.Sound()...)
	report := run(t, r.config())
	if _, bad := with(report, gate.Fail, gate.Inconclusive); len(bad) > 0 {
		t.Errorf("%d checks did not pass: %q", len(bad), bad)
	}
	if left := r.Keys(); len(left) > 0 || len(report.Leftovers) > 0 {
		t.Errorf("left behind: %d keys, %q", len(left), report.Leftovers)
	}
	t.Logf("%d requests in %v", report.Requests, report.Took)
}
