package docker

import "slices"

// cursor is how far one stream of a container was taken, in the order of the
// daemon's file: the highest stamp, and how many of the stream's messages from
// the first one with that stamp on. In a log whose clock was never set back
// those are the messages that have that stamp.
type cursor struct {
	stamp, taken int64 // stamp 0: nothing was taken
	low          int64 // lowest stamp among the taken; below stamp: the clock was set back
	// adopted says that everything up to stamp is left out, however much it is.
	adopted bool

	// Of the request that is being read in the file's order.
	counted int64 // messages from the first one with stamp on
	passed  bool  // what follows is new

	// Of the follow connection: what stamp it sent last of this stream, how many
	// times in a row, whether the run was seen from its beginning, and the sums of
	// its texts.
	last, run int64
	whole     bool
	sums      []uint64
}

// many is how many messages with one stamp a line of 1 MiB has. A stored mark
// that counts more may count messages whose stamps went back.
const many = 64

// resumed is the cursor of a stored mark.
func resumed(stamp, taken int64) cursor {
	c := cursor{stamp: stamp, taken: taken, low: stamp}
	if taken > many {
		c.low = 0
	}
	return c
}

// adopt leaves out everything up to stamp.
func (c *cursor) adopt(stamp int64) {
	if stamp > c.stamp {
		c.stamp, c.taken, c.low, c.adopted = stamp, 0, stamp, true
	}
}

// setBack says that messages were taken whose stamps are below the highest.
func (c *cursor) setBack() bool { return c.low < c.stamp }

// begin starts a request in the file's order.
func (c *cursor) begin() { c.counted, c.passed = 0, c.stamp == 0 }

// old says whether the next message of a request in the file's order was taken
// before.
func (c *cursor) old(stamp int64) bool {
	switch {
	case c.passed:
		return false
	case stamp > c.stamp: // higher than any that was taken
		c.passed = true
		return false
	case c.adopted || c.counted == 0 && stamp < c.stamp:
		return true
	}
	if c.counted == c.taken {
		c.passed = true
		return false
	}
	c.counted++
	return true
}

// take moves the cursor behind a message.
func (c *cursor) take(stamp int64) {
	if stamp > c.stamp {
		c.stamp, c.taken, c.low, c.adopted = stamp, 1, stamp, false
		return
	}
	c.taken++
	c.low = min(c.low, stamp)
}

// connect forgets the last follow connection.
func (c *cursor) connect() { c.last, c.run, c.whole, c.sums = 0, 0, false, c.sums[:0] }

// verdict is what to do with a message of a follow connection.
type verdict uint8

const (
	drop  verdict = iota // taken before
	fresh                // new, and nothing is missing before it on this connection
	doubt                // only a request in the file's order can tell
)

// judge decides on the next message of a follow connection; sum is one of its
// text. Stamps that fall mean that the daemon reads a rotated file again, or that
// a clock was set back. One stamp again is the next piece of a line, or the same
// message again.
func (c *cursor) judge(stamp int64, sum uint64) verdict {
	fell := stamp < c.last
	if stamp == c.last {
		c.run++
	} else {
		c.whole = c.last != 0 && !fell
		c.last, c.run, c.sums = stamp, 1, c.sums[:0]
	}
	again := len(c.sums) == many || slices.Contains(c.sums, sum)
	if !again {
		c.sums = append(c.sums, sum)
	}
	switch {
	case fell || again || c.setBack():
		return doubt
	case stamp > c.stamp:
		return fresh
	case stamp < c.stamp || c.adopted:
		return drop
	case c.run > c.taken:
		return fresh
	case c.whole || c.taken == 1:
		return drop
	}
	return doubt
}
