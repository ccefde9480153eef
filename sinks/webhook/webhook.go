// Package webhook tells a receiver of findings over HTTP.
//
// The promise: with a spool, a finding that Write returned nil for is on disk
// and reaches the receiver, however long it is away and however often this
// process is killed. Without one Write returns when the receiver has it. Equal
// leaks (rule, print and source) are one message with a count in a window. A
// message's id, webhook-id, stays the same over retries and restarts, and so
// does what is in it: a receiver that remembers ids sees each finding once.
// While the receiver is down it gets at most one request a second. Nothing of a
// log's text can act in a message: no markup, mention or link.
//
// The limits: delivery is at least once, one message at a time, without order
// between leaks. Repeats are told when the window ends; without a spool those
// not told yet go at Close. A receiver that answers with a code outside
// Config.Retry refuses a finding for good: with a spool it is put into
// refused.jsonl beside it, without one Write returns ErrRefused.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"sluice/internal/record"
)

// ErrRefused is what Write returns, without a spool, for a finding that the
// receiver will never take.
var ErrRefused = errors.New("the webhook's receiver refused a finding")

// ErrUnreachable is what Write returns when Config.Patience is over.
var ErrUnreachable = errors.New("the webhook's receiver did not take a finding in time")

// fullPoll is how often a full spool looks again by itself: a disk that was
// full gets room without a delivery.
const fullPoll = time.Second

// Sink sends findings. It is safe for concurrent use.
type Sink struct {
	cfg    Config
	out    *outbox
	client *client
	sender *sender
	flush  atomic.Uint32 // a flush
	stop   context.CancelFunc
	done   chan struct{} // closed when the sender has ended
}

// Stats is the state of a sink. Numbers of findings count each occurrence.
type Stats struct {
	Delivered, Refused, Dropped, Damaged int64
	Messages                             int64     // delivered
	Failed                               int64     // requests
	Waiting                              int64     // findings not delivered, repeats within a window included
	Bytes                                int64     // they take in the spool
	Oldest                               time.Time // since when the one that waits longest could have gone; zero: none
	Down                                 bool      // the breaker is open
	Full                                 bool      // no room for a finding: Write waits, or drops
}

// New checks everything that can be checked without a request, takes up what an
// earlier run left in the spool, and starts the delivery, which Close ends and
// waits for.
func New(cfg Config) (*Sink, error) {
	cfg.defaults()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	r, err := newRenderer(&cfg)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	if cfg.Batch <= 0 || cfg.Batch > r.spec.batch {
		cfg.Batch = r.spec.batch
	}
	s := &Sink{cfg: cfg, done: make(chan struct{})}
	r.cfg = &s.cfg
	if s.client, err = newClient(&s.cfg); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	s.out = newOutbox(&s.cfg)
	var l *letters
	if cfg.Spool != "" {
		if err := s.out.open(); err != nil {
			return nil, fmt.Errorf("webhook: %w", err)
		}
		l = newLetters(cfg.Spool, cfg.SpoolBytes/8)
	}
	s.sender = newSender(&s.cfg, s.out, s.client, r, l, func() flush { return flush(s.flush.Load()) })
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go func() {
		defer close(s.done)
		s.sender.run(ctx)
	}()
	return s, nil
}

// Write takes the findings of ds.
func (s *Sink) Write(ctx context.Context, ds []record.Delivery) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.cfg.Patience > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, s.cfg.Patience, ErrUnreachable)
		defer cancel()
		ctx = limited
	}
	leaks := group(ds, s.wanted, s.cfg.Now())
	var waits []*entry
	var end int64
	for _, l := range leaks {
		wait, at, err := s.take(ctx, l)
		if err != nil {
			return err
		}
		end = max(end, at)
		if wait != nil {
			waits = append(waits, wait)
		}
	}
	if s.out.file != nil {
		return s.out.file.Sync(end)
	}
	for _, e := range waits {
		select {
		case <-e.done:
			if e.err != nil {
				return fmt.Errorf("%w: %w", ErrRefused, e.err)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (s *Sink) wanted(f *record.Finding) bool {
	return f.Severity >= s.cfg.MinSeverity && (s.cfg.Known || !f.Known)
}

// take puts a leak into the outbox, waiting for room or dropping it as the
// policy says.
func (s *Sink) take(ctx context.Context, l leak) (wait *entry, end int64, err error) {
	for {
		wait, end, room, err := s.out.add(l)
		if !errors.Is(err, errNoRoom) {
			return wait, end, err
		}
		first := s.out.fullNow(s.cfg.Full == FullDrop, l.count)
		if first {
			s.cfg.Log.Error("the webhook's spool is full", "policy", string(s.cfg.Full), "error", err)
		}
		if s.cfg.Full == FullDrop {
			return nil, 0, nil
		}
		again := time.NewTimer(fullPoll)
		select {
		case <-room:
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return nil, 0, context.Cause(ctx)
		}
		again.Stop()
	}
}

// Stats is the state now.
func (s *Sink) Stats() Stats {
	n := s.out.snapshot()
	n.Down = s.sender.down()
	return n
}

// Close goes on delivering for as long as the grace period and ctx allow, then
// stops. What is in the spool stays there for the next run; without one, an
// error says how much was not told.
func (s *Sink) Close(ctx context.Context) error {
	how := flushDue
	if s.out.file == nil {
		how = flushAll
	}
	s.flush.Store(uint32(how))
	select {
	case s.out.kick <- struct{}{}:
	default:
	}
	grace := time.NewTimer(s.cfg.Grace)
	defer grace.Stop()
	select {
	case <-s.done:
	case <-grace.C:
	case <-ctx.Done():
	}
	s.stop()
	<-s.done
	s.client.close()
	return s.closeOutbox(s.out.snapshot().Waiting)
}

func (s *Sink) closeOutbox(waiting int64) error {
	if s.out.file != nil {
		if waiting > 0 {
			s.cfg.Log.Info("findings wait in the webhook's spool for the next run", "findings", waiting)
		}
		return s.out.file.Close()
	}
	if waiting > 0 {
		return fmt.Errorf("webhook: %d findings were not delivered: %w", waiting, context.DeadlineExceeded)
	}
	return nil
}

func (o *outbox) count(change func(*Stats)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(&o.stats)
}

// fullNow counts what is dropped, and says whether this is the first that
// found no room since there was some.
func (o *outbox) fullNow(dropped bool, n int64) (first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if dropped {
		o.stats.Dropped += n
	}
	first = !o.full
	o.full = true
	return first
}

func (o *outbox) snapshot() Stats {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.stats
	n.Bytes, n.Full = o.live, o.full
	for _, e := range o.entries {
		n.Waiting += e.count
	}
	n.Oldest = o.oldest(o.cfg.Now())
	return n
}

// oldest is since when something is due and not delivered.
func (o *outbox) oldest(now time.Time) time.Time {
	if len(o.sealed) > 0 {
		return o.sealed[0].at
	}
	if len(o.queue) > 0 && !o.queue[0].due.After(now) {
		return o.queue[0].due
	}
	return time.Time{}
}
