package docker

import (
	"context"
	"errors"
	"io"
)

// salvage reads what lies behind a place that the daemon itself cannot read, as
// a killed one leaves it where it was writing. What it cannot give is a gap.
func (r *reader) salvage(ctx context.Context) (n int, err error) {
	most, err := r.readable(ctx)
	if err != nil {
		return 0, err
	}
	place := r.highest()
	if most > 0 {
		r.salvaging = true
		n, err = r.read(ctx, r.since(), most)
		r.salvaging = false
	}
	if r.highest() == place {
		r.skipped(place, 0)
	}
	if err == nil || errors.Is(err, daemonError{}) {
		r.damaged = r.highest()
	}
	return n, err
}

// skipped reports a place that cannot be read, once. What is read behind it
// begins at the stamp first; 0: nothing is.
func (r *reader) skipped(place, first int64) {
	for i := range r.lines {
		r.lines[i].line = 0
	}
	if r.damaged != place {
		r.src.gap(Gap{Container: r.name, ID: r.id, After: stampTime(place), Before: stampTime(first), Reason: daemonError{}.Error()})
		r.damaged = place
	}
}

// readable is how many messages from the end the daemon can read.
func (r *reader) readable(ctx context.Context) (int, error) {
	good, bad := 0, 0 // bad 0: not found yet
	for n := probe; bad == 0 || bad-good > 1; {
		held, err := r.count(ctx, n)
		switch {
		case err == nil && held < n:
			return n, nil // the whole log
		case err == nil:
			good = n
		case errors.Is(err, daemonError{}):
			bad = n
		default:
			return 0, err
		}
		if n = 2 * good; bad > 0 {
			n = (good + bad) / 2
		}
	}
	return good, nil
}

// count counts the last messages, at most tail.
func (r *reader) count(ctx context.Context, tail int) (n int, err error) {
	d, err := r.open(ctx, request{id: r.id, tail: tail, tty: r.tty})
	if err != nil {
		return 0, err
	}
	defer d.Close()
	for ; ; n++ {
		if _, err := d.next(); err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
}
