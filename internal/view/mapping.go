package view

import (
	"slices"
	"sort"

	"sluice/internal/record"
)

// Spans appends the raw spans that [start,end) of v stands for, ascending and
// merged where they touch. Bytes that v dropped in between are not part of
// them, so a secret that a frame header or a colour code cuts has several.
func Spans(dst []record.Span, v *record.View, start, end int) []record.Span {
	from := len(dst)
	for i := seek(v.Map, start); i < len(v.Map); i++ {
		s, ok := piece(v.Map[i], start, end)
		if !ok {
			break
		}
		if s.RawN() > 0 {
			dst = appendSpan(dst, from, s.Raw(), s.RawEnd())
		}
	}
	return dst
}

// Same says whether [start,end) of v stands in the text byte for byte and in one
// piece: what is found there was found in the text itself.
func Same(v *record.View, start, end int) bool {
	return same(v.Map, seek(v.Map, start), start, end)
}

// Add adds a span to ascending ones: two pieces of a view may stand in the text in
// the other order, where a run of base64 means something at two alignments.
func Add(dst []record.Span, s record.Span) []record.Span {
	return appendSpan(dst, 0, s.Start, s.End)
}

// appendSpan adds a span to dst[from:], or to the last one if they touch. A span
// that begins before the last one does, as where two texts of one run of base64
// overlap, goes to its place.
func appendSpan(dst []record.Span, from, start, end int) []record.Span {
	last := len(dst) - 1
	if last < from || start > dst[last].End {
		return append(dst, record.Span{Start: start, End: end})
	}
	if start >= dst[last].Start {
		dst[last].End = max(dst[last].End, end)
		return dst
	}
	own := append(dst, record.Span{Start: start, End: end})[from:]
	slices.SortFunc(own, func(a, b record.Span) int { return a.Start - b.Start })
	dst = dst[:from]
	for _, s := range own {
		dst = appendSpan(dst, from, s.Start, s.End)
	}
	return dst
}

// seek is the segment that holds position at, or the number of segments.
func seek(segs []record.Seg, at int) int {
	return sort.Search(len(segs), func(i int) bool { return segs[i].End() > at })
}

// piece is the part of s that stands for [start,end); false if s is behind it.
func piece(s record.Seg, start, end int) (record.Seg, bool) {
	view, n := s.View(), s.N()
	if n == 0 {
		return s, view <= end
	}
	if view >= end {
		return s, false
	}
	raw, rawN := s.Raw(), s.RawN()
	a, z := max(start-view, 0), min(end-view, n)
	switch {
	case z <= a:
		return record.Verbatim(view, 0, raw), true
	case s.IsVerbatim() || s.IsLed() && a > 0:
		return record.Verbatim(view+a, z-a, raw+rawN-n+a), true
	case s.IsEven():
		first, behind := a*rawN/n, (z*rawN+n-1)/n
		return record.Even(view+a, z-a, raw+first, behind-first), true
	case s.IsLed() && z > 1:
		return record.Led(view, z, raw, rawN-n+z), true
	case s.IsLed():
		return record.Unit(view, 1, raw, rawN-n+1), true
	}
	return record.Unit(view+a, z-a, raw, rawN), true
}

// same says whether segs[i] alone holds [start,end), byte for byte.
func same(segs []record.Seg, i, start, end int) bool {
	if i >= len(segs) {
		return false
	}
	view, _, n := segs[i].Same()
	if n == 0 || start < view || end > view+n {
		return false
	}
	return i+1 == len(segs) || segs[i+1].N() > 0 || segs[i+1].View() > end
}

// builder is a view while it grows.
type builder struct {
	text  []byte
	segs  []record.Seg
	floor int // segs[:floor] belong to earlier lines and are not added to
}

// reserve begins a line of about n bytes: it makes room, doubling it, and keeps
// the line's segments apart from those before.
func (b *builder) reserve(n int) {
	const segments = 8 // a few escapes or codes
	if cap(b.text)-len(b.text) < n {
		b.text = slices.Grow(b.text, max(n, len(b.text)))
	}
	if cap(b.segs)-len(b.segs) < segments {
		b.segs = slices.Grow(b.segs, max(segments, len(b.segs)))
	}
	b.floor = len(b.segs)
}

// cut takes back what was added since (text, seg).
func (b *builder) cut(text, seg int) {
	b.text, b.segs = b.text[:text], b.segs[:seg]
}

// put adds the map of text that the caller appends. Neighbours that map alike
// share a segment, and so does an escape with the text behind it.
func (b *builder) put(s record.Seg) {
	last := len(b.segs) - 1
	if last < b.floor {
		b.segs = append(b.segs, s)
		return
	}
	p := b.segs[last]
	if p.RawEnd() != s.Raw() {
		b.segs = append(b.segs, s)
		return
	}
	switch {
	case s.IsVerbatim() && (p.IsVerbatim() || p.IsLed()):
		b.segs[last] = p.Grown(s.N(), s.N())
	case s.IsVerbatim() && p.N() == 1 && p.RawN() > 1 && !p.IsEven():
		b.segs[last] = record.Led(p.View(), 1+s.N(), p.Raw(), p.RawN()+s.N())
	case joins(p, s):
		b.segs[last] = record.Even(p.View(), p.N()+s.N(), p.Raw(), p.RawN()+s.RawN())
	default:
		b.segs = append(b.segs, s)
	}
}

// joins says whether two neighbours that are not verbatim are one even run.
func joins(p, s record.Seg) bool {
	if p.RawN() == 0 || s.RawN() == 0 || p.N() == 0 || s.N() == 0 || p.IsVerbatim() || s.IsVerbatim() || p.IsLed() || s.IsLed() {
		return false
	}
	return (p.IsEven() || p.N() == 1) && (s.IsEven() || s.N() == 1) && p.N()*s.RawN() == s.N()*p.RawN()
}

// separate ends a line that has no line end of its own.
func (b *builder) separate() {
	raw := 0
	if last := len(b.segs) - 1; last >= 0 {
		raw = b.segs[last].RawEnd()
	}
	b.put(record.Unit(len(b.text), 1, raw, 0))
	b.text = append(b.text, '\n')
}
