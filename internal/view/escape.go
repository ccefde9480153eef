package view

import (
	"bytes"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// longestCode bounds a colour code, in bytes; a terminal's own are shorter.
const longestCode = 32

// change is what a unit at the start of a text means: width bytes stand for n
// others, the lowest byte of out first. Width 0 is no unit.
type change struct {
	width, n uint8
	out      uint32
}

// triggers start the units of a round; none is a line end.
var triggers = [base64]byte{ansi: 0x1b, escape: '\\', percent: '%'}

// unitAt reads the unit of round r that text starts with.
func unitAt(r round, text []byte) change {
	switch r {
	case escape:
		if len(text) > 1 {
			if c := simpleEscapes[text[1]]; c != 0 {
				return change{width: 2, n: 1, out: uint32(c)}
			}
			return escapeAt(text)
		}
	case percent:
		return percentAt(text)
	case ansi:
		return codeAt(text)
	}
	return change{}
}

// unit is where the next unit of round r stands in text from at on, -1 if none
// does, and what triggers before it are, which start none.
func unit(r round, text []byte, at int) (next int, c change, left traits) {
	trigger := triggers[r]
	for ; at < len(text); at++ {
		if text[at] != trigger { // in dense text it is the byte in hand, and no search
			i := bytes.IndexByte(text[at:], trigger)
			if i < 0 {
				break
			}
			at += i
		}
		if c = unitAt(r, text[at:]); c.width > 0 {
			return at, c, left
		}
		left = 1 << r
	}
	return -1, c, left
}

// rewrite makes n's child by round r of the line [lo,hi), if the round changes
// anything that was not changed before.
func (e *expander) rewrite(n *node, r round, lo, hi, seg int, may traits) {
	from, text := reader{n, seg}, n.text[:hi]
	at, c, made := from.first(r, text, lo)
	if at < 0 {
		return
	}
	k := e.kid(n, r)
	mark, markSeg := len(k.text), len(k.segs)
	k.reserve(hi - lo)
	made |= may.behind(n, r)
	made |= k.redo(&from, r, text, lo, at, c)
	if len(k.text) > mark {
		e.finish(k, mark, markSeg, made)
	}
}

// rewriteRaw is rewrite for Batch.Text.
func (e *expander) rewriteRaw(n *node, r round, lo, hi int, may traits) {
	text, at := n.text[:hi], e.first
	e.units = slices.Grow(e.units[:0], minUnits)
	sure := r == escape && at+1 < hi && text[at] == triggers[escape] && simpleEscapes[text[at+1]] != 0
	var made traits
	if !sure {
		if e.units, made = units(e.units, e.startsOf(r, at, hi), r, text, at); len(e.units) == 0 {
			return
		}
	}
	k := e.kid(n, r)
	mark, markSeg := len(k.text), len(k.segs)
	k.reserve(hi - lo + wide) // no unit means more bytes than it has
	end, done := lo, 0
	if sure {
		k.text, end, made = e.beginEscapes(k.text, n.text, lo, hi)
		var more traits
		done = len(e.units)
		e.units, more = units(e.units, e.startsOf(r, max(at, end), hi), r, text, end)
		made |= more
	}
	k.segs = mapped(k.segs, e.units, mark, lo, hi)
	made |= may.behind(n, r) | k.undo(e.units[done:], n.text, end, hi)
	if len(k.text) > mark {
		e.finish(k, mark, markSeg, made)
	}
}

// minUnits is how many units of a line there is room for in any case.
const minUnits = 256

// first is where the first unit of round r stands in text from lo on, -1 if the
// round changes nothing there or is known to give what another order of rounds
// gives; and what triggers before it are, which start none.
func (r reader) first(by round, text []byte, lo int) (first int, c change, left traits) {
	first, c, left = unit(by, text, lo)
	if !r.wantsNew(by) {
		return first, c, left
	}
	for at, any := first, c; at >= 0; at, any, _ = unit(by, text, at) {
		if r.changed(at, at+int(any.width)) {
			return first, c, left
		}
		at += int(any.width)
	}
	return -1, c, 0
}

// codeAt reads a CSI code: ESC [ parameters, a final byte. It means nothing.
func codeAt(text []byte) change {
	if len(text) < 3 || text[1] != '[' {
		return change{}
	}
	for i, c := range text[2:min(len(text), longestCode)] {
		if c >= 0x40 && c <= 0x7e {
			return change{width: uint8(i + 3)}
		}
		if c < 0x20 || c > 0x7e {
			return change{}
		}
	}
	return change{}
}

// percentAt reads %XX.
func percentAt(text []byte) change {
	if len(text) < 3 || hexValues[text[1]]|hexValues[text[2]] < 0 {
		return change{}
	}
	return change{width: 3, n: 1, out: uint32(hexValues[text[1]])<<4 | uint32(hexValues[text[2]])}
}

// simpleEscapes are the escapes of one letter, in JSON, Python and Go.
var simpleEscapes = [256]byte{
	'"': '"', '\'': '\'', '\\': '\\', '/': '/', 'a': '\a', 'b': '\b',
	'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v',
}

// escapeAt reads a backslash escape that is not one letter.
func escapeAt(text []byte) change {
	switch text[1] {
	case 'x':
		if v, ok := hexDigits(text, 2, 2); ok {
			return change{width: 4, n: 1, out: uint32(v)}
		}
	case 'u':
		if v, ok := hexDigits(text, 2, 4); ok {
			return runeAt(text, v)
		}
	case 'U':
		if v, ok := hexDigits(text, 2, 8); ok && v <= utf8.MaxRune {
			return encoded(10, v)
		}
	}
	return change{}
}

// runeAt reads \uXXXX with the value v, and its other half if it is one of two.
func runeAt(text []byte, v rune) change {
	if utf16.IsSurrogate(v) && len(text) >= 12 && text[6] == '\\' && text[7] == 'u' {
		if low, ok := hexDigits(text, 8, 4); ok {
			if whole := utf16.DecodeRune(v, low); whole != utf8.RuneError {
				return encoded(12, whole)
			}
		}
	}
	return encoded(6, v)
}

func encoded(width uint8, v rune) change {
	var out [utf8.UTFMax]byte
	n := utf8.EncodeRune(out[:], v)
	return change{width, uint8(n), uint32(out[0]) | uint32(out[1])<<8 | uint32(out[2])<<16 | uint32(out[3])<<24}
}

// hexDigits reads n hex digits at text[at:]; eight of them may be more than a
// rune holds, which is no value either.
func hexDigits(text []byte, at, n int) (rune, bool) {
	if len(text) < at+n {
		return 0, false
	}
	var v uint32
	for _, c := range text[at : at+n] {
		d := hexValues[c]
		if d < 0 {
			return 0, false
		}
		v = v<<4 | uint32(d)
	}
	return rune(v), v <= utf8.MaxRune || n < 8
}
