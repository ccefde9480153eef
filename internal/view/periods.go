package view

import "sluice/internal/record"

// Where base64 holds base64, what its bytes map to comes back every so many characters,
// some bytes further on in the view and in the batch's text. What one such period was
// given is given to those that follow it, as far as the map that is read goes on alike.

// period is how far it is from one to the next: in what is read, in what is made of it,
// and in the batch's text.
type period struct{ chars, bytes, raw int }

var (
	// In what stands evenly for base64, as what was decoded once does.
	evenPeriod = period{12, 9, 16}
	// In what was decoded so: byte by byte.
	bytePeriod = period{36, 27, 64}
)

// begun is where a period begins.
type begun struct {
	at, seg    int // in what is read, and its map
	view, segs int // in what is made of it
}

// periods are the last ones that were decoded, one behind the other.
type periods struct {
	period
	last [3]begun
	n    int
}

// begin is called in front of each group, of which from.seg holds the first character,
// if one begins there too. It says whether the last two periods gave the same.
func (p *periods) begin(from *reader, k *node, at int) bool {
	if p.n > 0 {
		switch next := p.last[p.n-1].at + p.chars; {
		case at < next:
			return false
		case at > next:
			p.n = 0
		}
	}
	p.last[p.n] = begun{at, from.seg, len(k.text), len(k.segs)}
	if p.n++; p.n < len(p.last) {
		return false
	}
	p.n = 0 // if it is of no use, periods from the next group on may be
	a, b, c := &p.last[0], &p.last[1], &p.last[2]
	return b.view-a.view == p.bytes && c.view-b.view == p.bytes &&
		alike(k.segs[a.segs:b.segs], k.segs[b.segs:c.segs], p.bytes, p.raw)
}

// again gives the last period to the next one, number n behind it. The text is the
// caller's.
func (p *periods) again(k *node, n int) {
	for _, s := range k.segs[p.last[1].segs:p.last[2].segs] {
		k.segs = append(k.segs, s.At(s.View()+n*p.bytes).Moved(n*p.raw))
	}
}

// goesOn says whether the map that is read is, from segment seg on, that of the last
// period, number n behind it, and where that ends. No segment of no bytes may follow.
func (p *periods) goesOn(from *reader, seg, n int) (end int, ok bool) {
	read := from.segs[p.last[1].seg:p.last[2].seg]
	end = seg + len(read)
	if end >= len(from.segs) || from.segs[end].N() == 0 {
		return seg, false
	}
	return end, alike(read, from.segs[seg:end], n*p.chars, n*p.raw)
}

// alike says whether the segments of b are those of a, so many bytes further on in the
// view and in the batch's text.
func alike(a, b []record.Seg, view, raw int) bool {
	if len(a) != len(b) {
		return false
	}
	for i, s := range a {
		if b[i] != s.At(s.View()+view).Moved(raw) {
			return false
		}
	}
	return true
}
