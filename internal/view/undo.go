package view

import (
	"unicode/utf8"

	"sluice/internal/record"
)

// found is a unit, and where it stands in Batch.Text.
type found struct {
	at int32
	change
}

// end is where it ends.
func (u *found) end() int { return int(u.at) + int(u.width) }

// units appends the units of round r in text, which is Batch.Text up to the end of a
// line, that are not before at; starts is where some of its triggers stand, and all of
// r's. It returns what the bytes that they mean may be a part of, and the triggers that
// start none.
func units(dst []found, starts []int32, r round, text []byte, at int) (_ []found, made traits) {
	for _, start := range starts {
		i := int(start)
		if i >= len(text) {
			break
		}
		if i < at || text[i] != triggers[r] {
			continue
		}
		var c change
		// A bare percent sign is common, and told at once.
		if r != percent || i+1 == len(text) || hexValues[text[i+1]] >= 0 {
			c = unitAt(r, text[i:])
		}
		if c.width == 0 {
			made |= 1 << r
			continue
		}
		if c.n == 1 {
			made |= traitsOf[byte(c.out)]
		}
		dst, at = append(dst, found{start, c}), i+int(c.width)
	}
	return dst, made
}

// undo appends what [lo,hi) of text, which is Batch.Text, means where these units of it
// are undone, for which there must be room: hi-lo bytes, as no unit means more than it
// has, and wide ones. It returns what bytes that it brought together may be a part of.
func (b *builder) undo(units []found, text []byte, lo, hi int) (made traits) {
	out, to, end := b.text[:cap(b.text)], len(b.text), lo
	for i := range units {
		u := &units[i]
		n := int(u.at) - end
		if n > wide || end+wide > len(text) {
			copy(out[to:], text[end:u.at])
		} else if n > 0 {
			copyWide((*[wide]byte)(out[to:]), (*[wide]byte)(text[end:]))
		}
		to, end = to+n, u.end()
		if u.n == 0 {
			made |= joint(out[:to], text[end:hi])
		}
		means := out[to:][:utf8.UTFMax]
		means[0], means[1], means[2], means[3] = byte(u.out), byte(u.out>>8), byte(u.out>>16), byte(u.out>>24)
		to += int(u.n)
	}
	b.text = append(out[:to], text[end:hi]...)
	return made
}

// wide is how many bytes are copied where fewer are wanted, as it is no more work.
const wide = 32

// copyWide copies from to to.
func copyWide(to, from *[wide]byte) {
	a, b := [wide / 2]byte(from[:]), [wide / 2]byte(from[wide/2:])
	*(*[wide / 2]byte)(to[:]), *(*[wide / 2]byte)(to[wide/2:]) = a, b
}

// mapped appends the segments of [lo,hi) of Batch.Text where its units are undone,
// from view on.
//
// They are what redo puts for a text that stands for itself. Here the segment of a unit
// is known as soon as it is known what stands behind it.
func mapped(segs []record.Seg, units []found, view, lo, hi int) []record.Seg {
	first := hi
	if len(units) > 0 {
		first = int(units[0].at)
	}
	if first > lo {
		segs = append(segs, record.Verbatim(view, first-lo, lo))
	}
	view += first - lo
	for i := 0; i < len(units); {
		u := &units[i]
		n, begin, end, next := int(u.n), int(u.at), u.end(), hi
		for i++; i < len(units); i++ {
			if next = int(units[i].at); next > end || !units[i].goesOn(u.change) {
				break
			}
			n, end, next = n+int(u.n), units[i].end(), hi
		}
		gap := next - end
		if n == 1 && gap > 0 {
			segs = append(segs, record.Led(view, 1+gap, begin, next-begin))
			view += 1 + gap
			continue
		}
		if n > int(u.n) {
			segs = append(segs, record.Even(view, n, begin, end-begin))
		} else if n > 0 {
			segs = append(segs, record.Unit(view, n, begin, end-begin))
		}
		if view += n; gap > 0 {
			segs = append(segs, record.Verbatim(view, gap, end))
		}
		view += gap
	}
	return segs
}

// goesOn says whether c, right behind u, is one of a row with it: of units that are
// as wide and mean a byte, or that mean nothing.
func (c change) goesOn(u change) bool {
	return c.n == u.n && (c.n == 0 || c.n == 1 && c.width == u.width)
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

// bytesOf are the bytes that a unit means.
func bytesOf(c change) []byte {
	out := [utf8.UTFMax]byte{byte(c.out), byte(c.out >> 8), byte(c.out >> 16), byte(c.out >> 24)}
	return out[:c.n]
}
