package view

import (
	"math/bits"
	"unicode/utf8"

	"sluice/internal/record"
)

// undo appends what text means from lo on once round r is undone: its first unit
// is at at, and marks say where triggers may stand. It returns what the bytes that
// it wrote may be a part of.
//
// It gives what redo gives for a text that stands for itself, as Batch.Text does.
// There the segment of a unit is known as soon as it is known what stands behind it.
func (b *builder) undo(marks []uint64, r round, text []byte, lo, at int) (made traits) {
	out, segs, trigger := b.text, b.segs, triggers[r]
	var last change                      // the unit in hand, or the first of those in a row
	view, begin, end := len(out), lo, lo // where it stands; none yet
	block := at &^ (blockSize - 1)
	word := marks[block/blockSize] &^ (1<<(at%blockSize) - 1)
	for {
		var c change
		for at = len(text); c.width == 0; word &= word - 1 {
			for word == 0 && block+blockSize < len(text) {
				block += blockSize
				word = marks[block/blockSize]
			}
			i := block + bits.TrailingZeros64(word)
			if i >= len(text) || word == 0 {
				break
			}
			if i < end || text[i] != trigger {
				continue
			}
			if c = unitAt(r, text[i:]); c.width == 0 {
				made |= 1 << r
				continue
			}
			at = i
		}
		if n := len(out) - view; n == 1 && at > end {
			segs = append(segs, record.Led(view, 1+at-end, begin, at-begin))
		} else if n > 0 || at > end {
			segs = apart(segs, view, n, n > int(last.n), begin, end, at)
		}
		if at > end {
			out = append(out, text[end:at]...)
		}
		if c.width == 0 {
			b.text, b.segs = out, segs
			return made
		}
		last, view, begin, end = c, len(out), at, at+int(c.width)
		switch {
		case c.n == 0:
			end = dropped(r, text, end)
			made |= joint(out, text[end:])
		case c.n > 1:
			out = append(out, bytesOf(c)...)
		case end < len(text) && text[end] == trigger:
			var wrote traits
			out, end, wrote = row(out, r, text, at, c)
			made |= wrote
		default:
			out = append(out, byte(c.out))
			made |= traitsOf[byte(c.out)]
		}
		if next := end &^ (blockSize - 1); next > block && end < len(text) {
			block, word = next, marks[next/blockSize]
		}
	}
}

// apart appends the segments of n bytes from view on, which stand evenly, or as
// one unit, for [begin,end), and of the text from there up to at.
func apart(segs []record.Seg, view, n int, evenly bool, begin, end, at int) []record.Seg {
	if n > 0 && evenly {
		segs = append(segs, record.Even(view, n, begin, end-begin))
	} else if n > 0 {
		segs = append(segs, record.Unit(view, n, begin, end-begin))
	}
	if at > end {
		segs = append(segs, record.Verbatim(view+n, at-end, end))
	}
	return segs
}

// redo appends what text, which is r's, means from lo on once a round is undone
// on it: its first unit is c at at. It returns what the bytes that it wrote may be
// a part of.
func (b *builder) redo(r *reader, by round, text []byte, lo, at int, c change) (made traits) {
	copied := lo
	for at >= 0 {
		r.copy(b, copied, at)
		copied = at + int(c.width)
		switch {
		case c.n == 0:
			made |= joint(b.text, text[copied:])
		case c.n == 1:
			view := len(b.text)
			var wrote traits
			b.text, copied, wrote = row(b.text, by, text, at, c)
			r.each(b, view, at, copied, int(c.width))
			made |= wrote
		default:
			r.unit(b, at, copied, bytesOf(c))
		}
		var left traits
		at, c, left = unit(by, text, copied)
		made |= left
	}
	r.copy(b, copied, len(text))
	return made
}

// row appends what the unit c at i means, a byte, and what those units mean that
// stand right behind it and are as wide. It returns where they end, and what the
// bytes may be a part of.
func row(out []byte, r round, text []byte, i int, c change) (_ []byte, end int, made traits) {
	trigger, width := triggers[r], c.width
	for end = i; c.n == 1 && c.width == width; c = unitAt(r, text[end:]) {
		out = append(out, byte(c.out))
		made |= traitsOf[byte(c.out)]
		if end += int(width); end >= len(text) || text[end] != trigger {
			break
		}
	}
	return out, end, made
}

// dropped is where the units in a row end that begin at end and mean nothing.
func dropped(r round, text []byte, end int) int {
	for end < len(text) && text[end] == triggers[r] {
		c := unitAt(r, text[end:])
		if c.width == 0 || c.n > 0 {
			break
		}
		end += int(c.width)
	}
	return end
}

// bytesOf are the bytes that a unit means.
func bytesOf(c change) []byte {
	out := [utf8.UTFMax]byte{byte(c.out), byte(c.out >> 8), byte(c.out >> 16), byte(c.out >> 24)}
	return out[:c.n]
}
