package known

import (
	"slices"

	"sluice/internal/record"
)

// stretch is where a text agrees with characters [from,to) of a form: in one
// piece, or in several with line breaks between them.
type stretch struct {
	text     []byte
	form     *form
	from, to int
	pieces   []record.Span
	room     [4]record.Span
}

// join adds a piece behind the others, or to the last one if they touch.
func (p *stretch) join(s record.Span) {
	if last := len(p.pieces) - 1; last >= 0 && p.pieces[last].End == s.Start {
		p.pieces[last].End = s.End
		return
	}
	p.pieces = append(p.pieces, s)
}

// maxRetreat is how many characters a stretch may give back at a line break:
// the quote that opens a literal again, and a letter or two before it, can be
// what the form has there too.
const maxRetreat = 3

// toLeft follows the form to the left of the first piece.
func (p *stretch) toLeft() {
	for more := true; more; {
		first := &p.pieces[0]
		for first.Start > 0 && p.from > 0 && p.text[first.Start-1] == p.form.text[p.from-1] {
			first.Start--
			p.from--
		}
		more = false
		for back := 0; p.from > 0 && back <= maxRetreat && back < first.Len() && !more; back++ {
			more = p.overLeft(back)
		}
	}
}

// toRight follows the form to the right of the last piece.
func (p *stretch) toRight() {
	size := len(p.form.text)
	for more := true; more; {
		last := &p.pieces[len(p.pieces)-1]
		for last.End < len(p.text) && p.to < size && p.text[last.End] == p.form.text[p.to] {
			last.End++
			p.to++
		}
		more = false
		for back := 0; p.to < size && back <= maxRetreat && back < last.Len() && !more; back++ {
			more = p.overRight(back)
		}
	}
}

// overLeft goes on in the line before, if the first piece without its first
// back characters begins a line and the form goes on there, to its beginning or
// by leastOver characters more than the piece has.
func (p *stretch) overLeft(back int) bool {
	at := p.pieces[0].Start + back
	for kind := range breakKinds {
		end, ok := beforeBreak(p.text, at, kind)
		if !ok {
			continue
		}
		start, from := end, p.from+back
		for start > 0 && from > 0 && p.text[start-1] == p.form.text[from-1] {
			start--
			from--
		}
		if start < end && (from == 0 || p.from-from >= leastOver) {
			p.from, p.pieces[0].Start = from, at
			p.pieces = slices.Insert(p.pieces, 0, record.Span{Start: start, End: end})
			return true
		}
	}
	return false
}

// overRight is overLeft to the other side.
func (p *stretch) overRight(back int) bool {
	last, size := &p.pieces[len(p.pieces)-1], len(p.form.text)
	at := last.End - back
	for kind := range breakKinds {
		start, ok := behindBreak(p.text, at, kind)
		if !ok {
			continue
		}
		end, to := start, p.to-back
		for end < len(p.text) && to < size && p.text[end] == p.form.text[to] {
			end++
			to++
		}
		if start < end && (to == size || to-p.to >= leastOver) {
			p.to, last.End = to, at
			p.pieces = append(p.pieces, record.Span{Start: start, End: end})
			return true
		}
	}
	return false
}

// leaveEscape takes the letter of an escape from a part that begins behind it,
// as the second half of a secret does in "first\nsecond": what is left of the
// escape would be no valid one. The letter may be the secret's by chance.
func (p *stretch) leaveEscape() {
	first := &p.pieces[0]
	i := first.Start
	for i > 0 && p.text[i-1] == '\\' {
		i--
	}
	if (first.Start-i)%2 == 0 || first.Len() < 2 || p.form.bits < 8 || !p.form.isPart(p.from+1, p.to) {
		return
	}
	switch p.text[first.Start] {
	case 'n', 'r', 't', 'b', 'f', '"', '/', '\'':
		first.Start++
		p.from++
	}
}

// edges adds the characters of base64 on either side that hold a bit of the
// secret, or may hold one where only a part of it was found. It says whether
// both hold what the whole secret demands of them.
func (p *stretch) edges() bool {
	ok := true
	if p.from > 0 || p.form.before.mask != 0 {
		first := &p.pieces[0]
		at, fits := p.edge(p.form.before, p.from == 0, first.Start-1, func(kind breakKind) (int, bool) {
			end, ok := beforeBreak(p.text, first.Start, kind)
			return end - 1, ok
		})
		switch {
		case at < 0:
		case at == first.Start-1:
			first.Start--
		default:
			p.pieces = slices.Insert(p.pieces, 0, record.Span{Start: at, End: at + 1})
		}
		ok = fits
	}
	if p.to < len(p.form.text) || p.form.after.mask != 0 {
		end := p.pieces[len(p.pieces)-1].End
		at, fits := p.edge(p.form.after, p.to == len(p.form.text), end, func(kind breakKind) (int, bool) {
			return behindBreak(p.text, end, kind)
		})
		if at >= 0 {
			p.join(record.Span{Start: at, End: at + 1})
		}
		ok = ok && fits
	}
	return ok
}

// edge is where the neighbour of a stretch is, or -1, and whether it is what the
// edge demands: next to it, or, if the stretch reaches the end of its form,
// over a line break.
func (p *stretch) edge(e edge, reaches bool, next int, over func(breakKind) (int, bool)) (at int, fits bool) {
	if next >= 0 && next < len(p.text) && base64Values[p.text[next]] >= 0 {
		return next, e.fits(p.text[next])
	}
	for kind := wrapped; reaches && kind < breakKinds; kind++ {
		if at, ok := over(kind); ok && at >= 0 && at < len(p.text) && e.fits(p.text[at]) {
			return at, true
		}
	}
	return -1, false
}
