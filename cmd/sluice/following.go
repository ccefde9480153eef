package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"sluice/internal/gateway"
	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/sources"
)

// stopGrace is how long what was read may take to be delivered after a stop.
const stopGrace = 10 * time.Second

// keysGrace is how long watching waits for the gateways' keys: what is read with
// them says at once whose a key is. A gateway that is down holds nothing up longer.
const keysGrace = 3 * time.Second

// errGrace is why delivery was given up at the end.
var errGrace = fmt.Errorf("what was read could not be delivered within %s and will be read again", stopGrace)

// following is a job without an end: watch, redact --follow, and exec, whose end
// is the child's. Beside the pipeline it keeps the keys fresh, names owners that
// become known later, saves positions, answers /metrics and /readyz, and says
// once an hour that it is there.
type following struct {
	*job
	log      *slog.Logger
	state    *state
	keys     *gateway.Store
	asks     bool // there is a gateway to ask
	maxStale time.Duration
	maxLag   time.Duration
	resolver *gateway.Resolver // nil: no gateway
	owners   *owners
	control  *canaryControl // nil: no canary is sent
	metrics  *metrics
	stall    *stall
	lag      *lag
	ready    []readiness  // of keys, state, canary, sources and sinks
	reload   func() error // at SIGHUP; nil: the signal is not ours
	clients  []*gateway.Client
	first    chan struct{} // closed once every gateway's keys were read
}

// newFollowing makes all but sources and sinks; addSink has to follow.
func newFollowing(a *app, f *passFlags, s *state) (*following, error) {
	if err := checkLag(f.maxLag); err != nil {
		return nil, err
	}
	if err := atLeast("--jobs", int64(f.jobs), 0); err != nil {
		return nil, err
	}
	boundMemory(a, 0) // reading the rules makes more garbage than an hour of a quiet log
	access, err := f.gateway.open(a)
	if err != nil {
		return nil, err // keys that can be had later are the gateways'
	}
	key, err := s.printKey()
	if err != nil {
		return nil, err
	}
	f.detect.ownPrintKey = key
	j := &job{run: newRun(), stats: &pipeline.Stats{}, jobs: f.jobs}
	if j.threshold, err = f.out.threshold(); err != nil {
		return nil, err
	}
	keys := gateway.Merge(time.Now(), access.fixed...)
	boundMemory(a, keys.Len())
	if j.detection, err = f.detect.load(a, nil, keys, access.master); err != nil {
		return nil, err
	}
	j.detection.learnCredential(access)
	w := &following{job: j, log: a.log, state: s, clients: access.clients, asks: len(access.clients) > 0, maxStale: f.gateway.maxStale, maxLag: f.maxLag, first: make(chan struct{})}
	if w.asks {
		if err := j.detection.examineLate(a.log); err != nil {
			return nil, err
		}
	}
	w.ready = []readiness{w.keysReady, s.unready}
	w.reload = func() error { return f.reload(a, j.detection) }
	once := sync.OnceFunc(func() { close(w.first) })
	w.keys = access.store(func(keys *gateway.Snapshot) {
		if err := j.detection.setKeys(keys); err != nil {
			a.log.Error("take over new keys", "err", err)
			return
		}
		boundMemory(a, keys.Len())
		w.owners.refreshed(keys)
		var asked time.Time
		if age, known := w.keys.Age(time.Now()); known {
			asked = time.Now().Add(-age)
			once()
		}
		w.owners.discovered(j.detection.late.refreshed(asked))
	})
	w.resolver = access.resolver(func(hash [32]byte, key *record.KeyInfo) { w.owners.answer(hash, key) })
	w.metrics = newMetrics(j.stats, w.keys)
	return w, nil
}

// passOn gives clean bytes to first, and findings to what the flags name.
func (w *following) passOn(a *app, f *passFlags, first pipeline.Sink) error {
	f.job = w.job
	o, err := f.options(a, w.job)
	if err != nil {
		return err
	}
	more, err := f.more(w.job, o)
	if err != nil {
		return err
	}
	w.addSink(first, more)
	w.watchSinks(more)
	return nil
}

// addSink puts what findings pass through in front of the sinks.
func (w *following) addSink(first pipeline.Sink, more []pipeline.Sink) {
	w.owners = newOwners(primary(first, append(more, w.metrics)), w.detection, w.log)
	w.owners.ask, w.owners.stats = w.resolver, w.stats
	w.sink = w.owners
}

// addCanary sends false keys through the gateways that the flags name.
func (w *following) addCanary(every time.Duration) {
	var gateways []canaryGateway
	for _, c := range w.clients {
		gateways = append(gateways, c)
	}
	w.control = newCanaryControl(w.sink, w.detection, every, gateways, w.log)
	w.sink = w.control
	w.ready = append(w.ready, w.control.unready)
	w.metrics.registry.MustRegister(canaryCollector{w.control})
}

// sourceOptions is what sources that follow are told. A gap is a finding, and the
// secrets of a container's environment are looked for.
func (w *following) sourceOptions(ctx context.Context, a *app, f *passFlags, backlog sources.Backlog) sources.Options {
	o := sources.Options{Stdin: a.stdin, Archive: f.archive, Log: a.log, Kafka: kafkaEnv(a)}
	o.Resume, o.Backlog, o.Env, o.OnEnv = w.state.resume, backlog, a.env, f.detect.environments(w.detection)
	o.OnGap = func(place, reason string) {
		text := "lines are missing: " + reason
		if err := w.detection.tell(ctx, w.sink, w.detection.notice(ruleGap, place, text, time.Now())); err != nil {
			a.log.Error("report a gap", "err", err)
		}
	}
	return o
}

