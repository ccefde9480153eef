package file

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sluice/internal/record"
)

const (
	// A log that was just written to is looked at again after fastest; while it
	// is quiet the interval doubles up to slowest.
	fastest = 5 * time.Millisecond
	slowest = 250 * time.Millisecond
	maxSlow = 5 * time.Second // with so many logs that looking costs too much
	// atOnce is how many batches of a log are read before others have their turn.
	atOnce = 64
	// dropAfter is how long a log that is gone is looked for.
	dropAfter = 10 * time.Minute
	// closeAfter is how long a log is quiet before its descriptor may be let go.
	closeAfter = time.Second
)

// holder is the chain that has a file open, so many times.
type holder struct {
	chain *chain
	times int
}

// follower follows what the paths of a Config name. Locks are taken in the
// order mu, chain.mu, heldMu.
type follower struct {
	cfg   Config
	stats Stats
	now   func() time.Time
	dirty atomic.Bool // the State has changed

	mu      sync.Mutex
	chains  map[string]*chain // by clean path
	order   []*chain
	found   map[string]bool // clean paths that the user's match
	marks   map[string]record.Mark
	saved   map[string]savedStream
	encoded json.RawMessage

	heldMu sync.Mutex
	held   map[fileID]holder
	lists  map[string]*listing

	troubleMu sync.Mutex
	failing   []string

	// of the goroutine of run
	first      bool // nothing was discovered yet, and there is no state
	discovered time.Time
	others     map[string]fileKey // files that are no logs of their own
	specials   []string           // devices and pipes, read once
	waker      waker
}

func newFollower(cfg Config) *follower {
	if cfg.MaxOpen <= 0 {
		cfg.MaxOpen = DefaultOpen
	}
	f := &follower{
		cfg: cfg, now: time.Now, chains: map[string]*chain{}, held: map[fileID]holder{},
		lists: map[string]*listing{}, others: map[string]fileKey{},
	}
	f.waker.f = f
	f.load()
	f.first = len(cfg.Marks) == 0 && len(cfg.State) == 0
	return f
}

// turn is what a chain's reading came to.
type turn struct {
	chain  *chain
	read   bool
	moving bool // it was rotated just now, or is about to be left
	more   bool
	err    error
}

// run follows until ctx ends.
func (f *follower) run(parent context.Context, emit func(record.Batch) error) error {
	if err := parent.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	defer f.closeAll()
	var readers sync.WaitGroup
	f.waker.start(ctx, &readers)
	if err := f.discover(ctx); err != nil {
		cancel(err)
		readers.Wait()
		return err
	}
	work, done := make(chan *chain), make(chan turn)
	for range max(2, f.cfg.Jobs) {
		readers.Go(func() {
			for c := range work {
				t := f.drain(ctx, c, emit)
				select {
				case done <- t:
				case <-ctx.Done():
				}
			}
		})
	}
	readers.Go(func() {
		if err := f.readSpecials(ctx, emit); err != nil {
			cancel(err)
		}
	})
	err := f.loop(ctx, work, done)
	cancel(err)
	close(work)
	readers.Wait()
	return ended(parent, ctx)
}

// loop looks at the logs and hands those that have something to the readers.
func (f *follower) loop(ctx context.Context, work chan<- *chain, done <-chan turn) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	pace := pace{discovery: f.now().Add(minDiscovery), slowest: slowest}
	f.waker.discovered()
	var ready []*chain
	for {
		var to chan<- *chain
		var first *chain
		if len(ready) > 0 {
			to, first = work, ready[0]
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case to <- first:
			ready = ready[1:]
		case t := <-done:
			if t.err != nil {
				return t.err
			}
			f.took(t, &pace)
			if t.more {
				t.chain.scheduled = true
				ready = append(ready, t.chain)
			} else {
				timer.Reset(min(pace.left(f.now()), t.chain.wait))
			}
		case events := <-f.waker.events:
			f.waker.took(events, &pace)
			timer.Reset(0)
		case <-timer.C:
			more, err := f.looks(ctx, &pace)
			if err != nil {
				return err
			}
			ready = append(ready, more...)
			timer.Reset(pace.left(f.now()))
		}
	}
}

// pace is when to look next.
type pace struct {
	next       time.Time
	discovery  time.Time
	discovered time.Time     // when that ended last
	costly     time.Duration // what has to lie between two of them
	slowest    time.Duration
}

// slow is how long a quiet log may go unlooked at.
func (p *pace) slow(c *chain) time.Duration {
	if c.asked && c.heard {
		return max(p.slowest, reminded)
	}
	return p.slowest
}

func (p *pace) left(now time.Time) time.Duration { return max(0, min(p.next.Sub(now), slowest)) }

// took decides when a chain is looked at again.
func (f *follower) took(t turn, p *pace) {
	c := t.chain
	c.scheduled = false
	if t.read || t.moving {
		c.wait = fastest
	} else {
		c.wait = min(2*c.wait, p.slow(c))
	}
	c.next = f.now().Add(c.wait)
}

