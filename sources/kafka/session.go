package kafka

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// session is the time for which a set of partitions is ours: one generation of
// the group, or the whole run if we are alone.
type session struct {
	*run
	as          member
	assignments []*assignment
	due         chan struct{} // much of a window is delivered
	unsure      bool          // a commit got no answer; of whoever commits, one after the other
}

// work reads the partitions until ctx ends or all are read to their stop, and
// returns when what was read is delivered and committed, or the time for that is
// over. It waits for its readers, except for one that the pipeline does not let
// go of: whoever gets its partition next waits for that.
func (s *session) work(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, len(s.assignments))
	for _, a := range s.assignments {
		s.readers.Go(func() { errs <- s.read(ctx, a) })
	}
	var committing sync.WaitGroup
	if s.cfg.Group != "" {
		committing.Go(func() { s.commitLoop(ctx, cancel) })
	}
	err := s.collect(ctx, cancel, errs)
	if err == nil && s.cfg.Group != "" {
		<-ctx.Done() // read to the end, but still a member
	}
	cancel()
	until := time.Now().Add(s.cfg.timing.drain)
	committing.Wait()
	if s.cfg.Group != "" && !errors.As(err, new(fatal)) {
		s.drain(until)
	}
	return err
}

// read reads one partition, once nobody else does.
func (s *session) read(ctx context.Context, a *assignment) error {
	if err := s.take(ctx, a); err != nil {
		close(a.stopped)
		return err
	}
	r := &reader{Source: s.Source, assignment: a, emitter: s.emit}
	if s.cfg.Group != "" {
		r.window = int64(s.cfg.Window)
	}
	return r.read(ctx)
}

// collect waits for the readers, or in a group until ctx ends. The error of one
// partition is kept while others are read; a fatal one ends all.
func (s *session) collect(ctx context.Context, cancel context.CancelFunc, errs <-chan error) error {
	var all []error
	for range s.assignments {
		select {
		case err := <-errs:
			var end fatal
			if errors.As(err, &end) {
				cancel()
				return end
			}
			if err != nil && ctx.Err() == nil {
				all = append(all, err)
				if s.cfg.Group != "" {
					cancel() // leave the partition to somebody else, and say so
				}
			}
		case <-ctx.Done():
			if s.cfg.Group == "" {
				s.readers.Wait()
			}
			return errors.Join(all...)
		}
	}
	return errors.Join(all...)
}

// commitLoop commits what is delivered until ctx ends. When the group does not
// know us any more, a commit got no answer, or nothing could be committed for
// long, it ends the session: reading on would only make more to read again.
func (s *session) commitLoop(ctx context.Context, end context.CancelFunc) {
	tick := time.NewTicker(s.cfg.timing.commit)
	defer tick.Stop()
	var failing time.Time
	for {
		due := s.due
		if !failing.IsZero() {
			due = nil // a refused commit is repeated by the clock
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-due:
		}
		err := s.commitOut(ctx)
		switch {
		case err == nil:
			failing = time.Time{}
			continue
		case ctx.Err() != nil:
			return
		case failing.IsZero():
			failing = time.Now()
		}
		if s.unsure || evicted(err) || time.Since(failing) > s.cfg.timing.session/2 {
			s.cfg.Log.Warn("commits are refused, joining the group anew", slog.String("error", err.Error()))
			end()
			return
		}
	}
}

// commitOut commits, and does not leave a request that is under way alone when
// ctx ends: the one of the drain would go another way, and could come before it.
func (s *session) commitOut(ctx context.Context) error {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(s.cfg.timing.drain/2, cancel) })()
	return s.commit(out)
}

// commit commits what is delivered and not committed. Behind a request without
// an answer it does nothing any more: that one may be carried out at any time
// while the generation lasts, and would take back what came after it.
func (s *session) commit(ctx context.Context) error {
	if s.unsure {
		return errNoAnswer{errors.New("a commit got no answer")}
	}
	at := map[partition]int64{}
	for _, a := range s.assignments {
		if offset, ok := a.toCommit(); ok {
			at[a.partition] = offset
		}
	}
	if len(at) == 0 {
		return nil
	}
	if err := s.broker.commit(ctx, s.cfg.Group, s.as, at); err != nil {
		s.counts.refused.Add(1)
		s.unsure = errors.As(err, new(errNoAnswer))
		return err
	}
	for _, a := range s.assignments {
		if offset, ok := at[a.partition]; ok {
			a.didCommit(offset)
		}
	}
	return nil
}

// drainStep is how often a drain looks whether everything is delivered.
const drainStep = 10 * time.Millisecond

// drain waits until what was read is delivered, for a while, and commits it. The
// group waits for us meanwhile, and takes commits of the generation that ends.
func (s *session) drain(until time.Time) {
	if s.gaveUp() || s.unsure {
		return
	}
	// The run's own context may have ended: that is when draining matters most.
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	for !s.drained() && sleep(ctx, drainStep) == nil {
	}
	for {
		err := s.commit(ctx)
		if err == nil || s.unsure || evicted(err) || ctx.Err() != nil {
			return
		}
		if sleep(ctx, s.cfg.timing.backoff) != nil {
			return
		}
	}
}

func (s *session) drained() bool {
	for _, a := range s.assignments {
		select {
		case <-a.stopped:
		default:
			return false // still in emit
		}
		if !a.drained() {
			return false
		}
	}
	return true
}

// newSession makes the assignments of partitions that begin at from.
func (r *run) newSession(ps []partition, from map[partition]int64, as member) *session {
	s := &session{run: r, as: as, due: make(chan struct{}, 1)}
	for _, p := range ps {
		stop := int64(-1)
		if r.ends != nil {
			stop = r.ends[p]
		}
		a := newAssignment(p, r.epochs.Add(1), from[p], stop)
		if r.cfg.Group != "" {
			a.early, a.due = max(int64(r.cfg.Window)/4, 1), s.due
		}
		s.assignments = append(s.assignments, a)
	}
	return s
}
