package docker

import (
	"context"
	"errors"
	"io"
	"time"
)

const (
	// probe is how many messages from the end are asked for where little can be
	// new: a daemon finds them without reading its files from the beginning.
	probe = 1000
	// nearProbe is asked for first where nothing new is most likely.
	nearProbe = 64
	// slack is asked for before the last stamp, and drops out again by counting:
	// stamps of the two streams can be in another order than the file, and a
	// clock can be set back by less than can be told from the Date header.
	slack = 2 * time.Second
	// answerIn is how long a daemon may take to answer or to go on in the middle
	// of a request that it could end at once.
	answerIn = 30 * time.Second
	// wholeEvery is how often whole logs are read again while a clock that was
	// set back has not caught up.
	wholeEvery = time.Second
	// linger is how long lines that are read in a run wait for more of their
	// batch: a daemon sends them one by one, faster than batches are worth it.
	linger = 20 * time.Millisecond
)

// errShort says that a request for the last messages began behind the cursor.
var errShort = errors.New("too few messages were asked for")

// catchUp reads what is new in the daemon's files, to their end, and returns how many
// messages that were.
func (r *reader) catchUp(ctx context.Context) (n int, err error) {
	if r.tail >= 0 {
		return r.firstTail(ctx)
	}
	return r.sync(ctx)
}

// sync reads what is new and returns how many messages that were. The last
// messages suffice if the cursor lies among them.
func (r *reader) sync(ctx context.Context) (n int, err error) {
	ask := func(since time.Time, tail int) {
		var more int
		more, err = r.read(ctx, since, tail)
		n += more
	}
	since, tail := r.since(), -1
	if r.placed && !since.IsZero() {
		tail = probe
		if r.near {
			ask(since, nearProbe)
		}
	}
	if !r.near || tail < 0 || errors.Is(err, errShort) {
		ask(since, tail)
	}
	if errors.Is(err, errShort) && !since.IsZero() {
		ask(since, -1)
	}
	if errors.Is(err, errShort) { // the daemon's clock is behind the cursor
		if err := r.pace(ctx); err != nil {
			return n, err
		}
		ask(time.Time{}, -1)
	}
	// A daemon can fail on the way from the end and not on that from the
	// beginning, and where it reads what it is just writing.
	for try := 1; errors.Is(err, daemonError{}) && try < tries && r.damaged < 0; try++ {
		if err := r.pace(ctx); err != nil {
			return n, err
		}
		ask(r.since(), -1)
	}
	switch {
	case errors.Is(err, daemonError{}) && r.src.cfg.Follow:
		more, err := r.salvage(ctx)
		return n + more, err
	case err == nil:
		r.damaged = -1
	}
	return n, err
}

// pace keeps whole logs from being read again without a pause.
func (r *reader) pace(ctx context.Context) error {
	t := time.NewTimer(wholeEvery - time.Since(r.asked))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		r.asked = time.Now()
		return nil
	}
}

// firstTail is the first request where Config.Tail bounds it.
func (r *reader) firstTail(ctx context.Context) (n int, err error) {
	if r.tail == 0 {
		return 0, r.leaveOut(ctx)
	}
	n, err = r.read(ctx, r.since(), r.tail)
	if err == nil || n > 0 { // if it broke off, the rest follows from the cursor
		r.tail = -1
	}
	return n, err
}

// leaveOut leaves out what is held: it adopts the last message.
func (r *reader) leaveOut(ctx context.Context) error {
	d, err := r.open(ctx, request{id: r.id, tail: 1, tty: r.tty})
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		m, err := d.next()
		if err == io.EOF {
			r.tail, r.placed = -1, true
			return nil
		}
		if err != nil {
			return err
		}
		for i := range r.cursors {
			r.cursors[i].adopt(m.stamp)
		}
	}
}

// highest is the latest stamp taken, of either stream.
func (r *reader) highest() int64 { return max(r.cursors[stdout].stamp, r.cursors[stderr].stamp) }

func (r *reader) setBack() bool { return r.cursors[stdout].setBack() || r.cursors[stderr].setBack() }

