package docker

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
	"time"
)

const (
	// openIn is how long a daemon may take to answer a follow request before it
	// is taken for open: some send the header with the first message only.
	openIn = time.Second
	// settleIn is how long a doubt waits for the message that settles it.
	settleIn = 50 * time.Millisecond
	// holdFor is how long the beginning of a line waits for its end.
	holdFor = time.Second
	// quietBusy and quietIdle are the silence after which a follow connection is
	// checked; each check that finds nothing doubles it, up to quietMost.
	// Daemons before 23 leave a follower hanging at a rotation without a word,
	// and what their files hold may be a second of log.
	quietBusy = 200 * time.Millisecond
	quietIdle = 2 * time.Second
	quietMost = 30 * time.Second
	// busyRate is the messages per second that make a container busy.
	busyRate = 50
	// mostLag is how much longer a message may take to us than the quickest of
	// its connection: a daemon that is further behind may skip a file.
	mostLag = 250 * time.Millisecond
	// ringIn is how long a follow connection may take to bring what a check has
	// found before it counts as dead.
	ringIn = 250 * time.Millisecond
)

// errUntrusted ends a follow connection that may have skipped something.
var errUntrusted = errors.New("the follow connection is not believed")

// live is a container that is followed.
type live struct {
	*reader
	feed *feed
	seed maphash.Seed

	doubted bool      // a request in the file's order has to decide
	settle  time.Time // when a doubt is settled without another message; zero: no message came
	last    time.Time // of the last message's arrival
	held    time.Time // when the open line began to wait; zero: none waits
	quiet   time.Duration
	check   time.Time // when the next check is due
	found   bool      // the last check found what the connection did not bring

	second time.Time // begin of the second that is counted
	count  int
	before int           // of the second before it
	lag    time.Duration // smallest of the connection
}

// live follows a running container until its connection ends or is not
// believed. nil: begin again at once.
func (r *reader) live(ctx context.Context) error {
	r.blocked, r.ended = false, false
	l := &live{reader: r, feed: r.openFeed(ctx), seed: maphash.MakeSeed(), doubted: true, quiet: quietIdle, lag: 1 << 62}
	defer l.feed.close()
	for i := range r.cursors {
		r.cursors[i].connect()
	}
	if err := l.join(ctx); err != nil {
		return l.outcome(err)
	}
	return l.outcome(l.run(ctx))
}

// outcome is what the end of a connection means for the next cycle.
func (l *live) outcome(err error) error {
	switch {
	case errors.Is(err, errUntrusted), errors.Is(err, io.EOF):
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF) && !l.last.IsZero():
		return nil // it was good for something: no reason to wait
	}
	return err
}

// join reads what came between the last request and the connection. If that took
// long, the daemon was left with what it had to send.
func (l *live) join(ctx context.Context) error {
	wait := time.NewTimer(openIn)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-l.feed.opened:
	case <-wait.C:
	}
	began := time.Now()
	if _, err := l.sync(ctx); err != nil {
		return err
	}
	if time.Since(began) > l.wait {
		l.wait = min(2*l.wait, lastWait)
		return errUntrusted
	}
	l.wait = max(l.wait/2, firstWait)
	return nil
}

func (l *live) run(ctx context.Context) error {
	l.last = time.Now()
	l.plan(l.last)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if l.blocked {
			return errUntrusted
		}
		timer.Reset(time.Until(l.next()))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c, ok := <-l.feed.chunks:
			if !ok {
				return l.feed.err
			}
			if err := l.takeChunk(ctx, c); err != nil {
				return err
			}
		case <-l.poke:
			if d, err := l.inspect(ctx); err != nil {
				return err
			} else if !d.running {
				return io.EOF // what it printed last is in its log
			}
		case <-timer.C:
			if err := l.tick(ctx); err != nil {
				return err
			}
		}
	}
}

// takeChunk judges what came.
func (l *live) takeChunk(ctx context.Context, c chunk) error {
	now := time.Now()
	for _, m := range c {
		if err := l.takeOne(ctx, m, now); err != nil {
			return err
		}
	}
	if err := l.flush(); err != nil {
		return err
	}
	l.heard(now, len(c))
	return nil
}

