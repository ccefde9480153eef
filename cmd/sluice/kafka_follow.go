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
	"sluice/sinks"
)

// followGrace is how long what was read may take to be delivered after a stop.
const followGrace = 10 * time.Second

// follower is a job without an end.
type follower struct {
	*job
	keys     *gateway.Store
	asks     bool // there is a gateway to ask
	maxStale time.Duration
	metrics  *metrics
	first    chan struct{} // closed once the gateways' keys were read
}

// follow runs a job until it is told to stop.
func (f *passFlags) follow(ctx context.Context, a *app, j *job) error {
	access, err := f.gateway.open(a)
	if err != nil {
		return err // keys that can be had later are the gateways'
	}
	w := &follower{job: j, asks: len(access.clients) > 0, maxStale: f.gateway.maxStale, first: make(chan struct{})}
	once := sync.OnceFunc(func() { close(w.first) })
	w.keys = access.store(func(s *gateway.Snapshot) {
		if err := j.detection.setKeys(s); err != nil {
			a.log.Error("take over new keys", slog.String("error", err.Error()))
			return
		}
		if _, known := w.keys.Age(time.Now()); known {
			once()
		}
	})
	w.metrics = newMetrics(j.stats, w.keys)
	w.metrics.registry.MustRegister(kafkaCollector{j.sources})
	j.sink = sinks.Tee(j.sink, w.metrics)
	return w.run(ctx, a, f.kafka.listen)
}

// run serves metrics, keeps the keys fresh and carries records until ctx ends.
func (w *follower) run(ctx context.Context, a *app, listen string) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer stop()
	if listen != "" {
		wait, err := serve(background, listen, w.metrics, w.ready)
		if err != nil {
			return incompleteError(err, "choose another --listen")
		}
		helpers.Go(func() {
			if err := wait(); err != nil {
				a.log.Error("serve metrics", slog.String("error", err.Error()))
			}
		})
	}
	if w.asks {
		helpers.Go(func() { _ = w.keys.Run(background) }) // it ends with its context only
		select {
		case <-w.first: // not a byte is passed on that was not examined as asked
		case <-ctx.Done():
			return nil
		}
	}
	deliver, giveUp := context.WithCancelCause(background)
	defer giveUp(nil)
	grace := time.AfterFunc(time.Hour, func() { giveUp(errGrace) })
	grace.Stop()
	defer context.AfterFunc(ctx, func() { grace.Reset(followGrace) })()
	cfg := w.config()
	cfg.Done = func(err error) { grace.Stop(); w.finish(background, err) }
	return w.end(a, pipeline.Run(ctx, deliver, cfg))
}

// errGrace is why delivery was given up at the end.
var errGrace = fmt.Errorf("what was read could not be delivered within %s and will be read again", followGrace)

func (w *follower) config() pipeline.Config {
	cfg := w.detection.pipeline()
	cfg.Sources, cfg.Sink, cfg.Jobs, cfg.Stats = w.sources, w.sink, w.jobs, w.stats
	if cfg.Jobs <= 0 {
		cfg.Jobs = runtime.GOMAXPROCS(0)
	}
	return cfg
}

// end makes the exit code: a clean stop is 0, unless --fail-on says otherwise.
func (w *follower) end(a *app, err error) error {
	if n := w.stats.Withheld.Load(); n > 0 {
		a.log.Warn("records were withheld", slog.Int64("records", n))
	}
	switch {
	case err != nil:
		return incompleteError(errors.New(summary(split(err))), "")
	case w.threshold > 0 && w.stats.Worst() >= w.threshold:
		return &exitError{code: exitFound}
	}
	return nil
}

// ready is what /readyz says: keys that are fresh enough.
func (w *follower) ready() (reasons []string) {
	if !w.asks {
		return nil
	}
	switch age, known := w.keys.Age(time.Now()); {
	case !known:
		reasons = append(reasons, "the gateway's keys were not read yet")
	case age > w.maxStale:
		reasons = append(reasons, "the gateway's keys are "+age.Round(time.Second).String()+" old")
	}
	return reasons
}
