package view

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

// Groups that stand in one even segment, or whose characters have one each, are decoded
// as if each stood alone.
func TestSpreadIsSome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := &node{}
		for raw := 5; len(n.text) < 60; {
			size := rapid.IntRange(1, 40).Draw(t, "bytes")
			rawN := rapid.IntRange(1, 80).Draw(t, "for")
			s := record.Even(len(n.text), size, raw, rawN)
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0: // what base64 gives
				s = record.Even(len(n.text), size*3, raw, size*4)
				size *= 3
			case 1: // each for bytes of its own, or some that it shares
				for range size {
					n.segs = append(n.segs, record.Unit(len(n.text), 1, raw, rapid.IntRange(0, 3).Draw(t, "for")))
					n.text = append(n.text, "61ad72"[len(n.text)%6])
					raw += rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "on")
				}
				continue
			}
			if rapid.IntRange(0, 4).Draw(t, "uneven") == 0 {
				s = record.Unit(len(n.text), size, raw, size+rawN)
			}
			n.segs = append(n.segs, s)
			n.text = append(n.text, bytes.Repeat([]byte("61ad72"), 20)[:size]...)
			if rapid.IntRange(0, 4).Draw(t, "cut") == 0 { // more raw bytes for the last one
				n.segs = append(n.segs, record.Unit(len(n.text), 0, s.RawEnd()+1, 1))
			}
			raw = s.RawEnd() + rapid.IntRange(0, 1).Draw(t, "gap")
		}
		p := &packings[rapid.IntRange(0, 1).Draw(t, "packing")]
		begin := rapid.IntRange(0, p.chars).Draw(t, "begin")
		end := begin + (len(n.text)-begin)/p.chars*p.chars
		var got, want node
		from, each := reader{n, 0}, reader{n, 0}
		for at := begin; at < end; at += p.chars {
			p.some(&each, &want, at, at+p.chars, 0, p.size)
		}
		quick := false
		for at := begin; at < end; {
			next := p.spread(&from, &got, at, end)
			if next == at {
				next = p.apiece(&from, &got, at, end)
			}
			if quick = quick || next > at; next == at {
				next = at + p.chars
				p.some(&from, &got, at, next, 0, p.size)
			}
			at = next
		}
		if !bytes.Equal(got.text, want.text) || !slices.Equal(got.segs, want.segs) {
			t.Fatalf("of %v from %d: %q %v, want %q %v (quickly: %v)", n.segs, begin, got.text, got.segs, want.text, want.segs, quick)
		}
	})
}
