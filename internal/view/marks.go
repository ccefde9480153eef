package view

import (
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

// mark says of a block of a text where lines end and where units may start: bit i
// stands for its byte i.
type mark struct{ lines, escapes, others uint64 }

const markSize = 24 // bytes of a mark

// look makes the marks and the ends of Batch.Text.
func (e *expander) look(text []byte) {
	blocks := (len(text) + blockSize - 1) / blockSize
	e.marks = slices.Grow(e.marks[:0], blocks)[:blocks]
	e.ends, e.seen = e.rows(e.ends[:0], e.marks, text), 0
}

// markEach writes the marks of each block of text one after the other, if there is
// room for them, and leaves found as it is.
func markEach(found []ends, marks []mark, text []byte) []ends {
	clear(marks)
	for i, c := range text[:min(len(text), len(marks)*blockSize)] {
		m, bit := &marks[i/blockSize], uint64(1)<<(i%blockSize)
		switch c {
		case '\n':
			m.lines |= bit
		case triggers[escape]:
			m.escapes |= bit
		case triggers[ansi], triggers[percent]:
			m.others |= bit
		}
	}
	return found
}

// next is the first byte of Batch.Text from lo on that is a trigger or in a row, or
// len(text): no line before it has anything.
func (e *expander) next(text []byte, lo int) int {
	row := len(text)
	for ; e.seen < len(e.ends); e.seen++ {
		if found := &e.ends[e.seen]; found.at >= lo {
			row = found.at + bits.TrailingZeros64(found.bits)
			break
		} else if rest := found.bits >> max(lo-found.at, 0); rest != 0 {
			row = lo + bits.TrailingZeros64(rest)
			break
		}
	}
	block := lo / blockSize
	m := &e.marks[block]
	word := (m.escapes | m.others) >> (lo % blockSize) << (lo % blockSize)
	for word == 0 {
		if block++; block*blockSize >= row {
			return row
		}
		m = &e.marks[block]
		word = m.escapes | m.others
	}
	return min(row, block*blockSize+bits.TrailingZeros64(word))
}

// begin is where the line begins that holds byte at, as far back as lo.
func (e *expander) begin(lo, at int) int {
	block := at / blockSize
	word := e.marks[block].lines & (1<<(at%blockSize) - 1)
	for word == 0 && block > lo/blockSize {
		block--
		word = e.marks[block].lines
	}
	return max(lo, block*blockSize+bits.Len64(word))
}

// rest is where the line ends that holds byte at, end at the latest, and what it may
// have from there on. It lists the triggers other than backslashes.
func (e *expander) rest(text []byte, at, end int) (hi int, may traits) {
	e.starts = e.starts[:0]
	block := at / blockSize
	m, mask := &e.marks[block], ^uint64(0)<<(at%blockSize)
	var escapes uint64
	for hi = end; ; m, mask = &e.marks[block], ^uint64(0) {
		lines := m.lines & mask
		if lines != 0 {
			mask &= lines ^ (lines - 1)
			hi = min(hi, block*blockSize+bits.TrailingZeros64(lines)+1)
		}
		escapes |= m.escapes & mask
		for others := m.others & mask; others != 0; others &= others - 1 {
			i := block*blockSize + bits.TrailingZeros64(others)
			may |= traitsOf[text[i]]
			e.starts = append(e.starts, int32(i))
		}
		if block++; lines != 0 || block*blockSize >= hi {
			break
		}
	}
	if escapes != 0 {
		may |= 1 << escape
	}
	if e.seen < len(e.ends) && e.ends[e.seen].at < hi {
		may |= packedRuns
	}
	return hi, may
}

// startsOf lists where units of r may start in the line in hand of Batch.Text, which
// ends at hi, from at on; and where others may.
func (e *expander) startsOf(r round, at, hi int) []int32 {
	if r != escape {
		return e.starts
	}
	dst := e.backslashes[:0]
	for block := at / blockSize; block*blockSize < hi; block++ {
		for word := e.marks[block].escapes; word != 0; word &= word - 1 {
			if i := block*blockSize + bits.TrailingZeros64(word); i >= at && i < hi {
				dst = append(dst, int32(i))
			}
		}
	}
	e.backslashes = dst
	return dst
}
