package file

import (
	"cmp"
	"path/filepath"
	"slices"
	"time"

	"sluice/internal/record"
)

const (
	// forgetAfter is how long a log that is nowhere is remembered: its volume may
	// come back.
	forgetAfter = 7 * 24 * time.Hour
	// mostGone is how many of them are remembered at most, the latest: all are
	// written again with each State, and names may be new each time.
	mostGone = 1000
)

// kept is what is kept of a chain. It wants c.mu held.
func (c *chain) kept(now time.Time) savedStream {
	s := savedStream{Stream: []byte(c.path), Seen: now, Segments: make([]*segment, 0, len(c.segs))}
	for _, seg := range c.segs {
		kept := *seg
		s.Segments = append(s.Segments, &kept)
	}
	return s
}

// remember keeps what was read of a log that is given up, as a restart would: if
// it comes back, it is gone on with. It wants f.mu and c.mu held.
func (f *follower) remember(c *chain, now time.Time) {
	f.saved[c.path] = c.kept(now.UTC().Truncate(time.Second))
	if c.mark != (record.Mark{}) {
		f.marks[c.path] = c.mark
	}
}

// forget drops what was remembered for too long, and what is too much. It belongs
// to the goroutine of run, and wants f.mu held for others that read.
func (f *follower) forget(now time.Time) {
	var gone []string
	for stream, s := range f.saved {
		switch {
		case f.chains[filepath.Clean(stream)] != nil:
		case now.Sub(s.Seen) >= forgetAfter:
			f.drop(stream)
		default:
			gone = append(gone, stream)
		}
	}
	if len(gone) <= mostGone {
		return
	}
	slices.SortFunc(gone, func(a, b string) int {
		return cmp.Or(f.saved[a].Seen.Compare(f.saved[b].Seen), cmp.Compare(a, b))
	})
	for _, stream := range gone[:len(gone)-mostGone] {
		f.drop(stream)
	}
}

func (f *follower) drop(stream string) {
	delete(f.saved, stream)
	delete(f.marks, stream)
	f.dirty.Store(true)
}
