package checks_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/gate"
	"sluice/internal/gate/gatetest"
	"sluice/internal/gateway/fake"
	"sluice/internal/record"
)

// nth calls f before the nth request of a run.
func nth(n int64, f func()) func(gate.Request) {
	var sent atomic.Int64
	return func(gate.Request) {
		if sent.Add(1) == n {
			f()
		}
	}
}

// A gateway that is down, that is another program, or that cuts what it says:
// every check ends inconclusive with that reason, nothing is called passed, and
// nothing is left behind.
func TestUselessGateway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault  fake.Fault
		reason string
	}{
		"down":      {fake.Fault{Down: true}, "cannot be reached"},
		"HTML":      {fake.Fault{HTML: true}, "not LiteLLM"},
		"redirects": {fake.Fault{Location: "http://127.0.0.1:9/"}, "not LiteLLM"},
		"cut":       {fake.Fault{Cut: 20}, "cannot be reached"},
		"other":     {fake.Fault{Body: `{"hello":"world"}`}, "not LiteLLM"},
		"healthy":   {fake.Fault{Body: `{"status":"ok"}`}, "not LiteLLM"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) { uselessGateway(t, c.fault, c.reason) })
		})
	}
}

func uselessGateway(t *testing.T, fault fake.Fault, reason string) {
	r := newRig(t, fake.Sound()...)
	r.SetFault(fault)
	report := run(t, r.config())
	if !strings.Contains(report.Info.Problem, reason) {
		t.Errorf("problem %q, want %q", report.Info.Problem, reason)
	}
	for _, o := range report.Outcomes {
		if o.Verdict != gate.Inconclusive || !strings.Contains(o.Evidence, reason) {
			t.Errorf("%s is %s: %s", o.ID, o.Verdict, o.Evidence)
		}
	}
	if report.Complete() || len(r.Keys()) > 0 {
		t.Errorf("complete %v, %d keys left", report.Complete(), len(r.Keys()))
	}
}

// A gateway that fails in the middle of a run leaves no check without a
// verdict, and what was made is removed once it answers again.
func TestGatewayFailsMidway(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]fake.Fault{
		"goes down": {Down: true}, "turns to HTML": {HTML: true}, "breaks": {Status: 500}, "is cut": {Cut: 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) { failsMidway(t, fault) })
		})
	}
}

func failsMidway(t *testing.T, fault fake.Fault) {
	r := newRig(t, fake.Sound()...)
	cfg := r.config()
	cfg.Only = []string{"1?", "2?", "4?", "6?", "8?"}
	cfg.Sent = nth(120, func() { r.SetFault(fault) })
	report := run(t, cfg)
	for _, o := range report.Outcomes {
		if o.Verdict == "" || o.Evidence == "" {
			t.Errorf("%s has no verdict", o.ID)
		}
	}
	if report.Complete() {
		t.Error("the report is complete")
	}
	if len(report.Leftovers) == 0 {
		t.Error("the gateway was gone and the report says that everything was removed")
	}
	r.SetFault(fake.Fault{})
	cleaned, err := gate.Clean(t.Context(), cfg, "")
	if err != nil || len(cleaned.Left) > 0 || len(r.Keys()) > 0 {
		t.Errorf("clean: %v, left %q, %d keys", err, cleaned.Left, len(r.Keys()))
	}
}

// Without a database keys cannot be made: what needs them is inconclusive, what
// does not is tested.
func TestNoDatabase(t *testing.T) {
	t.Parallel()
	bubble(t, noDatabase)
}

func noDatabase(t *testing.T) {
	r := newRig(t, append(fake.Sound(), fake.Change{Options: func(o *fake.Options) { o.NoDatabase = true }})...)
	cfg := r.config()
	cfg.Only = []string{"1[abc]", "2?", "3[abc]", "4[abcde]", "6[abc]"}
	report := run(t, cfg)
	verdicts := map[string]gate.Verdict{}
	for _, o := range report.Outcomes {
		verdicts[o.ID] = o.Verdict
		if o.Verdict == gate.Fail && o.ID != "1c" {
			t.Errorf("%s failed for want of a database: %s", o.ID, o.Evidence)
		}
	}
	for id, want := range map[string]gate.Verdict{"1a": gate.Pass, "1b": gate.Inconclusive, "2a": gate.Inconclusive, "3a": gate.Inconclusive, "3c": gate.Pass, "4a": gate.Inconclusive, "6b": gate.Inconclusive} {
		if verdicts[id] != want {
			t.Errorf("%s is %s, want %s", id, verdicts[id], want)
		}
	}
}

// A gateway that answers after the run's limit does not hold the run up, and
// the limit keeps time back for the clean-up.
func TestSlowGatewayEndsInTime(t *testing.T) {
	t.Parallel()
	bubble(t, slowGatewayEndsInTime)
}

