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
		if s.RawN > 0 {
			dst = appendSpan(dst, from, s.Raw, s.Raw+s.RawN)
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
	return sort.Search(len(segs), func(i int) bool { return segs[i].View+segs[i].N > at })
}

// piece is the part of s that stands for [start,end); false if s is behind it.
func piece(s record.Seg, start, end int) (record.Seg, bool) {
	if s.N == 0 {
		return s, s.View <= end
	}
	if s.View >= end {
		return s, false
	}
	a, z := max(start-s.View, 0), min(end-s.View, s.N)
	if z <= a {
		return record.Seg{View: s.View, Raw: s.Raw}, true
	}
	switch {
	case s.N == s.RawN:
		s.Raw, s.RawN = s.Raw+a, z-a
	case s.Even:
		first, behind := a*s.RawN/s.N, (z*s.RawN+s.N-1)/s.N
		s.Raw, s.RawN = s.Raw+first, behind-first
	}
	s.View, s.N = s.View+a, z-a
	return s, true
}

// verbatim says that the bytes of s are the raw bytes.
func verbatim(s *record.Seg) bool { return s.N == s.RawN && !s.Even }

// same says whether segs[i] alone holds [start,end), byte for byte.
func same(segs []record.Seg, i, start, end int) bool {
	if i >= len(segs) {
		return false
	}
	s := segs[i]
	if !verbatim(&s) || start < s.View || end > s.View+s.N {
		return false
	}
	return i+1 == len(segs) || segs[i+1].N > 0 || segs[i+1].View > end
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

// put adds the map of n bytes of text that the caller appends. Neighbours that
// map alike share a segment.
func (b *builder) put(s record.Seg) {
	if last := len(b.segs) - 1; last >= b.floor {
		p := &b.segs[last]
		same := verbatim(p) && verbatim(&s)
		if same && p.Raw+p.RawN == s.Raw || joins(p, &s) {
			p.N += s.N
			p.RawN += s.RawN
			p.Even = !same
			return
		}
	}
	b.segs = append(b.segs, s)
}

// joins says whether two segments that are not verbatim are one even run.
func joins(p, s *record.Seg) bool {
	if p.Raw+p.RawN != s.Raw || p.N == 0 || s.N == 0 || p.RawN == 0 || s.RawN == 0 || verbatim(p) || verbatim(s) {
		return false
	}
	return (p.Even || p.N == 1) && (s.Even || s.N == 1) && p.N*s.RawN == s.N*p.RawN
}

// separate ends a line that has no line end of its own.
func (b *builder) separate() {
	raw := 0
	if last := len(b.segs) - 1; last >= 0 {
		raw = b.segs[last].Raw + b.segs[last].RawN
	}
	b.put(record.Seg{View: len(b.text), N: 1, Raw: raw})
	b.text = append(b.text, '\n')
}

// reader walks the map of a node from left to right.
type reader struct {
	*node
	seg int
}

// to moves to the segment that holds position at.
func (r *reader) to(at int) {
	for r.seg < len(r.segs) && r.segs[r.seg].View+r.segs[r.seg].N <= at {
		r.seg++
	}
}

// changed says whether [i,j) touches anything that r's rounds changed.
func (r *reader) changed(i, j int) bool {
	r.to(i)
	return !same(r.segs, r.seg, i, j)
}

// straight is where [i,j) stands in the batch's text byte for byte, if it does.
func (r *reader) straight(i, j int) (raw int, ok bool) {
	if r.raw {
		return i, true
	}
	if r.changed(i, j) {
		return 0, false
	}
	s := r.segs[r.seg]
	return s.Raw + i - s.View, true
}

// copy appends [i,j) as it is.
func (r *reader) copy(to *builder, i, j int) {
	if i >= j {
		return
	}
	base := len(to.text) - i
	to.text = append(to.text, r.text[i:j]...)
	if r.raw {
		to.put(record.Seg{View: base + i, N: j - i, Raw: i, RawN: j - i})
		return
	}
	r.to(i)
	for k := r.seg; k < len(r.segs); k++ {
		s, ok := piece(r.segs[k], i, j)
		if !ok {
			return
		}
		if s.N == 0 && s.RawN == 0 {
			continue
		}
		s.View += base
		whole := &r.segs[k]
		switch {
		case whole.Even && s.N < whole.N:
			split(to, whole, s.View, s.View-base-whole.View, s.N)
		case verbatim(whole) || whole.Even || s.N == 0:
			to.put(s)
		default:
			to.stretch(s.View, s.N, s.Raw, s.Raw+s.RawN)
		}
	}
}

// split puts bytes [a,a+n) of the even segment s, which need not lie on its
// grid: base64 bytes that share characters with their neighbours go one by one.
func split(to *builder, s *record.Seg, view, a, n int) {
	step := s.N / gcd(s.N, s.RawN)
	for n > 0 {
		size := 1
		if a%step == 0 && n >= step {
			size = n - n%step
		}
		first, behind := a*s.RawN/s.N, ((a+size)*s.RawN+s.N-1)/s.N
		to.put(record.Seg{View: view, N: size, Raw: s.Raw + first, RawN: behind - first, Even: size > 1})
		view, a, n = view+size, a+size, n-size
	}
}

func gcd(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}

// unit appends what [i,j) means: out, or nothing where it is dropped.
func (r *reader) unit(to *builder, i, j int, out []byte) {
	if len(out) == 0 {
		return
	}
	view := len(to.text)
	to.text = append(to.text, out...)
	if r.raw {
		to.stretch(view, len(out), i, j)
		return
	}
	r.to(i)
	n, start, end := len(out), -1, -1
	for k := r.seg; k < len(r.segs); k++ {
		s, ok := piece(r.segs[k], i, j)
		if !ok {
			break
		}
		if s.RawN == 0 {
			continue
		}
		if start >= 0 && s.Raw > end { // dropped bytes stand inside the unit
			to.stretch(view, n, start, end)
			view, n, start = view+n, 0, -1
		}
		if start < 0 {
			start = s.Raw
		}
		end = max(end, s.Raw+s.RawN)
	}
	if start < 0 { // a map that does not cover its view
		start, end = 0, 0
		if last := len(to.segs) - 1; last >= 0 {
			start, end = to.segs[last].Raw, to.segs[last].Raw
		}
	}
	to.stretch(view, n, start, end)
}

// stretch puts n bytes that all stand for the raw bytes [start,end). They are
// other bytes even where there are as many: Even says so of one, and more are
// put as two segments.
func (b *builder) stretch(view, n, start, end int) {
	if n > 1 && n == end-start {
		b.put(record.Seg{View: view, N: 1, Raw: start, RawN: end - start})
		view, n = view+1, n-1
	}
	b.put(record.Seg{View: view, N: n, Raw: start, RawN: end - start, Even: n == end-start})
}