// since is from where nothing is missing. A stream that was silent for long need
// not be asked for from its own cursor, but a stored mark has to: of a stream
// that was delivered more slowly, later lines than its mark were not.
func (r *reader) since() time.Time {
	from := r.highest()
	for i, c := range r.cursors {
		switch l := &r.lines[i]; {
		case r.marked && !r.placed:
			from = min(from, c.stamp)
		case len(l.open) > 0 && l.goesOn || l.cut:
			from = min(from, l.stamp) // its pieces have the first one's stamp
		}
	}
	if from == 0 || r.setBack() {
		return time.Time{}
	}
	return time.Unix(0, from).Add(-slack)
}

// read takes what is new of one request without follow, in the file's order.
func (r *reader) read(ctx context.Context, since time.Time, tail int) (n int, err error) {
	d, err := r.open(ctx, request{id: r.id, since: since, tail: tail, tty: r.tty})
	if err != nil {
		return 0, err
	}
	defer d.Close()
	if !since.IsZero() && clockBehind(d.date, r.highest()) {
		return 0, errShort
	}
	for i := range r.cursors {
		r.cursors[i].begin()
	}
	place, seen, flushed := r.highest(), false, time.Now()
	for {
		m, err := d.next()
		if err != nil {
			if ferr := r.flush(); ferr != nil {
				return n, ferr
			}
			if err == io.EOF {
				r.placed = true
				return n, nil
			}
			return n, err
		}
		if r.cursors[m.side].old(m.stamp) {
			r.src.stats.Again.Add(1)
			seen = true
			continue
		}
		switch {
		case seen && m.hole:
			r.missing(r.highest(), m.stamp)
		case seen:
		case r.salvaging:
			r.skipped(place, m.stamp)
		case place > 0 && tail >= 0 && r.placed:
			return n, errShort
		case place > 0:
			r.missing(place, m.stamp)
		}
		n, seen = n+1, true
		if err := r.take(m); err != nil {
			return n, err
		}
		if now := time.Now(); !d.pending() && now.Sub(flushed) > linger {
			if err := errors.Join(ctx.Err(), r.flush()); err != nil {
				return n, err
			}
			flushed = now
		}
	}
}

// missing reports a gap: the daemon's log begins behind the cursor. What was
// left out from the beginning may be gone.
func (r *reader) missing(place, first int64) {
	left := true
	for i, c := range r.cursors {
		r.lines[i].line = 0
		left = left && (c.adopted || c.stamp == 0)
	}
	if !left {
		if !r.src.cfg.Follow {
			r.lost = "docker: the daemon had rotated its log beyond what was read"
		}
		r.src.gap(Gap{Container: r.name, ID: r.id, After: stampTime(place), Before: stampTime(first),
			Reason: "the daemon had rotated its log beyond what was read"})
	}
}

func stampTime(stamp int64) time.Time {
	if stamp == 0 {
		return time.Time{}
	}
	return time.Unix(0, stamp).UTC()
}

// clockBehind says whether a stamp lies in a daemon's future: its clock was set
// back since. A date counts whole seconds, and a second is for the way.
func clockBehind(date time.Time, stamp int64) bool {
	return !date.IsZero() && time.Unix(0, stamp).After(date.Add(slack))
}

// open sends a request without follow. Its reading ends if the daemon gives
// nothing for answerIn.
func (r *reader) open(ctx context.Context, q request) (*response, error) {
	r.src.stats.Requests.Add(1)
	ctx, cancel := context.WithCancel(ctx)
	timer := time.AfterFunc(answerIn, cancel)
	resp, err := r.eng.Logs(ctx, q)
	timer.Stop()
	if err != nil {
		cancel()
		return nil, err
	}
	resp.decoder = &timed{resp.decoder, timer}
	resp.Closer = closer{resp.Closer, cancel}
	return resp, nil
}

// timed lets a timer run while a message is waited for.
type timed struct {
	decoder
	timer *time.Timer
}

func (t *timed) next() (message, error) {
	t.timer.Reset(answerIn)
	defer t.timer.Stop()
	return t.decoder.next()
}

// closer ends a request's context with its body.
type closer struct {
	io.Closer
	cancel context.CancelFunc
}

func (c closer) Close() error {
	defer c.cancel()
	return c.Closer.Close()
}