func (l *live) takeOne(ctx context.Context, m message, now time.Time) error {
	switch v := l.cursors[m.side].judge(m.stamp, maphash.Bytes(l.seed, m.text)); {
	case v == fresh && !l.doubted && !l.jumps(m.stamp):
		if l.lags(now, m.stamp) {
			return errUntrusted
		}
		return l.take(m)
	case v == fresh:
		l.near = !l.doubted
		err := l.decide(ctx)
		if l.near = false; err != nil {
			return err
		}
		if m.stamp > l.cursors[m.side].stamp { // the files do not have it yet
			return l.take(m)
		}
	case v == doubt:
		l.doubted = true
		fallthrough
	default:
		l.src.stats.Again.Add(1)
		if l.doubted && l.settle.IsZero() {
			l.settle = now.Add(settleIn)
		}
	}
	return nil
}

// decide settles a doubt by a request in the file's order.
func (l *live) decide(ctx context.Context) error {
	l.doubted, l.settle = false, time.Time{}
	_, err := l.sync(ctx)
	return err
}

// lags says whether a message took too long; clocks may differ, so only the
// difference to the quickest counts.
func (l *live) lags(now time.Time, stamp int64) bool {
	took := now.Sub(time.Unix(0, stamp))
	l.lag = min(l.lag, took)
	return took-l.lag > mostLag
}

// jumps says whether a file of the log may have been written and rotated away
// between the last message and one with this stamp: a daemon's follower that
// sleeps through two rotations skips what lay between, and says nothing.
func (l *live) jumps(stamp int64) bool {
	least, last := jumpOf(l.size), l.highest()
	return least > 0 && last > 0 && (l.size < smallFile || l.busy()) && stamp-last >= int64(least)
}

// heard plans the next check behind n messages.
func (l *live) heard(now time.Time, n int) {
	if now.Sub(l.second) >= time.Second {
		l.before = 0
		if now.Sub(l.second) < 2*time.Second {
			l.before = l.count
		}
		l.second, l.count = now, 0
	}
	l.count += n
	l.quiet = quietIdle
	if l.busy() {
		l.quiet = quietBusy
	}
	l.last, l.found = now, false
	l.plan(now)
}

// busy says that the container prints much: a second has just begun as often as
// not.
func (l *live) busy() bool { return max(l.count, l.before) >= busyRate }

// plan sets the times of the next check and of giving up an open line.
func (l *live) plan(now time.Time) {
	l.check = now.Add(l.quiet)
	l.held = time.Time{}
	for i := range l.lines {
		if len(l.lines[i].open) > 0 {
			l.held = now
		}
	}
}

// next is when tick has something to do.
func (l *live) next() time.Time {
	at := l.check
	if !l.held.IsZero() && l.held.Add(holdFor).Before(at) {
		at = l.held.Add(holdFor)
	}
	if !l.settle.IsZero() && l.settle.Before(at) {
		at = l.settle
	}
	return at
}

func (l *live) tick(ctx context.Context) error {
	now := time.Now()
	if !l.settle.IsZero() && !now.Before(l.settle) {
		if err := l.decide(ctx); err != nil {
			return err
		}
	}
	if !l.held.IsZero() && !now.Before(l.held.Add(holdFor)) {
		l.held = time.Time{}
		if err := l.release(); err != nil {
			return err
		}
	}
	if now.Before(l.check) {
		return nil
	}
	return l.inspectFeed(ctx)
}

// inspectFeed asks the files whether the connection is silent because the
// container is.
func (l *live) inspectFeed(ctx context.Context) error {
	if l.found {
		l.src.stats.Stalls.Add(1)
		return errUntrusted
	}
	n, err := l.sync(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	if l.found = n > 0; l.found {
		l.plan(now)
		l.check = now.Add(ringIn)
		return nil
	}
	l.quiet = min(2*l.quiet, quietMost)
	l.check = now.Add(l.quiet)
	return nil
}
