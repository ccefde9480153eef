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

// reader walks the map of a node from left to right.
type reader struct {
	*node
	seg int
}

// to moves to the segment that holds position at.
func (r *reader) to(at int) {
	for r.seg < len(r.segs) && r.segs[r.seg].End() <= at {
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
	view, raw, _ := r.segs[r.seg].Same()
	return raw + i - view, true
}

// copy appends [i,j) as it is. Of the segments, the first may be cut, and then the
// second may join it; those behind were not joined to the one before them when the
// text was made, and are not now.
func (r *reader) copy(to *builder, i, j int) {
	if i >= j {
		return
	}
	base := len(to.text) - i
	to.text = append(to.text, r.text[i:j]...)
	r.to(i)
	for first := r.seg; r.seg < len(r.segs); r.seg++ {
		whole := r.segs[r.seg]
		if r.seg > first+1 && r.depth > 0 && whole.End() <= j {
			to.segs = append(to.segs, whole.At(base+whole.View()))
			continue
		}
		s, ok := piece(whole, i, j)
		if !ok {
			return
		}
		if s.N() > 0 || s.RawN() > 0 {
			to.copied(s.At(base+s.View()), whole, s.View()-whole.View())
		}
		if whole.End() > j {
			return
		}
	}
}

// copied puts s, which is the segment whole from its byte a on, or a part of that.
func (b *builder) copied(s, whole record.Seg, a int) {
	switch {
	case whole.IsEven() && s.N() < whole.N():
		split(b, whole, s.View(), a, s.N())
	case s.IsLed():
		first := s.RawN() - s.N() + 1
		lead := record.Unit(s.View(), 1, s.Raw(), first)
		if last := len(b.segs) - 1; last < b.floor || b.segs[last].RawEnd() != s.Raw() || !joins(b.segs[last], lead) {
			b.segs = append(b.segs, s)
			return
		}
		b.put(lead)
		b.put(record.Verbatim(s.View()+1, s.N()-1, s.Raw()+first))
	case whole.IsVerbatim() || whole.IsEven() || s.N() == 0 || whole.IsLed() && s.IsVerbatim():
		b.put(s)
	default:
		b.stretch(s.View(), s.N(), s.Raw(), s.RawEnd())
	}
}

// split puts bytes [a,a+n) of the even segment s, which need not lie on its
// grid: base64 bytes that share characters with their neighbours go one by one.
func split(to *builder, s record.Seg, view, a, n int) {
	step := s.N() / gcd(s.N(), s.RawN())
	for n > 0 {
		size, put := 1, record.Unit
		if a%step == 0 && n >= step {
			size = n - n%step
		}
		if size > 1 {
			put = record.Even
		}
		first, behind := a*s.RawN()/s.N(), ((a+size)*s.RawN()+s.N()-1)/s.N()
		to.put(put(view, size, s.Raw()+first, behind-first))
		view, a, n = view+size, a+size, n-size
	}
}

func gcd(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}

// each maps the bytes from view on to what the units in [i,j) stand for, each of
// them width bytes of r.
func (r *reader) each(to *builder, view, i, j, width int) {
	raw, rawN, ok := r.evenly(i, j)
	switch {
	case ok && j-i > width:
		to.put(record.Even(view, (j-i)/width, raw, rawN))
	case ok:
		to.put(record.Unit(view, 1, raw, rawN))
	default:
		for ; i < j; view, i = view+1, i+width {
			r.mean(to, view, 1, i, i+width)
		}
	}
}

// evenly is what [i,j) stands for, if each byte of it stands for as many bytes,
// and for them alone.
func (r *reader) evenly(i, j int) (raw, rawN int, ok bool) {
	if r.raw {
		return i, j - i, true
	}
	r.to(i)
	if !r.alone(j) {
		return 0, 0, false
	}
	s := r.segs[r.seg]
	if view, raw, n := s.Same(); n > 0 {
		return raw + i - view, j - i, i >= view
	}
	if !s.IsEven() || s.RawN()%s.N() != 0 {
		return 0, 0, false
	}
	step := s.RawN() / s.N()
	return s.Raw() + (i-s.View())*step, (j - i) * step, true
}

// unit appends what [i,j) means: out.
func (r *reader) unit(to *builder, i, j int, out []byte) {
	view := len(to.text)
	to.text = append(to.text, out...)
	r.mean(to, view, len(out), i, j)
}

// mean maps n bytes to what [i,j) stands for.
func (r *reader) mean(to *builder, view, n, i, j int) {
	if r.raw {
		to.stretch(view, n, i, j)
		return
	}
	r.to(i)
	if s, ok := r.within(i, j); ok {
		to.stretch(view, n, s.Raw(), s.RawEnd())
		return
	}
	start, end := -1, -1
	for k := r.seg; k < len(r.segs); k++ {
		s, ok := piece(r.segs[k], i, j)
		if !ok {
			break
		}
		if s.RawN() == 0 {
			continue
		}
		if start >= 0 && s.Raw() > end { // dropped bytes stand inside the unit
			to.stretch(view, n, start, end)
			view, n, start = view+n, 0, -1
		}
		if start < 0 {
			start = s.Raw()
		}
		end = max(end, s.RawEnd())
	}
	if start < 0 { // a map that does not cover its view
		start, end = 0, 0
		if last := len(to.segs) - 1; last >= 0 {
			start, end = to.segs[last].Raw(), to.segs[last].Raw()
		}
	}
	to.stretch(view, n, start, end)
}

// within is the part of the segment in hand that [i,j) is, if it is in no other
// and stands for something.
func (r *reader) within(i, j int) (record.Seg, bool) {
	if !r.alone(j) {
		return record.Seg{}, false
	}
	s, _ := piece(r.segs[r.seg], i, j)
	return s, s.RawN() > 0
}

// alone says whether the segment in hand is the only one that holds what ends at j.
func (r *reader) alone(j int) bool {
	if r.seg >= len(r.segs) || j > r.segs[r.seg].End() {
		return false
	}
	next := r.seg + 1
	return next == len(r.segs) || r.segs[next].N() > 0 || r.segs[next].View() > j
}

// stretch puts n bytes that all stand for the raw bytes [start,end). They are
// other bytes even where there are as many: Even says so of one, and more are
// put as two segments.
func (b *builder) stretch(view, n, start, end int) {
	switch {
	case n != end-start:
		b.put(record.Unit(view, n, start, end-start))
	case n <= 1:
		b.put(record.Even(view, n, start, n))
	default:
		b.put(record.Unit(view, 1, start, n))
		b.put(record.Unit(view+1, n-1, start, n))
	}
}
