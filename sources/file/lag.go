package file

import "sluice/internal/record"

// Lag says how far the delivery of a log is behind, in bytes since Run began:
// what is there and not delivered is End - Done. They are equal once all is
// delivered; a line without its end counts from when that comes.
type Lag struct {
	Path      string // as Mark.Stream
	Done, End int64
}

// Lag returns the lag of each log, at any time. nil: the source does not follow.
func (s *Source) Lag() (all []Lag) {
	if s.follower == nil {
		return nil
	}
	for _, c := range s.follower.all() {
		c.mu.Lock()
		all = append(all, Lag{Path: c.path, Done: c.delivered, End: c.emitted + c.unread()})
		c.mu.Unlock()
	}
	return all
}

// unread is how many bytes are there and were not read.
func (c *chain) unread() (n int64) {
	for _, g := range c.queue {
		n += max(0, max(g.seen, g.size)-g.off)
	}
	return n
}

// emits notes that a generation, emitted up to g.sent, is emitted up to an offset.
func (c *chain) emits(g *generation, to int64) {
	if !g.seg.begun {
		g.seg.begun, g.seg.base = true, c.emitted-g.sent
	}
	c.emitted = max(c.emitted, g.seg.base+to)
}

// delivers notes that what is before a mark is delivered.
func (c *chain) delivers(at record.Mark) {
	if i := c.segmentOf(at.Epoch); i >= 0 && c.segs[i].begun {
		c.delivered = max(c.delivered, c.segs[i].base+at.Offset)
	}
}
