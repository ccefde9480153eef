package gateway

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// DefaultInterval is how often a Store reads the keys anew. LiteLLM itself
// takes up to 60 s to see a revoked key everywhere.
const DefaultInterval = time.Minute

// Fetcher reads the keys of one gateway; *Client is one.
type Fetcher interface {
	Base() string
	Fetch(ctx context.Context) (*Snapshot, error)
}

// StoreConfig says what a Store reads and how often.
type StoreConfig struct {
	Gateways []Fetcher
	Fixed    []*Snapshot     // always part of the whole: a file, the master key
	Interval time.Duration   // between refreshes; 0: DefaultInterval
	OnSwap   func(*Snapshot) // called after each refresh that brought something, from one goroutine at a time; may be nil
}

// Store holds the newest snapshot. Keys once seen stay known as deleted while
// the Store lives; a gateway that cannot be read keeps what it last gave.
type Store struct {
	cfg     StoreConfig
	current atomic.Pointer[Snapshot]

	refresh sync.Mutex // one refresh at a time; guards parts
	parts   []*Snapshot

	mu    sync.Mutex // guards state
	state []GatewayHealth
}

// GatewayHealth is how the reading of one gateway stands.
type GatewayHealth struct {
	Gateway string
	Success time.Time // when the last good reading began; zero: never
	Err     error     // of the last reading; nil: it was good
}

// NewStore makes a store that knows the fixed snapshots. It reads nothing yet.
func NewStore(cfg StoreConfig) *Store {
	if cfg.Interval <= 0 {
		cfg.Interval = DefaultInterval
	}
	s := &Store{cfg: cfg, parts: make([]*Snapshot, len(cfg.Gateways)), state: make([]GatewayHealth, len(cfg.Gateways))}
	for i, g := range cfg.Gateways {
		s.state[i].Gateway = g.Base()
	}
	s.current.Store(Merge(time.Now(), cfg.Fixed...))
	return s
}

// Snapshot is the newest one, never nil.
func (s *Store) Snapshot() *Snapshot { return s.current.Load() }

// Health is how each gateway stands, in the order they were given.
func (s *Store) Health() []GatewayHealth {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]GatewayHealth(nil), s.state...)
}

// Age is how long ago the stalest gateway was read. false: one never was. A
// store without gateways is never stale.
func (s *Store) Age(now time.Time) (time.Duration, bool) {
	oldest := time.Duration(0)
	for _, g := range s.Health() {
		if g.Success.IsZero() {
			return 0, false
		}
		oldest = max(oldest, now.Sub(g.Success))
	}
	return oldest, true
}

// Refresh reads every gateway once and swaps the snapshot. Gateways that failed
// keep their part, and their errors are returned joined.
func (s *Store) Refresh(ctx context.Context) error {
	s.refresh.Lock()
	defer s.refresh.Unlock()
	errs := make([]error, len(s.cfg.Gateways))
	fresh := make([]*Snapshot, len(s.cfg.Gateways))
	var wg sync.WaitGroup
	for i, g := range s.cfg.Gateways {
		wg.Go(func() { fresh[i], errs[i] = g.Fetch(ctx) })
	}
	wg.Wait()
	swapped := s.note(fresh, errs)
	// Expiry moves on without a gateway, so the whole is made anew in any case.
	s.current.Store(Merge(time.Now(), append(append([]*Snapshot(nil), s.cfg.Fixed...), s.parts...)...))
	if swapped && s.cfg.OnSwap != nil {
		s.cfg.OnSwap(s.Snapshot())
	}
	return errors.Join(errs...)
}

func (s *Store) note(fresh []*Snapshot, errs []error) (swapped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, err := range errs {
		s.state[i].Err = err
		if err == nil {
			s.state[i].Success = fresh[i].Taken()
			s.parts[i] = fresh[i].Accumulate(s.parts[i])
			swapped = true
		}
	}
	return swapped
}

// Run refreshes until ctx ends: at once, then at the interval with a tenth of
// jitter, so that many readers do not ask together, and after a failure sooner,
// with growing pauses up to the interval. Failures are seen in Health.
func (s *Store) Run(ctx context.Context) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = min(time.Second, s.cfg.Interval)
	pauses.MaxInterval = s.cfg.Interval
	for {
		pause := s.cfg.Interval + time.Duration((rand.Float64()-0.5)*0.2*float64(s.cfg.Interval))
		if s.Refresh(ctx) != nil {
			pause = min(pauses.NextBackOff(), s.cfg.Interval) // its jitter goes above its maximum
		} else {
			pauses.Reset()
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
	}
}
