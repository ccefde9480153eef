package known

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"sluice/internal/record"
	"sluice/internal/view"
)

const (
	// window is how many bytes on either side of a line break are joined and
	// probed: a part over a break has at most 11 on one side, a whole secret of
	// less than 16 bytes at most 14; longer ones have a part on one side.
	window = 15
	// leastOver is how many bytes behind a line break go with those before it,
	// where they do not complete the secret: fewer may be there by chance.
	leastOver = 4
	// trails is how many stretches are remembered so as not to be looked at
	// again from their other grams.
	trails = 16
)

// search looks for the forms of an index in one batch.
type search struct {
	*index
	batch *record.Batch
	found []hit

	bytes []byte       // the text in hand: messages of the batch, or a view
	base  int          // where bytes begin in Batch.Text, if they are part of it
	view  *record.View // nil: they are
	seen  [trails]trail
	last  int
}

// trail is a stretch of a text that was compared with a form already.
type trail struct{ form, diagonal, end int }

// seed is where a gram was found: [left,cut) and, behind a line break if there
// is one, [next,right) are the bytes [from,to) of a form.
type seed struct{ left, cut, next, right, from int }

// text searches one text.
func (s *search) text(text []byte, base int, v *record.View) {
	s.bytes, s.base, s.view = text, base, v
	s.seen, s.last = [trails]trail{}, 0
	i, long := 0, s.long
	for ; i+longGram <= len(text); i += stride {
		gram := binary.LittleEndian.Uint64(text[i:])
		if h := hash(gram); long.may(gram, h) {
			s.look(s.long, h, seed{i, i, i, i + longGram, 0})
		}
		if s.shorts {
			gram &= math.MaxUint32
			if h := hash(gram); s.short.may(gram, h) {
				s.look(s.short, h, seed{i, i, i, i + shortGram, 0})
			}
		}
	}
	for ; s.shorts && i+shortGram <= len(text); i += stride {
		gram := s.short.load(text[i:])
		if h := hash(gram); s.short.may(gram, h) {
			s.look(s.short, h, seed{i, i, i, i + shortGram, 0})
		}
	}
	for n := bytes.IndexByte(text, '\n'); n >= 0; {
		for kind := range breakKinds {
			if left, right, ok := around(text, n, kind); ok {
				s.overBreak(left, right)
			}
		}
		more := bytes.IndexByte(text[n+1:], '\n')
		if more < 0 {
			break
		}
		n += 1 + more
	}
}

// overBreak probes the text that ends at left and goes on at right, as if the
// line break between them were not there.
func (s *search) overBreak(left, right int) {
	a, c := min(window, left), min(window, len(s.bytes)-right)
	if a == 0 || c == 0 {
		return
	}
	var joined [2 * window]byte
	copy(joined[:], s.bytes[left-a:left])
	copy(joined[a:], s.bytes[right:right+c])
	for i := 0; i+shortGram <= a+c; i += stride {
		if i+longGram <= a+c {
			gram := s.long.load(joined[i:])
			if h := hash(gram); s.long.may(gram, h) {
				s.look(s.long, h, joinedSeed(i, i+longGram, a, left, right))
			}
		}
		if s.shorts {
			gram := s.short.load(joined[i:])
			if h := hash(gram); s.short.may(gram, h) {
				s.look(s.short, h, joinedSeed(i, i+shortGram, a, left, right))
			}
		}
	}
}

// joinedSeed is the seed of [i,j) of a joined text whose first a bytes end at
// left, the others beginning at right.
func joinedSeed(i, j, a, left, right int) seed {
	switch {
	case j <= a:
		at := left - a + i
		return seed{at, at, at, at + j - i, 0}
	case i >= a:
		at := right - a + i
		return seed{at, at, at, at + j - i, 0}
	}
	return seed{left - a + i, left, right, right + j - a, 0}
}

// look compares the text around a seed with the forms that have its gram.
func (s *search) look(t *table, h uint64, at seed) {
	first := at.cut - at.left
	for i := t.home(h); ; {
		id, offset, then, ok := t.next(h, i)
		if !ok {
			return
		}
		i = then
		if id >= len(s.forms) { // told after this search began
			continue
		}
		f := &s.forms[id]
		if !bytes.Equal(s.bytes[at.left:at.cut], f.text[offset:offset+first]) ||
			!bytes.Equal(s.bytes[at.next:at.right], f.text[offset+first:offset+t.size]) {
			continue
		}
		if s.compared(id, at.next-offset-first, at.right) && s.compared(id, at.left-offset, at.cut) {
			continue
		}
		at.from = offset
		s.grow(id, at)
	}
}

