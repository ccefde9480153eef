package view

import (
	"math/bits"
	"slices"
)

const (
	// shortestRun is how many characters of one alphabet make a run that is
	// looked at: base64 of ten bytes is 14 characters and two of padding.
	shortestRun = 14
	// shortestText is how many bytes of plain text in a row make base64 kept:
	// by chance one run of 16 characters in 4,000 has them.
	shortestText = 9
	// shortestHexText is the same for hex: 32 digits. By chance one hash of 64
	// digits in 100,000 has them.
	shortestHexText = 16
)

// packing is an alphabet in which chars characters hold size bytes.
type packing struct {
	round       round
	chars, size int
	shift       uint // 1<<shift is chars
	need        int  // groups of plain text in a row
	values      *[256]int8
	bits        uint
	// fits has bit i of a character set that can be number i of a group of plain
	// text. In a hash one group in twenty is of such characters.
	fits [256]uint8
}

var packings = [...]packing{
	{base64, 4, 3, 2, shortestText / 3, &base64Values, 6, fits(&base64Values, 6, 4)},
	{hex, 2, 1, 1, shortestHexText, &hexValues, 4, fits(&hexValues, 4, 2)},
}

var (
	base64Values = alphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", "-_", 62)
	hexValues    = alphabet("0123456789abcdef", "ABCDEF", 10)
)

// alphabet gives each character its value, others -1; also holds other writings
// of the values from first on.
func alphabet(chars, also string, first int8) [256]int8 {
	var t [256]int8
	for i := range t {
		t[i] = -1
	}
	for i, c := range []byte(chars) {
		t[c] = int8(i)
	}
	for i, c := range []byte(also) {
		t[c] = first + int8(i)
	}
	return t
}

// fits makes packing.fits for groups of chars characters. A character shares
// bytes with its neighbours only, so each is looked at with those.
func fits(values *[256]int8, bits uint, chars int) (t [256]uint8) {
	for c, v := range values {
		for at := 0; v >= 0 && at < chars; at++ {
			if fitsAt(uint32(v), bits, at) {
				t[c] |= 1 << at
			}
		}
	}
	return t
}

// fitsAt says whether some neighbours of character number at of a group, which
// has the value v, make each byte that holds a bit of it plain. A byte has bits of
// one neighbour at most, so both are tried with the same value at a time.
func fitsAt(v uint32, bits uint, at int) bool {
	begin := (at - 1) * int(bits) // the bit of the group where the neighbour before begins
	first, end := at*int(bits)/8, ((at+1)*int(bits)+7)/8
	found := 0
	for i := first; i < end; i++ {
		for n := range uint32(1) << bits {
			three := n<<(2*bits) | v<<bits | n
			if byteKinds[three>>(3*int(bits)-(8*i-begin+8))&0xff] == plain {
				found++
				break
			}
		}
	}
	return found == end-first
}

// What a decoded byte can be: text is ASCII as people write it, foreign may be
// a part of a character that is not ASCII.
const (
	binary = iota
	foreign
	plain
)

var byteKinds = func() (t [256]uint8) {
	for c := 0x20; c < 0x7f; c++ {
		t[c] = plain
	}
	t['\t'], t['\n'], t['\r'], t[0x1b] = plain, plain, plain, plain
	for c := 0x80; c < 0x100; c++ {
		t[c] = foreign
	}
	return t
}()

// stretch is a part of a run that decodes to text: the whole groups in
// [start,end), the last bytes of the group before and the first of the one
// behind, which is cut short at the end of the run.
type stretch struct{ start, end, before, behind int }

// unpacking is the search for runs in one line of a node.
type unpacking struct {
	node   *node
	lo, hi int
	done   int // runs before it were seen
	// Where, plus one, the line begins in the children; 0: it has no part yet.
	text, seg [rounds]int
}

// unpack makes n's children by base64 and hex of the line [lo,hi). In a text
// that a round made, only runs that the round changed are worth it.
func (e *expander) unpack(n *node, lo, hi, seg int) {
	u := unpacking{node: n, lo: lo, hi: hi, done: lo}
	from := reader{n, seg}
	var found []ends
	base := lo
	if n.raw {
		base = 0
		found = e.ends[e.seen:]
	} else {
		found = e.rows(e.found[:0], nil, n.text[lo:hi])
		e.found = found
	}
	for i := 0; i < len(found) && base+found[i].at < hi; i++ {
		for word := found[i].bits; word != 0; word &= word - 1 {
			if at := base + found[i].at + bits.TrailingZeros64(word); at >= u.done && at < hi {
				e.around(&u, &from, at)
			}
		}
	}
	for r := base64; r <= hex; r++ {
		if u.seg[r] > 0 {
			e.finish(n.kids[r], u.text[r]-1, u.seg[r]-1, anything)
		}
	}
}

