package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"sluice/internal/record"
)

const (
	// atOnce is how many logs one pass reads at a time: a daemon reads each from
	// its disk.
	atOnce = 8
	// tries is how often a log that breaks off is gone on with.
	tries = 5
)

// once reads what the daemon holds of each container when its turn comes.
func (s *Source) once(ctx context.Context, e engine, emit func(record.Batch) error) error {
	if err := e.Ping(ctx); err != nil {
		return err
	}
	all, err := e.List(ctx)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(c summary) bool { return !s.cfg.matches(c) || s.isSelf(c.id) })
	if len(all) == 0 {
		return fmt.Errorf("no container matches %s", s.cfg.describe())
	}
	slices.SortFunc(all, func(a, b summary) int { return strings.Compare(a.name, b.name) })
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	errs := make([]error, len(all))
	turn := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for i, c := range all {
		group.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			s.stats.Containers.Add(1)
			defer s.stats.Containers.Add(-1)
			if errs[i] = s.newReader(e, c.id, true, emit).pass(ctx, c.name); errors.Is(errs[i], errRefused) {
				cancel(errs[i])
			}
		})
	}
	group.Wait()
	var refused refusal
	if errors.As(context.Cause(ctx), &refused) {
		return refused.error
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return errors.Join(errs...)
}

// describe is what the user asked for.
func (c *Config) describe() string {
	if len(c.Labels) == 0 {
		return record.Printable(c.Name)
	}
	return record.Printable(c.Name) + " with label " + record.Printable(strings.Join(c.Labels, ", "))
}

// pass reads a container's log to its end.
func (r *reader) pass(ctx context.Context, name string) error {
	r.name = name
	var b backoff
	for try := 1; ; try++ {
		err := r.try(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errRefused):
			return err
		case err == nil:
			return r.finish("")
		}
		if try == tries || errors.Is(err, errGone) || errors.Is(err, errUnsupported) || errors.Is(err, daemonError{}) {
			err = fmt.Errorf("read container %s: %w", record.Printable(r.name), err)
			return errors.Join(err, r.finish("docker: the rest of the container's log could not be read"))
		}
		if err := b.wait(ctx); err != nil {
			return err
		}
	}
}

func (r *reader) try(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := r.inspect(ctx); err != nil {
		return err
	}
	_, err := r.catchUp(ctx)
	return err
}
