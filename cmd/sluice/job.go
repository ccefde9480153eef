package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/internal/report"
	"sluice/sinks"
)

// job is one run of the pipeline over sources that end: what scan and redact
// have in common.
type job struct {
	sources   []pipeline.Source
	detection *detection
	sink      pipeline.Sink
	threshold record.Severity
	jobs      int
	run       *report.Run
	stats     *pipeline.Stats
	// findingsOnly says that no sink passes text on.
	findingsOnly bool
	// keysMissing says that live keys were asked for and could not be had.
	keysMissing  error
	interrupted  bool // known once the run is over
	stopProgress func()
}

// newRun is the state of a run that reports tell of.
func newRun() *report.Run { return &report.Run{Version: version(), Started: time.Now()} }

// do runs the job and returns what decides the exit code.
func (j *job) do(ctx context.Context) error {
	cfg := j.detection.pipeline()
	cfg.Sources, cfg.Sink, cfg.Jobs, cfg.Ordered = j.sources, j.sink, j.jobs, true
	cfg.Stats, cfg.FindingsOnly = j.stats, j.findingsOnly
	cfg.Done = func(err error) { j.finish(ctx, err) }
	if cfg.Jobs <= 0 {
		cfg.Jobs = runtime.GOMAXPROCS(0)
	}
	err := pipeline.Run(ctx, context.WithoutCancel(ctx), cfg)
	if err == nil {
		err = j.keysMissing
	}
	switch {
	case interrupted(ctx):
		return &exitError{code: exitInterrupt, err: fmt.Errorf("%w, the report is partial", context.Cause(ctx))}
	case err != nil:
		return incompleteError(errors.New(summary(j.run.Errors)), hintOf(err))
	case !j.run.Complete:
		return incompleteError(errors.New(summary(j.run.Errors)), "")
	case j.threshold > record.SeverityNone && j.stats.Worst() >= j.threshold:
		return &exitError{code: exitFound}
	}
	return nil
}

// finish tells reports what became of the run.
func (j *job) finish(ctx context.Context, err error) {
	if j.stopProgress != nil {
		j.stopProgress()
	}
	r := j.run
	r.Ended = time.Now()
	r.Sources = j.stats.Streams.Load()
	r.Records, r.Bytes, r.Withheld = j.stats.Records.Load(), j.stats.Bytes.Load(), j.stats.Withheld.Load()
	set := j.detection.current.Load()
	r.Notes = append(append(r.Notes, set.notes...), set.known.notes()...)
	if j.interrupted = interrupted(ctx); j.interrupted {
		r.Errors = append(r.Errors, context.Cause(ctx).Error())
	}
	for _, err := range []error{j.keysMissing, err} {
		if err != nil {
			r.Errors = append(r.Errors, split(err)...)
		}
	}
	for _, unread := range j.stats.Unread() {
		if !told(r.Errors, unread) {
			r.Errors = append(r.Errors, unread.String())
		}
	}
	if r.Withheld > 0 {
		r.Errors = append(r.Errors, report.Plural(r.Withheld, "record was", "records were")+" withheld, not examined whole")
	}
	r.Complete = len(r.Errors) == 0
}

// told says that an error speaks of the same place and reason already.
func told(errs []string, u pipeline.Unread) bool {
	return slices.ContainsFunc(errs, func(e string) bool {
		return strings.Contains(e, record.Printable(u.Name)) && strings.Contains(e, u.Reason)
	})
}

// hintOf is what an error says to do.
func hintOf(err error) string {
	var e *exitError
	if errors.As(err, &e) {
		return e.hint
	}
	return ""
}

// split is the sentences of joined errors.
func split(err error) []string {
	var exit *exitError
	if errors.As(err, &exit) && exit.err != nil {
		err = exit.err
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []string
		for _, e := range joined.Unwrap() {
			out = append(out, split(e)...)
		}
		return out
	}
	return []string{err.Error()}
}

// summary is the first of several sentences and how many more there are.
func summary(errs []string) string {
	switch len(errs) {
	case 0:
		return "the run is incomplete"
	case 1:
		return "incomplete: " + errs[0]
	}
	return fmt.Sprintf("incomplete: %s, and %d more", errs[0], len(errs)-1)
}

// primary puts the sinks of a command together.
func primary(first pipeline.Sink, more []pipeline.Sink) pipeline.Sink {
	return sinks.Tee(append([]pipeline.Sink{first}, more...)...)
}