// looks looks at the chains that are due, and for new ones.
func (f *follower) looks(ctx context.Context, p *pace) (ready []*chain, err error) {
	now := f.now()
	if !now.Before(p.discovery) || p.discovery.Sub(now) > 2*maxDiscovery {
		if err := f.discover(ctx); err != nil {
			return nil, err
		}
		f.dropGone()
		f.countBehind()
		f.waker.discovered()
		p.discovered = f.now()
		p.costly = min(max(newNames, costFactor*p.discovered.Sub(now)), maxDiscovery)
		p.discovery = p.discovered.Add(max(minDiscovery, p.costly))
	}
	began, looked := f.now(), 0
	p.next = began.Add(p.slowest)
	for _, c := range f.order {
		if c.scheduled { // its reader may wait for the sink; what is new is opened all the same
			if !c.next.After(began) {
				c.look()
				c.tellGaps()
				c.next = began.Add(fastest)
			}
			if c.next.Before(p.next) {
				p.next = c.next
			}
			continue
		}
		if c.next.After(began.Add(maxSlow)) {
			c.next = began // the clock was set back
		}
		if !c.next.After(began.Add(c.wait / 4)) { // quiet ones together: each time the process wakes costs more than a look
			looked++
			if f.glance(c, p) {
				c.scheduled = true
				ready = append(ready, c)
				continue
			}
		}
		if c.next.Before(p.next) {
			p.next = c.next
		}
	}
	if took := f.now().Sub(began); looked > 0 {
		round := took / time.Duration(looked) * time.Duration(len(f.order))
		p.slowest = min(max(slowest, costFactor/2*round), maxSlow)
	}
	return ready, nil
}

// glance looks at one chain.
func (f *follower) glance(c *chain, p *pace) (ready bool) {
	untold := c.asked
	if c.wait >= restAfter {
		f.waker.rest(c)
	}
	ready = c.look()
	if !ready && c.heard && !c.asked { // it tells of a next line, so there is no need to look for one
		f.waker.rest(c)
		ready = c.look()
		c.wait = slowest
	}
	if ready {
		c.heard = c.heard && !untold // nor may it be next time
	} else {
		c.wait = min(2*c.wait, p.slow(c))
		c.next = f.now().Add(c.wait)
		if c.wait > closeAfter || f.stats.Open.Load() > int64(f.cfg.MaxOpen) {
			c.close()
		}
	}
	c.tellGaps()
	return ready
}

// drain reads a chain until there is nothing more, or others want to.
func (f *follower) drain(ctx context.Context, c *chain, emit func(record.Batch) error) turn {
	t := turn{chain: c}
	for range atOnce {
		b, ok, err := c.step(ctx)
		c.tellGaps()
		if err != nil || !ok {
			t.err, t.moving = err, c.moving()
			return t
		}
		t.read = true
		if err := emit(b); err != nil {
			t.err = err
			return t
		}
	}
	t.more = true
	return t
}

// moving says that the log is between two generations and not for long: the next
// may be rotated as soon as this one was.
func (c *chain) moving() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue) > 1 && c.f.now().Sub(c.queue[0].since) < 5*grace
}

// dropGone forgets logs that are gone, of those that the user did not name.
func (f *follower) dropGone() {
	now := f.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.order = slices.DeleteFunc(f.order, func(c *chain) bool {
		if c.named || c.scheduled {
			return false
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.queue) > 0 || f.found[filepath.Clean(c.path)] {
			c.quiet = now
			return false
		}
		if now.Sub(c.quiet) < dropAfter || c.delivered < c.emitted {
			return false
		}
		c.dropped = true
		delete(f.chains, filepath.Clean(c.path))
		f.remember(c, now)
		f.stats.Files.Add(-1)
		f.dirty.Store(true)
		return true
	})
	f.forget(now)
}

// close lets go of the descriptor of a quiet log, where there are too many.
func (c *chain) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.f.stats.Open.Load() <= int64(c.f.cfg.MaxOpen) || len(c.queue) != 1 {
		return
	}
	if g := c.queue[0]; g.live && g.file != nil && g.packed == nil && !g.cut && g.off == g.seen {
		g.close()
	}
}

func (f *follower) closeAll() {
	for _, c := range f.all() {
		c.mu.Lock()
		for _, g := range c.queue {
			g.close()
		}
		c.mu.Unlock()
	}
}

// special notes a device or a pipe that the user named.
func (f *follower) special(path string) {
	if f.first || f.discovered.IsZero() {
		f.specials = append(f.specials, path)
	}
}

// readSpecials reads devices and pipes, each once.
func (f *follower) readSpecials(ctx context.Context, emit func(record.Batch) error) error {
	if len(f.specials) == 0 {
		return nil
	}
	s := New(Config{Paths: f.specials, Jobs: len(f.specials), Archive: f.cfg.Archive, Log: f.cfg.Log})
	var fatal error
	err := s.Run(ctx, func(b record.Batch) error {
		fatal = emit(b)
		return fatal
	})
	if fatal != nil || ctx.Err() != nil {
		return errors.Join(fatal, ctx.Err())
	}
	if err != nil {
		f.troubleMu.Lock()
		defer f.troubleMu.Unlock()
		f.failing = append(f.failing, err.Error())
	}
	return nil
}
