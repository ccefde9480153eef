package webhook

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/sony/gobreaker/v2"

	"sluice/internal/report"
)

const (
	// probeEvery is the least time between two requests when one failed: a
	// receiver that comes back must not meet a crowd.
	probeEvery = time.Second
	// slowest is the longest wait that is ours to choose, before jitter; the
	// time that a recovery may go unnoticed.
	slowest = 10 * time.Second
	// tripAfter failures in a row the receiver counts as down.
	tripAfter = 3
)

// errNotDown marks failures that say nothing about the receiver's health: it
// is there and asks to wait, or refuses this message.
var errNotDown = errors.New("the receiver is there")

type notDown struct{ error }

func (notDown) Is(target error) bool { return target == errNotDown }
func (e notDown) Unwrap() error      { return e.error }

// sender delivers what is in the outbox, one message at a time.
type sender struct {
	cfg     *Config
	out     *outbox
	client  *client
	render  *renderer
	letters *letters // nil: no spool
	breaker *gobreaker.CircuitBreaker[answer]
	back    *backoff.ExponentialBackOff
	how     func() flush
	lastErr error // of the request before
}

func newSender(cfg *Config, out *outbox, c *client, r *renderer, l *letters, how func() flush) *sender {
	s := &sender{cfg: cfg, out: out, client: c, render: r, letters: l, how: how,
		back: &backoff.ExponentialBackOff{InitialInterval: 1500 * time.Millisecond, RandomizationFactor: 0.5, Multiplier: 1.5, MaxInterval: slowest}}
	s.breaker = gobreaker.NewCircuitBreaker[answer](gobreaker.Settings{
		Timeout:     probeEvery - time.Millisecond, // it opens a little before the wait is over
		ReadyToTrip: func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= tripAfter },
		IsExcluded: func(err error) bool {
			return errors.Is(err, errNotDown) || errors.Is(err, context.Canceled)
		},
		OnStateChange: s.say,
	})
	return s
}

// say logs that the receiver went and came, and nothing in between: a log
// line for every try would fill the disk that the spool needs.
func (s *sender) say(_ string, from, to gobreaker.State) {
	switch {
	case from == gobreaker.StateClosed && to == gobreaker.StateOpen:
		s.cfg.Log.Warn("the webhook's receiver is down; findings wait for it", "error", s.lastErr)
	case to == gobreaker.StateClosed:
		s.cfg.Log.Info("the webhook's receiver is back")
	}
}

// run delivers until ctx ends, or until nothing is left once how says that
// nothing more will come.
func (s *sender) run(ctx context.Context) {
	for ctx.Err() == nil {
		how := s.how()
		m, end, wait, err := s.out.take(how)
		if err == nil && m != nil && s.out.file != nil {
			err = s.out.file.Sync(end) // its id must outlive us before anyone sees it
		}
		switch {
		case err != nil:
			s.cfg.Log.Error("the webhook's spool fails", "error", err)
			s.pause(ctx, slowest)
		case m != nil:
			s.deliver(ctx, m)
		case how != flushNone:
			return
		default:
			s.idle(ctx, wait)
		}
	}
}

// idle waits until something is due; below zero: until something comes.
func (s *sender) idle(ctx context.Context, wait time.Duration) {
	var due <-chan time.Time
	if wait >= 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		due = t.C
	}
	select {
	case <-due:
	case <-s.out.kick:
	case <-ctx.Done():
	}
}

// deliver sends a message until it is delivered, refused, or ctx ends.
func (s *sender) deliver(ctx context.Context, m *message) {
	for ctx.Err() == nil {
		a, err := s.attempt(ctx, m)
		var refusal *refusalError
		switch {
		case err == nil:
			s.back.Reset()
			s.out.delivered(m)
			s.pause(ctx, s.render.spec.pace)
			return
		case errors.As(err, &refusal):
			s.pause(ctx, probeEvery)
			if s.refuse(m, refusal) {
				return
			}
			a.after = slowest // the refused have no place to go
		}
		wait := max(s.back.NextBackOff(), probeEvery)
		if a.after > 0 {
			wait = max(a.after, probeEvery)
			wait += rand.N(min(wait/10, time.Second) + 1)
		}
		s.pause(ctx, wait)
	}
}

// refusalError says that the receiver will never take a message.
type refusalError struct {
	code int
	err  error
}

func (e *refusalError) Error() string { return e.err.Error() }
func (e *refusalError) Unwrap() error { return e.err }

// attempt makes one request, if the breaker lets it.
func (s *sender) attempt(ctx context.Context, m *message) (answer, error) {
	return s.breaker.Execute(func() (answer, error) {
		contentType, body, err := s.body(m)
		switch {
		case errors.Is(err, errNoSecret):
			return answer{}, err
		case err != nil:
			return answer{}, notDown{&refusalError{0, err}}
		}
		a, err := s.client.post(ctx, m.id, contentType, body)
		s.lastErr = err
		switch {
		case err == nil:
			return a, nil
		case ctx.Err() != nil:
			return a, context.Canceled
		}
		s.out.count(func(n *Stats) { n.Failed++ })
		switch {
		case a.code == 429, a.skewed && a.code != 0 && a.code < 500:
			return a, notDown{err}
		case a.code != 0 && !s.cfg.Retry.Has(a.code):
			return a, notDown{&refusalError{a.code, err}}
		}
		return a, err
	})
}

func (s *sender) body(m *message) (contentType string, body []byte, err error) {
	leaks, err := s.out.load(m)
	if err != nil {
		return "", nil, err
	}
	return s.render.render(m, leaks)
}

// refuse halves a message, so that one finding a receiver can't bear does not
// cost the others; a single one is put with the dead letters. false: it could
// not be.
func (s *sender) refuse(m *message, why *refusalError) bool {
	if len(m.entries) > 1 {
		end, err := s.out.split(m)
		if err == nil && s.out.file != nil {
			err = s.out.file.Sync(end)
		}
		if err != nil {
			s.cfg.Log.Error("the webhook's spool fails", "error", err)
		}
		return err == nil
	}
	if s.letters != nil {
		leaks, err := s.out.load(m)
		if err == nil {
			err = s.letters.add(m, why, leaks, s.cfg.Now())
		}
		if err != nil {
			s.cfg.Log.Error("a finding that the webhook's receiver refuses can't be put aside", "error", err)
			return false
		}
	}
	s.cfg.Log.Error("the webhook's receiver refuses a finding", "error", why, "put_aside", s.letters != nil)
	s.out.refused(m, why)
	return true
}

func (s *sender) pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// down says whether the receiver counts as down.
func (s *sender) down() bool { return s.breaker.State() != gobreaker.StateClosed }

// reason is an error as a refusal is stored.
func (e *refusalError) reason() string { return report.Clip(report.Visible(e.Error()), maxErrorLen) }
