package pattern

import "unicode/utf8"

// A circle is two states that most of a text leads back and forth between: what
// .* is in and, say, what it is in behind a space. Which of the two a byte leads to
// does not depend on where it came from, so the bytes in between need not be
// waited for one after the other.
type circle struct {
	of, other uint32
	kind      [256]uint8 // of bytes
	leaving   leaving    // those that leave
}

const (
	leads  = iota // to the first state, from both
	turns         // to the other state, from both
	stays         // to the first state from there, but not from the other
	leaves        // anything else, or not known yet
)

const (
	// enoughRound is how many bytes a dfa went round before its circles are worked out,
	// without those that a circle would not have led over any faster.
	enoughRound = 1 << 10
	// widestTurn is how many bytes of ASCII lead back from the other state, at least.
	widestTurn = 64
	// soon is how far most texts go before they leave, bytes: less than a call
	// costs that looks further.
	soon = 8
	// fewStays is how many bytes in a row lead to the same state before it is asked
	// for a circle: a word of a few letters is over before.
	fewStays = 4
)

// circle goes on from text[i], where a byte led from s to s, as far as that is quick:
// to the place where the next transition has to be made, and the state there.
func (d *dfa) circle(text []byte, i int, s uint32) (int, uint32) {
	c := d.circleAt(s)
	if c == nil {
		rows, ascii, from := d.rows, &d.ascii, i
		for i < len(text) && text[i] < utf8.RuneSelf && rows[s+uint32(ascii[text[i]])] == s {
			i++
		}
		d.rounds += max(0, i-from-soon)
		return i, s
	}
	from := i
	for {
		for limit := min(i+soon, len(text)); i < limit && c.kind[text[i]] < stays; i++ {
		}
		if i < len(text) && c.kind[text[i]] < stays {
			i = c.leaving.skip(text, i)
		}
		for i < len(text) && c.kind[text[i]] < stays {
			i++
		}
		turned := i > from && c.kind[text[i-1]] == turns
		switch {
		case i < len(text) && c.kind[text[i]] == stays && !turned:
			i++ // and it is in the first state still
		case turned:
			return i, c.other
		default:
			return i, s
		}
	}
}

// circleAt is the circle of a state, nil if it has none or it does not pay yet.
func (d *dfa) circleAt(s uint32) *circle {
	if d.rounds < enoughRound {
		return nil
	}
	last := &d.asked[s*0x9e3779b1>>(32-askedBits)]
	if last.known && last.of == s {
		return last.circle
	}
	c, known := d.circles[s]
	if !known && len(d.circles) < maxCircles {
		if d.circles == nil {
			d.circles = make(map[uint32]*circle)
		}
		d.m.aside(func() { c = d.newCircle(s) })
		d.circles[s] = c
	}
	*last = askedCircle{true, s, c}
	return c
}

// askedCircle is what was answered for a state: many texts go round in a few of them
// in turns.
type askedCircle struct {
	known  bool
	of     uint32
	circle *circle // nil: it has none
}

const askedBits = 3 // of the number of answers that are kept at hand

const maxCircles = 64 // of a dfa: with their tables 16 KiB

// newCircle looks for the other state, and makes the transitions of both that are
// not known yet, if the cache has room for them without forgetting s.
func (d *dfa) newCircle(s uint32) *circle {
	states := 2 * d.stride
	if len(d.lists)+states > maxStates || d.m.memory+states*(4*d.stride+6*len(d.insts)+rowCost) > maxMemory {
		return nil
	}
	to := func(from uint32, c int) uint32 { return d.take(from, int(d.ascii[c])) }
	for c := range utf8.RuneSelf {
		other := to(s, c)
		if other == s || other >= special || to(other, c) != other {
			continue
		}
		made, back := &circle{of: s, other: other}, 0
		for c := range made.kind {
			made.kind[c] = leaves
			if c >= utf8.RuneSelf {
				continue
			}
			switch to(s, c) {
			case s:
				made.kind[c] = stays
				if to(other, c) == s {
					made.kind[c] = leads
					back++
				}
			case other:
				if to(other, c) == other {
					made.kind[c] = turns
				}
			}
		}
		if back >= widestTurn {
			made.leaving = newLeaving(func(c byte) bool { return made.kind[c] >= stays })
			return made
		}
	}
	return nil
}