// addSources opens the sources where they were left; track notes what is delivered
// of each.
func (w *following) addSources(args []string, o sources.Options, track func(sources.Named) pipeline.Source) error {
	named, err := sources.Follow(args, o)
	if err != nil {
		return usageError(err, "")
	}
	var raw []pipeline.Source
	for _, n := range named {
		raw = append(raw, n.Source)
		w.sources = append(w.sources, track(n))
	}
	w.watchSources(raw)
	return nil
}

// unready is what /readyz says.
func (w *following) unready() (reasons []string) {
	for _, r := range w.ready {
		reasons = append(reasons, r()...)
	}
	return reasons
}

// keysReady says that keys are there and fresh enough.
func (w *following) keysReady() []string {
	if !w.asks {
		return nil
	}
	switch age, known := w.keys.Age(time.Now()); {
	case !known:
		return []string{"the gateway's keys were not read yet"}
	case age > w.maxStale:
		return []string{"the gateway's keys are " + age.Round(time.Second).String() + " old"}
	}
	return nil
}

// follow carries records until ctx ends, and what was read for stopGrace longer.
// waitForKeys holds the first byte back until the gateways' keys are known.
func (w *following) follow(ctx context.Context, listen string, waitForKeys bool) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer stop()
	if err := w.start(background, &helpers, listen); err != nil {
		return err
	}
	if !w.haveKeys(ctx, waitForKeys) {
		return nil
	}
	deliver, giveUp := context.WithCancelCause(background)
	defer giveUp(nil)
	delivered := make(chan struct{})
	defer context.AfterFunc(ctx, func() {
		w.super().stopping()
		grace := time.NewTimer(stopGrace)
		defer grace.Stop()
		select {
		case <-delivered:
		case <-grace.C:
			giveUp(errGrace)
		}
	})()
	w.super().ready()
	err := pipeline.Run(ctx, deliver, w.pipeline(background))
	close(delivered)
	return w.end(err)
}

// haveKeys waits for the gateways' keys, for ever or for keysGrace; false: ctx ended.
func (w *following) haveKeys(ctx context.Context, forEver bool) bool {
	if !w.asks {
		return true
	}
	grace := time.NewTimer(keysGrace)
	defer grace.Stop()
	enough := grace.C
	if forEver {
		enough = nil
	}
	select {
	case <-w.first:
	case <-enough:
	case <-ctx.Done():
		return false
	}
	return true
}

func (w *following) super() supervisor { return supervisor{w.log} }

// start runs what goes on beside the pipeline until ctx ends.
func (w *following) start(ctx context.Context, helpers *sync.WaitGroup, listen string) error {
	if w.reload != nil {
		hangups := onHangup() // before anybody can know that we run
		helpers.Go(func() { w.reloads(ctx, hangups) })
	}
	if listen != "" {
		wait, err := serve(ctx, listen, w.metrics, w.unready, w.log)
		if err != nil {
			return incompleteError(err, "choose another --listen")
		}
		helpers.Go(func() {
			if err := wait(); err != nil {
				w.log.Error("serve metrics", "err", err)
			}
		})
	}
	if w.asks { // both end with their context only
		helpers.Go(func() { _ = w.keys.Run(ctx) })
		helpers.Go(func() { _ = w.resolver.Run(ctx) })
	}
	if w.control != nil {
		helpers.Go(func() { w.control.run(ctx) })
	}
	if w.stall != nil {
		helpers.Go(func() { looking(ctx, w.stall.look) })
		helpers.Go(func() { looking(ctx, w.lag.look) })
	}
	helpers.Go(func() { w.state.run(ctx) })
	helpers.Go(func() { heartbeat(ctx, w.stats, w.unready, w.log) })
	helpers.Go(func() { w.super().watchdog(ctx) })
	return nil
}

func (w *following) pipeline(ctx context.Context) pipeline.Config {
	cfg := w.detection.pipeline()
	cfg.Sources, cfg.Sink, cfg.Jobs, cfg.Stats, cfg.Resolve = w.sources, w.sink, w.jobs, w.stats, w.owners.resolve
	cfg.FindingsOnly = w.findingsOnly
	if cfg.Jobs <= 0 {
		cfg.Jobs = runtime.GOMAXPROCS(0)
	}
	cfg.Done = func(err error) {
		w.finish(ctx, err)
		w.unasked()
	}
	return cfg
}

// unasked says at the end what the gateway's keys came too late for.
func (w *following) unasked() {
	select {
	case <-w.first:
	default:
		if l := w.detection.late; l != nil && l.waiting() > 0 {
			w.log.Warn("the gateway's keys never came: lines that may hold some were not examined again", "lines", l.waiting())
		}
	}
}

// end makes the exit code: a clean stop is 0, unless --fail-on says otherwise.
func (w *following) end(err error) error {
	if n := w.stats.Withheld.Load(); n > 0 {
		w.log.Warn("records were withheld", "records", n)
	}
	switch {
	case err != nil:
		return incompleteError(errors.New(summary(split(err))), hintOf(err))
	case w.threshold > record.SeverityNone && w.stats.Worst() >= w.threshold:
		return &exitError{code: exitFound}
	}
	return nil
}
