package gate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// teardownTime is what removing may take; it is kept back from the timeout,
	// or a quarter of that if it is short.
	teardownTime = 20 * time.Second
	// slowJobs bounds the checks that mostly wait.
	slowJobs = 24
)

// errTimeout is the cause of a context that the run's own limit ended.
var errTimeout = errors.New("the run reached its time limit (--timeout)")

// Run tests a gateway. An error means that the configuration is wrong; every
// trouble with the gateway is in the report instead.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	cfg.fill()
	checks, skipped, err := cfg.Select()
	if err != nil {
		return nil, err
	}
	if cfg.Gateway == "" {
		return nil, errors.New("no gateway to test")
	}
	s := newSession(cfg)
	defer s.client.close()
	working, cancel := context.WithTimeoutCause(ctx, cfg.Timeout-min(cfg.Timeout/4, teardownTime), errTimeout)
	defer cancel()
	report := &Report{Version: cfg.Version, Started: s.began.UTC()}
	s.begin(working, report)
	report.Outcomes = s.runAll(working, &cfg, checks, skipped)
	report.Leftovers = s.teardown(context.WithoutCancel(ctx), min(teardownTime, cfg.Timeout-time.Since(s.began)))
	report.Plan, report.Info = s.plan, s.info
	report.Notes = append(report.Notes, s.info.Notes...)
	report.Requests, report.Took = s.client.sent(), time.Since(s.began)
	report.Interrupted = ctx.Err() != nil
	report.TimedOut = errors.Is(context.Cause(working), errTimeout)
	s.scrubReport(report)
	return report, nil
}

func newSession(cfg Config) *session {
	if !cfg.Master.Empty() {
		cfg.Scrub.Add(cfg.Master.Reveal())
	}
	sender := newClient(cfg.Rate, cfg.MaxRequests, cfg.TLS, cfg.Dial)
	sender.patience = cfg.Patience
	return &session{
		client: sender, scrub: cfg.Scrub, plan: cfg.plan(),
		master: cfg.Master, blueprints: cfg.Blueprints, logs: cfg.Logs, provider: cfg.Provider, record: cfg.Sent,
		began: time.Now(), shared: map[string]*made{}, byHash: map[string]*Object{},
		chosen: map[string]string{}, canaries: map[string]string{}, once: map[string]*once{},
	}
}

// begin notes where the logs end and asks the gateway what it is.
func (s *session) begin(ctx context.Context, report *Report) {
	if s.logs != nil {
		if err := s.logs.Begin(ctx); err != nil {
			report.Notes = append(report.Notes, "the logs cannot be read: "+err.Error())
			s.logs = brokenLogs{err}
		}
	}
	s.preflight(ctx)
}

// runAll runs the checks: the slow ones at once, the others a few at a time,
// and those that read the logs when all others have ended.
func (s *session) runAll(ctx context.Context, cfg *Config, checks []Check, skipped map[string]string) []Outcome {
	outcomes := make([]Outcome, len(checks))
	phase := func(belongs func(Check) bool) {
		var wg sync.WaitGroup
		slow, quick := make(chan struct{}, slowJobs), make(chan struct{}, cfg.Jobs)
		for i, check := range checks {
			if !belongs(check) {
				continue
			}
			lane := quick
			if check.Slow {
				lane = slow
			}
			wg.Go(func() {
				lane <- struct{}{}
				defer func() { <-lane }()
				outcomes[i] = s.runOne(ctx, cfg, check, skipped[check.ID])
			})
		}
		wg.Wait()
	}
	phase(func(c Check) bool { return !c.Last })
	phase(func(c Check) bool { return c.Last })
	return outcomes
}

func (s *session) runOne(ctx context.Context, cfg *Config, check Check, skip string) Outcome {
	begin := time.Now()
	o := Outcome{Check: check}
	if skip != "" {
		o.Result = Skip(skip)
	} else if result, stop := s.unmet(check); stop {
		o.Result = result
	} else {
		o.Result = s.guarded(ctx, check)
	}
	o.Took = time.Since(begin)
	o.Evidence, o.Provider = s.scrub.Text(o.Evidence), s.scrub.Text(o.Provider)
	waive(&o, cfg.Waivers, time.Now())
	if cfg.Progress != nil {
		cfg.Progress(o)
	}
	return o
}

// guarded runs a check so that neither its fault nor the end of the run leaves
// it without a verdict. A failure seen before the end stays one.
func (s *session) guarded(ctx context.Context, check Check) (result Result) {
	defer func() {
		if r := recover(); r != nil {
			// The value may quote an answer; its type is enough to find the fault.
			result = Unknown(fmt.Sprintf("the check broke off: %T", r))
		}
	}()
	if ctx.Err() != nil {
		return Unknown("not run: " + ended(ctx))
	}
	result = check.Run(ctx, &Env{Plan: s.plan, check: check.ID, s: s})
	if ctx.Err() != nil && result.Verdict != Fail && result.Verdict != Pass {
		return Unknown("not finished: " + ended(ctx))
	}
	if result.Verdict == "" {
		return Unknown("the check came to no verdict")
	}
	return result
}

func ended(ctx context.Context) string {
	if errors.Is(context.Cause(ctx), errTimeout) {
		return errTimeout.Error()
	}
	return "the run was stopped"
}

// scrubReport passes what was gathered beside the outcomes through the scrubber.
func (s *session) scrubReport(r *Report) {
	for _, list := range [][]string{r.Leftovers, r.Notes, r.Info.Models, r.Info.Versions} {
		for i := range list {
			list[i] = s.scrub.Text(list[i])
		}
	}
	r.Info.Problem, r.Info.Version = s.scrub.Text(r.Info.Problem), s.scrub.Text(r.Info.Version)
}

// brokenLogs stands for logs whose end could not be found at the start.
type brokenLogs struct{ err error }

func (b brokenLogs) Begin(context.Context) error { return b.err }

func (b brokenLogs) Examine(context.Context, string, map[string]string) ([]Leak, error) {
	return nil, b.err
}

func (b brokenLogs) Collect(context.Context, []string, map[string]string) (LogReading, error) {
	return LogReading{}, b.err
}
