package view

import (
	"bytes"
	"math/bits"
	"slices"
)

// Most lines have nothing to undo, and most texts that a round made have nothing
// more. So what a line can have is kept in mind: that of Batch.Text is seen in the
// one pass that finds rows, that of a text that was made follows from what the
// line before it had and what the round wrote.

// traits are what a line may have: a bit for the triggers of each round, and one
// for runs that are worth unpacking. A line has nothing that its traits deny.
type traits uint8

const (
	packedRuns = traits(1 << base64)
	anything   = packedRuns<<1 - 1
)

// traitsOf is what a byte can be a part of when a round writes it.
var traitsOf = func() (t [256]traits) {
	for c, v := range base64Values {
		if v >= 0 {
			t[c] = packedRuns
		}
	}
	for r, c := range triggers {
		t[c] = 1 << r
	}
	return t
}()

// behind is what the child of n by round r may have because n's line, which may
// have t, has it. The round undoes its triggers, but for those that start nothing;
// runs of Batch.Text as they are were unpacked already.
func (t traits) behind(n *node, r round) traits {
	t &^= 1 << r
	if n.raw {
		t &^= packedRuns
	}
	return t
}

// joint is what the last byte before and the first one behind a code are together
// when it is dropped.
func joint(before, behind []byte) traits {
	if len(before) == 0 || len(behind) == 0 {
		return 0
	}
	return traitsOf[before[len(before)-1]] & traitsOf[behind[0]] & packedRuns
}

// marked are the bytes that look marks: line ends, and what starts units.
var marked = append([]byte{'\n'}, triggers[:]...)

// look makes the marks and the ends of Batch.Text.
func (e *expander) look(text []byte) {
	blocks := (len(text) + blockSize - 1) / blockSize
	e.marks = slices.Grow(e.marks[:0], blocks)[:blocks]
	e.ends, e.seen = e.rows(e.ends[:0], e.marks, text), 0
}

// markEach writes the marks of each block of text one after the other, if there is
// room for them, and leaves found as it is.
func markEach(found []ends, marks []uint64, text []byte) []ends {
	clear(marks)
	for _, c := range marked {
		for at := 0; len(marks) > 0; at++ {
			i := bytes.IndexByte(text[at:], c)
			if i < 0 {
				break
			}
			at += i
			marks[at/blockSize] |= 1 << (at % blockSize)
		}
	}
	return found
}

// rawLine is where the line of Batch.Text that begins at lo ends, text being the
// batch's up to where it must, and what it may have.
func (e *expander) rawLine(text []byte, lo int) (hi int, may traits) {
	hi = len(text)
	word := e.marks[lo/blockSize] &^ (1<<(lo%blockSize) - 1)
search:
	for at := lo &^ (blockSize - 1); ; word = e.marks[at/blockSize] {
		for ; word != 0; word &= word - 1 {
			i := at + bits.TrailingZeros64(word)
			if i >= len(text) {
				break search
			}
			if text[i] == '\n' {
				hi = i + 1
				break search
			}
			may |= traitsOf[text[i]]
		}
		if at += blockSize; at >= len(text) {
			break
		}
	}
	for e.seen < len(e.ends) && e.ends[e.seen].at+blockSize <= lo {
		e.seen++
	}
	if e.seen < len(e.ends) && e.ends[e.seen].at < hi {
		may |= packedRuns
	}
	return hi, may
}

// markedUnit is unit where marks say where triggers may stand.
func markedUnit(marks []uint64, r round, text []byte, at int) (next int, c change, left traits) {
	if at >= len(text) {
		return -1, c, 0
	}
	word, trigger := marks[at/blockSize]&^(1<<(at%blockSize)-1), triggers[r]
	for at &^= blockSize - 1; ; word = marks[at/blockSize] {
		for ; word != 0; word &= word - 1 {
			i := at + bits.TrailingZeros64(word)
			if i >= len(text) {
				return -1, c, left
			}
			if text[i] != trigger {
				continue
			}
			// A bare percent sign is common, and told at once.
			if r != percent || i+1 == len(text) || hexValues[text[i+1]] >= 0 {
				if c = unitAt(r, text[i:]); c.width > 0 {
					return i, c, left
				}
			}
			left = 1 << r
		}
		if at += blockSize; at >= len(text) {
			return -1, c, left
		}
	}
}
