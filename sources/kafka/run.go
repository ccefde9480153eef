package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/internal/kafkaclient"
	"sluice/internal/record"
)

// run is a Source while it runs.
type run struct {
	*Source
	ctx     context.Context // of Run, for what outlives a session's
	emit    func(record.Batch) error
	readers sync.WaitGroup
	ends    map[partition]int64 // one pass: where each partition is read to; nil: for ever
}

func (r *run) run(parent context.Context) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	r.ctx = ctx
	known, err := r.begin(ctx)
	if err != nil {
		return err
	}
	var background sync.WaitGroup
	background.Go(func() { r.watchLag(ctx) })
	if r.cfg.Group == "" {
		err = r.alone(ctx, known)
	} else {
		err = r.grouped(ctx, known)
	}
	cancel()
	r.broker.close() // what waits for an answer is let go
	r.readers.Wait()
	background.Wait()
	var end fatal
	if errors.As(err, &end) {
		return end.error
	}
	if perr := parent.Err(); perr != nil {
		return perr
	}
	return err
}

// begin finds the topics, and in one pass their ends. Brokers that do not answer
// are waited for a while: at the start of a whole system they come up with who
// follows. Whoever waits for one pass is told sooner.
func (r *run) begin(ctx context.Context) (map[string]int, error) {
	var topics map[string]int
	patience := r.cfg.timing.patience
	if !r.cfg.Follow {
		patience = min(patience, r.cfg.timing.start)
	}
	err := r.insistFor(ctx, patience, func() (err error) {
		if topics, err = r.topics(ctx); err != nil || r.cfg.Follow {
			return err
		}
		r.ends, err = r.broker.offsets(ctx, list(topics), atLast)
		return err
	})
	return topics, err
}

// insist calls f until it succeeds, fails for good, or patience is over.
func (r *run) insist(ctx context.Context, f func() error) error {
	return r.insistFor(ctx, r.cfg.timing.patience, f)
}

func (r *run) insistFor(ctx context.Context, patience time.Duration, f func() error) error {
	from, pause, told := time.Now(), r.cfg.timing.backoff, false
	for {
		err := f()
		if err == nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if kafkaclient.Permanent(err) || time.Since(from)+pause > patience {
			return fmt.Errorf("read kafka topic %s: %w", record.Printable(r.cfg.Topic), err)
		}
		if !told {
			r.cfg.Log.Warn("trying again", slog.String("error", err.Error()))
			told = true
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, maxBackoff)
	}
}

// topics are those that the configuration means.
func (r *run) topics(ctx context.Context) (map[string]int, error) {
	if r.match == nil {
		return r.broker.topics(ctx, r.cfg.Topic)
	}
	all, err := r.broker.topics(ctx, "")
	if err != nil {
		return nil, err
	}
	for name := range all {
		if !r.match.MatchString(name) {
			delete(all, name)
		}
	}
	if len(all) == 0 && !r.cfg.Follow {
		return nil, &kafkaclient.Error{Text: "no topic that we may see has a name of this form", Permanent: true}
	}
	return all, nil
}

// list is the partitions of topics, in order.
func list(topics map[string]int) []partition {
	var ps []partition
	for name, n := range topics {
		for id := range n {
			ps = append(ps, partition{name, id})
		}
	}
	slices.SortFunc(ps, func(a, b partition) int {
		if c := strings.Compare(a.topic, b.topic); c != 0 {
			return c
		}
		return a.id - b.id
	})
	return ps
}

// starts are where partitions begin that have no offset.
func (r *run) starts(ctx context.Context, ps []partition, at Start) (map[partition]int64, error) {
	from, err := r.broker.offsets(ctx, ps, at.time())
	if err != nil {
		return nil, err
	}
	var none []partition // nothing was written since the time: begin at the end
	for _, p := range ps {
		if from[p] < 0 {
			none = append(none, p)
		}
	}
	if len(none) == 0 {
		return from, nil
	}
	last, err := r.broker.offsets(ctx, none, atLast)
	for p, offset := range last {
		from[p] = offset
	}
	return from, err
}

// alone reads all partitions without a group. While it follows, partitions that
// appear are read from their first message.
func (r *run) alone(ctx context.Context, known map[string]int) error {
	ctx, cancel := context.WithCancel(ctx)
	var sessions sync.WaitGroup
	defer sessions.Wait()
	defer cancel()
	errs := make(chan error, 1) // of the first session that fails
	begin := func(ps []partition, at Start) error {
		var from map[partition]int64
		err := r.insist(ctx, func() (err error) { from, err = r.starts(ctx, ps, at); return err })
		if err != nil {
			return err
		}
		s := r.newSession(ps, from, member{})
		r.metrics.add(s.assignments)
		if !r.cfg.Follow {
			r.progress.begin(from, r.ends)
		}
		sessions.Go(func() {
			if err := s.work(ctx); err != nil {
				select {
				case errs <- err:
				default:
				}
			}
		})
		return nil
	}
	if err := begin(list(known), r.cfg.Start); err != nil {
		return err
	}
	if !r.cfg.Follow {
		sessions.Wait()
		return first(errs)
	}
	for {
		added, err := r.added(ctx, known, errs)
		if err != nil {
			return err
		}
		if err := begin(added, StartFirst()); err != nil {
			return err
		}
	}
}

func first(errs <-chan error) error {
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

// added waits for partitions that are not known, and makes them known.
func (r *run) added(ctx context.Context, known map[string]int, errs <-chan error) ([]partition, error) {
	tick := time.NewTicker(r.cfg.timing.topics)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case err := <-errs:
			return nil, err
		case <-tick.C:
		}
		now, err := r.topics(ctx)
		if err != nil {
			continue // the readers say what is wrong
		}
		var ps []partition
		for _, p := range list(now) {
			if p.id >= known[p.topic] {
				ps = append(ps, p)
			}
		}
		for name, n := range now {
			known[name] = max(known[name], n)
		}
		if len(ps) > 0 {
			return ps, nil
		}
	}
}

// gaveUp says that delivery has failed, so that nothing which was emitted will
// be committed any more. The pipeline says so by the cause of Run's context.
func (r *run) gaveUp() bool {
	var cause interface{ GaveUp() bool }
	return errors.As(context.Cause(r.ctx), &cause) && cause.GaveUp()
}