func slowGatewayEndsInTime(t *testing.T) {
	r := newRig(t, fake.Sound()...)
	cfg := r.config()
	cfg.Timeout = 4 * time.Second
	cfg.Sent = nth(60, func() { r.SetFault(fake.Fault{Delay: 30 * time.Second}) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	report, err := gate.Run(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if ctx.Err() != nil || !report.TimedOut || report.Complete() {
		t.Errorf("ended by the test's own limit: %v, timed out: %v, complete: %v", ctx.Err() != nil, report.TimedOut, report.Complete())
	}
	unfinished := 0
	for _, o := range report.Outcomes {
		if strings.Contains(o.Evidence, "time limit") {
			unfinished++
		}
	}
	if unfinished == 0 {
		t.Error("no check says that the time was over")
	}
}

// Stopping a run ends it soon and cleans up.
func TestStoppedRunCleansUp(t *testing.T) {
	t.Parallel()
	bubble(t, stoppedRunCleansUp)
}

func stoppedRunCleansUp(t *testing.T) {
	r := newRig(t, fake.Sound()...)
	cfg := r.config()
	ctx, stop := context.WithCancel(t.Context())
	cfg.Sent = nth(150, stop)
	report, err := gate.Run(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !report.Interrupted || report.Complete() || len(report.Leftovers) > 0 || len(r.Keys()) > 0 {
		t.Errorf("interrupted %v, complete %v, left %q, %d keys", report.Interrupted, report.Complete(), report.Leftovers, len(r.Keys()))
	}
}

// A wrong master key is a failure of 1c and makes the rest inconclusive.
func TestWrongMasterKey(t *testing.T) {
	t.Parallel()
	bubble(t, wrongMasterKey)
}

func wrongMasterKey(t *testing.T) {
	r := newRig(t, fake.Sound()...)
	cfg := r.config()
	cfg.Master = record.NewSecret(fake.NewKey())
	cfg.Only = []string{"1[abc]", "2a", "3c"}
	report := run(t, cfg)
	failed, _ := with(report, gate.Fail)
	open, lines := with(report, gate.Inconclusive)
	if strings.Join(failed, " ") != "1c" || strings.Join(open, " ") != "2a" || !strings.Contains(lines[0], "refuses the master key") {
		t.Errorf("failed %v, inconclusive %q", failed, lines)
	}
}

// A gateway behind TLS is tested with the certificates that the run was given,
// and not at all without them.
func TestGatewayBehindTLS(t *testing.T) {
	t.Parallel()
	bubble(t, gatewayBehindTLS)
}

func gatewayBehindTLS(t *testing.T) {
	r := newRig(t, fake.Sound()...)
	behind, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(behind)
	transport := &http.Transport{DialContext: r.network.Dial}
	defer transport.CloseIdleConnections()
	proxy.Transport, proxy.ErrorLog = transport, log.New(io.Discard, "", 0)
	front := onNetwork(t, r.network, proxy)
	front.StartTLS()
	cfg := r.config()
	cfg.Gateway, cfg.Only = front.URL, []string{"1[abc]", "2b", "8m"}
	if report := run(t, cfg); !strings.Contains(report.Info.Problem, "certificate") {
		t.Errorf("an unknown certificate: %q", report.Info.Problem)
	}
	cfg.TLS = front.Client().Transport.(*http.Transport).TLSClientConfig
	report := run(t, cfg)
	if passed, lines := with(report, gate.Pass); len(passed) != 5 {
		_, bad := with(report, gate.Fail, gate.Inconclusive)
		t.Errorf("passed %q, not %q", lines, bad)
	}
}

// A server that is no gateway gets no key but in the requests that ask it what
// it is: the run stops there.
func TestStrangerIsToldLittle(t *testing.T) {
	t.Parallel()
	bubble(t, strangerIsToldLittle)
}

func strangerIsToldLittle(t *testing.T) {
	var requests, keys atomic.Int64
	r := newRig(t, fake.Sound()...)
	server := onNetwork(t, r.network, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Header.Get("Authorization") != "" {
			keys.Add(1)
		}
		http.Error(w, "<html>hello</html>", http.StatusOK)
	}))
	server.Start()
	cfg := r.config()
	cfg.Gateway, cfg.Replicas = server.URL, nil
	run(t, cfg)
	if keys.Load() > 0 || requests.Load() > 5 {
		t.Errorf("%d requests, %d of them with a key", requests.Load(), keys.Load())
	}
}

// onNetwork is a server of a network in memory, not started yet.
func onNetwork(t *testing.T, n *gatetest.Network, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	_ = s.Listener.Close() // the one of loopback, of which nothing is expected
	var err error
	if s.Listener, err = n.Listen(); err != nil {
		t.Fatal(err)
	}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(s.Close)
	return s
}
