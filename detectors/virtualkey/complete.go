package virtualkey

import (
	"bytes"
	"context"
	"crypto/sha256"
	"hash/maphash"
	"sync/atomic"
	"time"

	"sluice/internal/record"
)

const (
	// DefaultBudget is how many completions of one fragment are hashed: about
	// a second of two cores. One character is missing between head and masked
	// name when a script prints key[:20]: 64 hashes a live key.
	DefaultBudget = 1 << 24
	// Fragments are written by whoever sends a prompt, so all of them together
	// may take a burst, refilled so that it costs a fifth of a core.
	defaultBurst     = 8 * DefaultBudget
	defaultPerSecond = 1 << 21
	// maxTried bounds the memory of fragments tried: about 200 KiB.
	maxTried = 4096
	// chunk is how many completions a worker takes at a time: a fraction of a
	// millisecond between two looks at the context.
	chunk = 4096
)

// CompleterOptions bound the work of a Completer, in hashes. Zero is the default.
type CompleterOptions struct {
	Budget    int64 // a fragment; more completions than that are not tried at all
	Burst     int64 // all fragments at once
	PerSecond int64 // refill of the burst
}

// Completer finds the live key that a cut key is a part of, by hashing every
// key of the default form that has its head, its tail and the masked name of a
// live key. It remembers keyed hashes of fragments, never fragments. It is safe
// for concurrent use and works on one fragment at a time, on every core.
type Completer struct {
	options CompleterOptions
	busy    chan struct{} // holds one token while a fragment is worked on; owns the rest
	seed    maphash.Seed
	of      *Detector // tried belongs to it
	tried   map[uint64]completion
	left    float64 // of the burst
	at      time.Time
	skipped atomic.Int64
}

// completion is what became of a fragment.
type completion struct {
	ok   bool
	hash [sha256.Size]byte
	bits int
}

// NewCompleter makes a completer with its whole burst.
func NewCompleter(o CompleterOptions) *Completer {
	if o.Budget <= 0 {
		o.Budget = DefaultBudget
	}
	if o.Burst <= 0 {
		o.Burst = max(defaultBurst, o.Budget)
	}
	if o.PerSecond <= 0 {
		o.PerSecond = defaultPerSecond
	}
	return &Completer{
		options: o, busy: make(chan struct{}, 1), seed: maphash.MakeSeed(),
		left: float64(o.Burst), at: time.Now(),
	}
}

// Skipped counts the fragments that were not tried, or not to the end: too many
// completions, no burst left, or the context ended.
func (c *Completer) Skipped() int64 { return c.skipped.Load() }

// Complete looks for the key of d's snapshot that the match is a part of. If
// there is one it sets Hash, BitsLeft (what the masked name leaves open too)
// and Severity, and returns true. It reads m.Secret and keeps nothing of it.
func (c *Completer) Complete(ctx context.Context, m *record.Match, d *Detector) bool {
	head, tail, ok := fragment(m)
	if !ok {
		return false
	}
	select {
	case c.busy <- struct{}{}:
		defer func() { <-c.busy }()
	case <-ctx.Done():
		c.skipped.Add(1)
		return false
	}
	result := c.complete(ctx, head, tail, d)
	if result.ok {
		m.Hash, m.BitsLeft, m.Severity = result.hash, result.bits, severityOf(result.bits)
	}
	return result.ok
}

// fragment takes a match of RulePartial apart.
func fragment(m *record.Match) (head, tail []byte, ok bool) {
	if m.Rule != RulePartial || !bytes.HasPrefix(m.Secret, []byte(DefaultPrefix)) {
		return nil, nil, false
	}
	rest := m.Secret[len(DefaultPrefix):]
	head = rest[:run(rest, 0, len(rest), keyByte)]
	if shown := m.Shown - len(head); shown > 0 && shown <= len(rest)-len(head) {
		tail = rest[len(rest)-shown:]
	}
	return head, tail, len(head)+len(tail) < formLen
}

// complete answers from memory or by work. The caller holds busy.
func (c *Completer) complete(ctx context.Context, head, tail []byte, d *Detector) completion {
	if c.of != d || len(c.tried) >= maxTried {
		c.of, c.tried = d, make(map[uint64]completion)
	}
	id := c.id(head, tail)
	if result, known := c.tried[id]; known {
		return result
	}
	plans, total, all := newPlans(head, tail, d, c.options.Budget)
	if !c.take(total) {
		c.skipped.Add(1)
		return completion{}
	}
	var result completion
	for _, p := range plans {
		if result = p.run(ctx, d.keys); result.ok {
			break
		}
	}
	if !result.ok && ctx.Err() != nil {
		c.skipped.Add(1)
		return result
	}
	if !result.ok && !all {
		c.skipped.Add(1)
	}
	c.tried[id] = result
	return result
}

// id stands for a fragment in memory.
func (c *Completer) id(head, tail []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(c.seed)
	_, _ = h.Write(head)
	_ = h.WriteByte(0)
	_, _ = h.Write(tail)
	return h.Sum64()
}

// take gets n hashes of the burst.
func (c *Completer) take(n int64) bool {
	now := time.Now()
	c.left += now.Sub(c.at).Seconds() * float64(c.options.PerSecond)
	c.left, c.at = min(c.left, float64(c.options.Burst)), now
	if c.left < float64(n) {
		return false
	}
	c.left -= float64(n)
	return true
}
