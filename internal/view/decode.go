package view

import (
	"slices"

	"sluice/internal/record"
)

// decode appends what s means to k. Groups that stand byte for byte in the text
// share a segment; in others, each byte maps to the characters that hold a bit
// of it.
func (p *packing) decode(n, k *node, s stretch) {
	from := reader{n, 0}
	if !n.raw {
		from.seg = seek(n.segs, s.start-p.chars)
	}
	if s.before > 0 {
		p.some(&from, k, s.start-p.chars, s.start, p.size-s.before, p.size)
	}
	if raw, straight := from.straight(s.start, s.end); straight {
		p.whole(k, n.text[s.start:s.end], raw)
	} else {
		for at := s.start; at < s.end; {
			if raw, straight := from.straight(at, at+p.chars); straight {
				p.whole(k, n.text[at:at+p.chars], raw)
				at += p.chars
			} else if end := p.spread(&from, k, at, s.end); end > at {
				at = end
			} else if end := p.apiece(&from, k, at, s.end); end > at {
				at = end
			} else {
				p.some(&from, k, at, at+p.chars, 0, p.size)
				at += p.chars
			}
		}
	}
	if s.behind > 0 {
		// The characters that hold these bytes; there may be no more.
		p.some(&from, k, s.end, s.end+(s.behind*8-1)/int(p.bits)+1, 0, s.behind)
	}
}

// whole appends the bytes of groups that stand at raw of the batch's text.
func (p *packing) whole(k *node, chars []byte, raw int) {
	k.put(record.Even(len(k.text), len(chars)>>p.shift*p.size, raw, len(chars)))
	k.text = p.unpacked(k.text, chars)
}

// unpacked appends the bytes of whole groups.
func (p *packing) unpacked(text, chars []byte) []byte {
	if p.chars == 2 {
		for ; len(chars) >= 2; chars = chars[2:] {
			text = append(text, byte(hexValues[chars[0]])<<4|byte(hexValues[chars[1]]))
		}
		return text
	}
	for ; len(chars) >= 4; chars = chars[4:] {
		v := uint32(base64Values[chars[0]])<<18 | uint32(base64Values[chars[1]])<<12 |
			uint32(base64Values[chars[2]])<<6 | uint32(base64Values[chars[3]])
		text = append(text, byte(v>>16), byte(v>>8), byte(v))
	}
	return text
}

// some appends bytes [i,j) of the group whose characters are [at,end).
func (p *packing) some(from *reader, k *node, at, end, i, j int) {
	group, _ := p.bytes(from.text[at:end])
	for ; i < j; i++ {
		from.unit(&k.builder, at+i*8/int(p.bits), at+(i*8+7)/int(p.bits)+1, group[i:i+1])
	}
}

// spread appends the bytes of those groups in [at,end) that stand in the even
// segment that holds at, and says where they end. It gives what some gives.
func (p *packing) spread(from *reader, k *node, at, end int) int {
	from.to(at)
	if from.seg >= len(from.segs) || !from.segs[from.seg].IsEven() {
		return at
	}
	s := from.segs[from.seg]
	end = at + (min(end, s.End())-at)>>p.shift<<p.shift
	if !from.alone(end) {
		return at
	}
	k.segs = slices.Grow(k.segs, (end-at)>>p.shift*p.size)
	third := s.N()%3 == 0 && s.RawN() == s.N()/3*4 // base64, where nothing was cut
	done := periods{period: evenPeriod}
	for ; at < end; at += p.chars {
		if third && p.round == base64 && done.begin(from, k, at) {
			n := (end - at) / done.chars
			for i := range n {
				done.again(k, i+1)
			}
			k.text = p.unpacked(k.text, from.text[at:at+n*done.chars])
			if at += n * done.chars; at == end {
				break
			}
		}
		group, size := p.bytes(from.text[at : at+p.chars])
		view, char := len(k.text), at-s.View()
		k.text = append(k.text, group[:size]...)
		for i := range size {
			a, z := char+i*8/int(p.bits), char+(i*8+7)/int(p.bits)+1
			if third { // a division less is a third of the work
				k.stretch(view+i, 1, s.Raw()+int(uint(a)*4/3), s.Raw()+int((uint(z)*4+2)/3))
				continue
			}
			k.stretch(view+i, 1, s.Raw()+a*s.RawN()/s.N(), s.Raw()+(z*s.RawN()+s.N()-1)/s.N())
		}
	}
	return end
}

// apiece appends the bytes of those groups in [at,end) whose characters stand for raw
// bytes that touch, in segments of one byte or even ones, and says where they end. It
// gives what some gives.
func (p *packing) apiece(from *reader, k *node, at, end int) int {
	var stand [4]record.Span // what each character stands for
	k.segs = slices.Grow(k.segs, (end-at)>>p.shift*p.size)
	done := periods{period: bytePeriod}
	for from.to(at); at < end; at += p.chars {
		if p.round == base64 && from.seg < len(from.segs) && from.segs[from.seg].View() == at && done.begin(from, k, at) {
			begin := at
			for n := 1; at+done.chars <= end; n++ {
				seg, ok := done.goesOn(from, from.seg, n)
				if !ok {
					break
				}
				done.again(k, n)
				from.seg, at = seg, at+done.chars
			}
			k.text = p.unpacked(k.text, from.text[begin:at])
			if at == end {
				break
			}
		}
		seg := from.seg
		for i := range p.chars {
			if seg >= len(from.segs) {
				return at
			}
			s, here := &from.segs[seg], at+i
			a, z := s.Raw(), s.RawEnd()
			if s.IsEven() && s.N() > 1 {
				off := here - s.View()
				a, z = a+off*s.RawN()/s.N(), a+((off+1)*s.RawN()+s.N()-1)/s.N()
			} else if s.N() != 1 {
				return at
			}
			if a == z || s.View() > here || i > 0 && a > stand[i-1].End {
				return at
			}
			if stand[i] = (record.Span{Start: a, End: z}); s.End() == here+1 {
				seg++
			}
		}
		if seg < len(from.segs) && from.segs[seg].N() == 0 {
			return at
		}
		group, size := p.bytes(from.text[at : at+p.chars])
		view := len(k.text)
		k.text = append(k.text, group[:size]...)
		for i := range size { // it has bits of the character there and of the next one
			k.stretch(view+i, 1, stand[i].Start, max(stand[i].End, stand[i+1].End))
		}
		from.seg = seg
	}
	return at
}
