package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"sluice/internal/kafkaclient"
	"sluice/internal/record"
)

// grouped reads as a member of the group, until ctx ends or, in one pass, the
// group has committed everything. New topics and partitions make it join anew.
func (r *run) grouped(ctx context.Context, known map[string]int) error {
	if err := r.insist(ctx, func() error { return r.seed(ctx, known) }); err != nil {
		return err
	}
	for {
		var now map[string]int
		var err error
		if len(known) > 0 {
			now, err = r.asMember(ctx, known)
		} else {
			now, err = r.changed(ctx, known)
		}
		if err != nil || r.ends != nil {
			return err
		}
		known = now
	}
}

// seed commits where the group is to begin, for all partitions of which it has
// no offset, before we join it. An offset that is only in somebody's memory would
// be resolved anew at each rebalance, and last is then later. A partition that
// is new beside others which have offsets begins at its first message.
func (r *run) seed(ctx context.Context, topics map[string]int) error {
	ps := list(topics)
	if len(ps) == 0 {
		return nil
	}
	at, err := r.broker.committed(ctx, r.cfg.Group, ps)
	if err != nil {
		return err
	}
	begun := map[string]bool{}
	for p, offset := range at {
		begun[p.topic] = begun[p.topic] || offset >= 0
	}
	var fresh, added []partition
	for _, p := range ps {
		switch {
		case at[p] >= 0:
		case r.cfg.Start.committed:
			return &kafkaclient.Error{Permanent: true, Text: fmt.Sprintf(
				"start=committed, but group %s has no offset for partition %d of %s", record.Printable(r.cfg.Group), p.id, p.topic)}
		case begun[p.topic]:
			added = append(added, p)
		default:
			fresh = append(fresh, p)
		}
	}
	start := map[partition]int64{}
	for _, set := range []struct {
		ps []partition
		at Start
	}{{fresh, r.cfg.Start}, {added, StartFirst()}} {
		if len(set.ps) == 0 {
			continue
		}
		from, err := r.starts(ctx, set.ps, set.at)
		if err != nil {
			return err
		}
		maps.Copy(start, from)
	}
	maps.Copy(at, start)
	if r.ends != nil {
		r.progress.begin(maps.Clone(at), r.ends)
	}
	if len(start) == 0 {
		return nil
	}
	if err = r.broker.commit(ctx, r.cfg.Group, member{}, start); evicted(err) {
		return nil // the group has members: they did this before they joined
	}
	return err
}

// asMember joins the group and works its partitions until ctx ends (an error),
// the topics are others, which it returns, or one pass is complete.
func (r *run) asMember(parent context.Context, known map[string]int) (now map[string]int, err error) {
	ctx, cancel := context.WithCancel(parent)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	if r.ends != nil {
		watching.Go(func() { r.watchEnds(ctx, cancel) })
	} else {
		watching.Go(func() {
			if topics, err := r.changed(ctx, known); err == nil {
				now = topics
				cancel()
			}
		})
	}
	m, err := r.broker.join(r.cfg.Group, slices.Sorted(maps.Keys(known)))
	if err != nil {
		return nil, err
	}
	defer m.close()
	err = r.membership(ctx, m)
	cancel()
	watching.Wait()
	if perr := parent.Err(); perr != nil {
		return nil, errors.Join(perr, err)
	}
	return now, err
}

// membership works one generation after the other until ctx ends, which is no
// error.
func (r *run) membership(ctx context.Context, m membership) error {
	var failing time.Time
	for {
		gen, err := m.next(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			failing = time.Time{}
			if err := r.generation(ctx, gen); err != nil {
				return err
			}
			continue
		case kafkaclient.Permanent(err):
			return fmt.Errorf("join group %s: %w", record.Printable(r.cfg.Group), err)
		}
		if failing.IsZero() {
			failing = time.Now()
			r.cfg.Log.Warn("joining the group is delayed", slog.String("error", err.Error()))
		}
		if !r.cfg.Follow && time.Since(failing) > r.cfg.timing.patience {
			return fmt.Errorf("join group %s: %w", record.Printable(r.cfg.Group), err)
		}
	}
}

// generation works the partitions of one assignment.
func (r *run) generation(ctx context.Context, gen *generation) (err error) {
	over := make(chan struct{})
	gen.hold(func(group context.Context) {
		defer close(over)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(group, cancel)()
		r.counts.rebalances.Add(1)
		from, ferr := r.offsetsOf(ctx, gen.assigned)
		if ferr != nil {
			if kafkaclient.Permanent(ferr) {
				err = ferr
			}
			return
		}
		s := r.newSession(gen.assigned, from, gen.member)
		r.metrics.add(s.assignments)
		defer r.metrics.clear()
		err = s.work(ctx)
		if errors.Is(err, context.Canceled) {
			err = nil
		}
	})
	<-over
	return err
}

// offsetsOf is where assigned partitions begin: what the group committed, and
// for those that came up since it was seeded, their first message.
func (r *run) offsetsOf(ctx context.Context, ps []partition) (map[partition]int64, error) {
	var at map[partition]int64
	err := r.insist(ctx, func() (err error) {
		if at, err = r.broker.committed(ctx, r.cfg.Group, ps); err != nil {
			return err
		}
		var none []partition
		for _, p := range ps {
			if at[p] < 0 {
				none = append(none, p)
			}
		}
		if len(none) == 0 {
			return nil
		}
		from, err := r.starts(ctx, none, StartFirst())
		maps.Copy(at, from)
		return err
	})
	return at, err
}

// changed waits until the topics or their partitions are others than known.
func (r *run) changed(ctx context.Context, known map[string]int) (map[string]int, error) {
	tick := time.NewTicker(r.cfg.timing.topics)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
		now, err := r.topics(ctx)
		if err == nil && !maps.Equal(now, known) {
			return now, nil
		}
	}
}

// watchEnds calls done when the group has committed everything up to the ends.
func (r *run) watchEnds(ctx context.Context, done func()) {
	ps := slices.Collect(maps.Keys(r.ends))
	for {
		at, err := r.broker.committed(ctx, r.cfg.Group, ps)
		if err == nil {
			r.progress.reached(at)
			if complete(at, r.ends) {
				done()
				return
			}
		}
		if sleep(ctx, r.cfg.timing.ends) != nil {
			return
		}
	}
}

func complete(at, ends map[partition]int64) bool {
	for p, end := range ends {
		if at[p] < end && end > 0 {
			return false
		}
	}
	return true
}