// around adds the text that the run around position at holds, if it is one and
// worth it.
func (e *expander) around(u *unpacking, from *reader, at int) {
	text := u.node.text
	start, end := at, at+1
	for start > u.done && base64Values[text[start-1]] >= 0 {
		start--
	}
	for end < u.hi && base64Values[text[end]] >= 0 {
		end++
	}
	u.done = end
	if end-start < shortestRun || u.node.wantsNew(base64) && !from.changed(start, end) {
		return
	}
	for i := range packings {
		if p := &packings[i]; end-start >= p.chars*p.need {
			e.run(u, p, start, end)
		}
	}
}

// run adds the text that a run holds to the child for p.
func (e *expander) run(u *unpacking, p *packing, start, end int) {
	e.room = p.stretches(e.room[:0], u.node.text, start, end)
	if len(e.room) == 0 {
		return
	}
	k := e.kid(u.node, p.round)
	if u.seg[p.round] == 0 {
		u.text[p.round], u.seg[p.round] = len(k.text)+1, len(k.segs)+1
		k.reserve(end - start)
	}
	for _, s := range e.room {
		p.decode(u.node, k, s)
		k.separate()
	}
}

// stretches finds the text in a run, whatever its alignment: characters of the
// alphabet may stand right before it ("token-", a path).
func (p *packing) stretches(dst []stretch, text []byte, start, end int) []stretch {
	for phase := range p.chars {
		first := start + phase
		groups := (end - first) >> p.shift
		done := 0 // groups before it are in a stretch
		for w := p.need - 1; w < groups; w += p.need {
			if !p.fit(text[first+w*p.chars:]) || !p.plainRow(text[:end], first, w) {
				continue
			}
			from, to := w, w+1
			for from > done && p.group(text[first+(from-1)*p.chars:]) > binary {
				from--
			}
			for to < groups && p.group(text[first+to*p.chars:]) > binary {
				to++
			}
			dst = append(dst, p.stretch(text[:end], first+from*p.chars, first+to*p.chars, first))
			done, w = to, to
		}
		if len(dst) > 0 && dst[0].start == start && end-dst[0].end < p.chars {
			return dst
		}
	}
	if len(dst) < 2 {
		return dst
	}
	slices.SortFunc(dst, func(a, b stretch) int { return a.start - b.start })
	return dst
}

// fit says whether each character of the group that text starts with is one that
// plain text has there.
func (p *packing) fit(text []byte) bool {
	if p.fits[text[1]]&2 == 0 || p.fits[text[0]]&1 == 0 {
		return false
	}
	return p.chars == 2 || p.fits[text[2]]&4 != 0 && p.fits[text[3]]&8 != 0
}

// group is the kind of the worst byte of the group that text starts with.
func (p *packing) group(text []byte) uint8 {
	if p.chars == 4 {
		a, b, c, d := base64Values[text[0]], base64Values[text[1]], base64Values[text[2]], base64Values[text[3]]
		if a|b|c|d < 0 {
			return binary
		}
		v := uint32(a)<<18 | uint32(b)<<12 | uint32(c)<<6 | uint32(d)
		return min(byteKinds[v>>16&0xff], byteKinds[v>>8&0xff], byteKinds[v&0xff])
	}
	a, b := hexValues[text[0]], hexValues[text[1]]
	if a|b < 0 {
		return binary
	}
	return byteKinds[uint8(a)<<4|uint8(b)]
}

// plainRow says whether group w of those from first on is one of enough plain
// ones in a row.
func (p *packing) plainRow(text []byte, first, w int) bool {
	plainAt := func(g int) bool {
		at := first + g*p.chars
		return at >= first && at+p.chars <= len(text) && p.group(text[at:]) == plain
	}
	if !plainAt(w) {
		return false
	}
	row := 1
	for g := w - 1; row < p.need && plainAt(g); g-- {
		row++
	}
	for g := w + 1; row < p.need && plainAt(g); g++ {
		row++
	}
	return row >= p.need
}

// stretch adds to the groups in [start,end) the text next to them.
func (p *packing) stretch(text []byte, start, end, first int) stretch {
	s := stretch{start: start, end: end}
	if start > first {
		group, size := p.bytes(text[start-p.chars : start])
		for s.before < size && byteKinds[group[size-1-s.before]] > binary {
			s.before++
		}
	}
	group, size := p.bytes(text[end:min(end+p.chars, len(text))])
	for s.behind < size && byteKinds[group[s.behind]] > binary {
		s.behind++
	}
	return s
}

// bytes are those that a group, or the beginning of one, holds.
func (p *packing) bytes(chars []byte) (group [3]byte, size int) {
	v, ok := p.value(chars)
	if !ok {
		return group, 0
	}
	size = len(chars) * int(p.bits) / 8
	v >>= uint(len(chars))*p.bits - uint(size)*8
	for i := size - 1; i >= 0; i-- {
		group[i] = byte(v)
		v >>= 8
	}
	return group, size
}

// value is what the characters hold, the last in the lowest bits; false if one
// is not of the alphabet, as in a run of base64 that is asked for hex.
func (p *packing) value(text []byte) (v uint32, ok bool) {
	for _, c := range text {
		d := p.values[c]
		if d < 0 {
			return 0, false
		}
		v = v<<p.bits | uint32(d)
	}
	return v, true
}
