package gateway

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"sluice/internal/record"
)

// The defaults of a Resolver.
const (
	resolveQueue    = 1024             // hashes waiting, 32 bytes each
	resolveAnswers  = 1 << 16          // answers remembered
	resolveForget   = 10 * time.Minute // how long "no such key" is believed: the key may be made later
	resolveInterval = 100 * time.Millisecond
	resolveBurst    = 20
	resolveMaxPause = time.Minute // after failures
)

// Asker answers for one hash; *Client is one.
type Asker interface {
	KeyInfo(ctx context.Context, hash [32]byte) (*record.KeyInfo, bool, error)
}

// ResolverConfig says whom a Resolver asks and whom it tells.
type ResolverConfig struct {
	Gateways []Asker
	// OnAnswer is told of every key found for an Ask, from the goroutine of
	// Run. It may be nil.
	OnAnswer func(hash [32]byte, info *record.KeyInfo)
}

// Resolver asks gateways about hashes that no snapshot knew: keys made since
// the last refresh, and keys that /key/list leaves out. It sends the hash,
// never what was hashed. An answer is remembered, so a log full of one unknown
// key costs one request.
type Resolver struct {
	cfg     ResolverConfig
	queue   chan [32]byte // Ask and Run send, Run receives; never closed
	dropped atomic.Int64

	mu      sync.Mutex
	answers map[[32]byte]answer
	waiting map[[32]byte]bool // in the queue
	tokens  float64           // requests that may go out at once
	filled  time.Time         // when tokens was counted
}

// answer is what a gateway said of a hash; a nil info is "no such key".
type answer struct {
	info  *record.KeyInfo
	until time.Time
}

// NewResolver makes a resolver. It starts nothing: see Run and Resolve.
func NewResolver(cfg ResolverConfig) *Resolver {
	return &Resolver{
		cfg: cfg, queue: make(chan [32]byte, resolveQueue),
		answers: make(map[[32]byte]answer), waiting: make(map[[32]byte]bool),
		tokens: resolveBurst, filled: time.Now(),
	}
}

// Ask wants to know about a hash; Run tells OnAnswer if it is a key: once for
// all questions that came before the answer, again for later ones, which cost no
// request. Ask never waits: false means that the queue is full and the question
// was dropped.
func (r *Resolver) Ask(hash [32]byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a, ok := r.answers[hash]; r.waiting[hash] || ok && a.info == nil && time.Now().Before(a.until) {
		return true
	}
	return r.enqueue(hash)
}

// enqueue wants r.mu held.
func (r *Resolver) enqueue(hash [32]byte) bool {
	select {
	case r.queue <- hash:
		r.waiting[hash] = true
		return true
	default:
		r.dropped.Add(1)
		return false
	}
}

// Dropped counts the questions that found the queue full.
func (r *Resolver) Dropped() int64 { return r.dropped.Load() }

// Run works through the questions until ctx ends. While the gateways fail it
// pauses for longer and longer, and a question is asked again.
func (r *Resolver) Run(ctx context.Context) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = time.Second, resolveMaxPause
	for {
		var hash [32]byte
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case hash = <-r.queue:
		}
		info, found, err := r.Resolve(ctx, hash)
		r.mu.Lock()
		delete(r.waiting, hash)
		if err != nil && ctx.Err() == nil {
			r.enqueue(hash)
		}
		r.mu.Unlock()
		switch {
		case err != nil:
			if err := pause(ctx, pauses.NextBackOff()); err != nil {
				return err
			}
		case found && r.cfg.OnAnswer != nil:
			r.cfg.OnAnswer(hash, info)
			fallthrough
		default:
			pauses.Reset()
		}
	}
}

// Resolve asks now, within the rate, and waits for the answer. ctx is the
// budget of the whole job. false without an error: no gateway knows the hash.
func (r *Resolver) Resolve(ctx context.Context, hash [32]byte) (*record.KeyInfo, bool, error) {
	if info, ok := r.remembered(hash); ok {
		return info, info != nil, nil
	}
	var errs []error
	for _, g := range r.cfg.Gateways {
		if err := r.wait(ctx); err != nil {
			return nil, false, err
		}
		info, found, err := g.KeyInfo(ctx, hash)
		if found {
			r.remember(hash, info)
			return info, true, nil
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return nil, false, errors.Join(errs...)
	}
	r.remember(hash, nil)
	return nil, false, nil
}

func (r *Resolver) remembered(hash [32]byte) (*record.KeyInfo, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, ok := r.answers[hash]
	if !ok || !time.Now().Before(a.until) {
		return nil, false
	}
	return a.info, true
}

func (r *Resolver) remember(hash [32]byte, info *record.KeyInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if len(r.answers) >= resolveAnswers {
		for h, a := range r.answers {
			if !now.Before(a.until) {
				delete(r.answers, h)
			}
		}
		if len(r.answers) >= resolveAnswers { // a flood: asking again is cheaper than remembering
			clear(r.answers)
		}
	}
	r.answers[hash] = answer{info: info, until: now.Add(resolveForget)}
}

// wait takes one request from the rate, or waits for it.
func (r *Resolver) wait(ctx context.Context) error {
	r.mu.Lock()
	now := time.Now()
	r.tokens = min(resolveBurst, r.tokens+float64(now.Sub(r.filled))/float64(resolveInterval))
	r.filled = now
	r.tokens-- // may go below zero: that much is the wait
	delay := time.Duration(max(0, -r.tokens) * float64(resolveInterval))
	r.mu.Unlock()
	return pause(ctx, delay)
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
