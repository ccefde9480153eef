package view

import "sluice/internal/record"

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
// text was made, and are not now. Neither are those at the beginning of a line.
func (r *reader) copy(to *builder, i, j int) {
	if i >= j {
		return
	}
	base := len(to.text) - i
	to.text = append(to.text, r.text[i:j]...)
	r.to(i)
	joins := r.seg + 1 // the last segment that may join another
	if len(to.segs) == to.floor && r.seg < len(r.segs) && r.segs[r.seg].View() == i {
		joins = r.seg - 1
	}
	for ; r.seg < len(r.segs); r.seg++ {
		if r.seg > joins && r.depth > 0 {
			r.copyWhole(to, base, j)
			if r.seg == len(r.segs) {
				return
			}
		}
		whole := r.segs[r.seg]
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

// copyWhole appends the segments from the one in hand on that end at j at the latest,
// base further on.
func (r *reader) copyWhole(to *builder, base, j int) {
	segs, from := to.segs, r.segs[r.seg:]
	for i := range from {
		if from[i].End() > j {
			from = from[:i]
			break
		}
		segs = append(segs, from[i].At(base+from[i].View()))
	}
	to.segs, r.seg = segs, r.seg+len(from)
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