// compared says whether a form was compared with this stretch.
func (s *search) compared(form, diagonal, end int) bool {
	for _, t := range s.seen {
		if t.end >= end && t.form == form && t.diagonal == diagonal {
			return true
		}
	}
	return false
}

func (s *search) remember(t trail) {
	s.seen[s.last%trails] = t
	s.last++
}

// rememberAll keeps the pieces of a stretch from being looked at again. Those of
// a part over a line break may yet be a whole from another gram.
func (s *search) rememberAll(id int, p *stretch) {
	offset := p.from
	for _, piece := range p.pieces {
		s.remember(trail{id, piece.Start - offset, piece.End})
		offset += piece.Len()
	}
}

// grow follows a form from a seed to both sides and reports what it comes to.
func (s *search) grow(id int, at seed) {
	f := &s.forms[id]
	p := stretch{text: s.bytes, form: f, from: at.from, to: at.from + at.cut - at.left + at.right - at.next}
	p.pieces = p.room[:0]
	if at.left < at.cut {
		p.join(record.Span{Start: at.left, End: at.cut})
	}
	p.join(record.Span{Start: at.next, End: at.right})
	p.toLeft()
	p.toRight()
	whole := p.from == 0 && p.to == len(f.text)
	if whole || len(p.pieces) == 1 {
		s.rememberAll(id, &p)
	}
	secret := f.of.value
	if f.bits == base64Bits {
		whole = p.edges() && whole
	}
	if !whole {
		p.leaveEscape()
		if !f.isPart(p.from, p.to) {
			return
		}
		start, end := f.bytesOf(p.from, p.to)
		secret = secret[start:end:end]
	}
	s.report(f, p.pieces, secret, whole)
}

// isPart says whether characters [from,to) of a form are worth reporting.
func (f *form) isPart(from, to int) bool {
	from = max(from, f.body)
	if f.need == 0 || to-from < f.need {
		return false
	}
	words := f.of.words
	if words == nil {
		return true
	}
	start, end := f.bytesOf(from, to)
	return slices.Contains(words[start:end], false)
}

// report adds a match unless the text itself has it, or it ends in the lead.
func (s *search) report(f *form, pieces []record.Span, secret []byte, whole bool) {
	m := record.Match{Rule: f.of.rule, Name: f.of.name, Secret: secret, Whole: whole, Hash: f.of.hash}
	if s.view == nil {
		m.Spans = make([]record.Span, len(pieces))
		for i, p := range pieces {
			m.Spans[i] = record.Span{Start: s.base + p.Start, End: s.base + p.End}
		}
	} else {
		if len(pieces) == 1 && view.Same(s.view, pieces[0].Start, pieces[0].End) {
			return
		}
		for _, p := range pieces {
			for _, raw := range view.Spans(nil, s.view, p.Start, p.End) {
				m.Spans = view.Add(m.Spans, raw)
			}
		}
		if len(m.Spans) == 0 || crossesMessages(s.batch, m.Spans) {
			return
		}
	}
	if m.Spans[len(m.Spans)-1].End <= s.batch.Lead {
		return
	}
	m.Encoding = s.encoding(f, len(pieces) > 1)
	s.found = append(s.found, hit{m, f.of})
}

// encoding names how a form stood in the text: the rounds of the view, the
// form's own, a line break.
func (s *search) encoding(f *form, split bool) record.Encoding {
	var e record.Encoding
	add := func(round record.Encoding) {
		if e != "" {
			e += "+"
		}
		e += round
	}
	if s.view != nil {
		add(s.view.Kind)
	}
	if f.encoding != record.Plain {
		add(f.encoding)
	}
	if split {
		add(record.Split)
	}
	if e == "" {
		return record.Plain
	}
	return e
}

// crossesMessages says whether spans of a view, whose lines may come from
// different messages, or parts of one, do so too.
func crossesMessages(b *record.Batch, spans []record.Span) bool {
	if len(b.Records) == 0 {
		return false
	}
	first, last := recordAt(b, spans[0].Start), recordAt(b, spans[len(spans)-1].End-1)
	if first == last {
		return false
	}
	a, z := &b.Records[first], &b.Records[last]
	// A value may be several lines; the other parts are one record each.
	return a.Msg != z.Msg || a.Part != z.Part || a.Part != record.PartValue
}

// recordAt is the number of the record that holds byte at; the lead belongs to
// the first.
func recordAt(b *record.Batch, at int) int {
	lo, hi := 0, len(b.Records)-1
	for lo < hi {
		if mid := (lo + hi) / 2; b.Records[mid].End > at {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}
