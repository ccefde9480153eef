package view

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

// What is undone on Batch.Text is what is undone on a text whose map says that it
// stands for itself.
func TestUndoIsRedo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawText(t)
		lo := rapid.IntRange(0, len(text)).Draw(t, "begin")
		hi := rapid.IntRange(lo, len(text)).Draw(t, "end")
		var starts []int32
		for i, c := range text {
			if slices.Contains(triggers[:], c) {
				starts = append(starts, int32(i))
			}
		}
		before := builder{text: []byte("a line\n"), segs: []record.Seg{record.Verbatim(0, 7, 0)}, floor: 1}
		for r := ansi; r < base64; r++ {
			found, made := units(nil, starts, r, text[:hi], lo)
			at, c, left := unit(r, text[:hi], lo)
			if at < 0 {
				if len(found) > 0 || made != left {
					t.Fatalf("%s of %q from %d: %v (%v), want none (%v)", roundNames[r], text[:hi], lo, found, made, left)
				}
				continue
			}
			self := &node{builder: builder{text: text, segs: []record.Seg{record.Verbatim(0, len(text), 0)}}}
			got, want := before.clone(), before.clone()
			got.reserve(hi - lo + wide)
			got.segs = mapped(got.segs, found, len(got.text), lo, hi)
			made |= got.undo(found, text, lo, hi)
			madeToo := left | want.redo(&reader{self, 0}, r, text[:hi], lo, at, c)
			if made != madeToo || !bytes.Equal(got.text, want.text) || !slices.Equal(got.segs, want.segs) {
				t.Fatalf("%s of %q from %d: %q %v %v, want %q %v %v", roundNames[r], text[:hi], lo, got.text, got.segs, made, want.text, want.segs, madeToo)
			}
		}
	})
}

// Escapes that are undone together are as if each was undone alone, however many there
// is room for; and what a line starts with is found by marks as it is in the text.
func TestEscapesTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := slices.Concat(drawText(t), []byte(rapid.SampledFrom([]string{`\n`, `\nab\"`, " "}).Draw(t, "more")), drawText(t))
		lo := rapid.IntRange(0, len(text)-1).Draw(t, "begin")
		var e expander
		e.look(text)
		hi, _ := e.rest(text, lo, rapid.IntRange(lo+1, len(text)).Draw(t, "end"))
		if want := min(hi, lineEnd(text, lo)); hi != want {
			t.Fatalf("%q from %d ends at %d, want %d", text, lo, hi, want)
		}
		var all []found
		for r := ansi; r < base64; r++ {
			all, _ = units(all[:0], e.startsOf(r, lo, hi), r, text[:hi], lo)
			at, c, _ := unit(r, text[:hi], lo)
			for _, u := range all {
				if int(u.at) != at || u.change != c {
					t.Fatalf("%s of %q from %d: %v, want %v at %d", roundNames[r], text[:hi], lo, u, c, at)
				}
				at, c, _ = unit(r, text[:hi], u.end())
			}
			if at >= 0 {
				t.Fatalf("%s of %q from %d: %v, none at %d", roundNames[r], text[:hi], lo, all, at)
			}
		}
		all, made := units(nil, e.startsOf(escape, lo, hi), escape, text[:hi], lo)
		var got, want builder
		got.reserve(hi - lo + wide)
		want.reserve(hi - lo + wide)
		want.undo(all, text, lo, hi)
		e.units = make([]found, 0, rapid.IntRange(1, 20).Draw(t, "room"))
		var traits traits
		var end int
		got.text, end, traits = e.beginEscapes(got.text, text, lo, hi)
		if n := len(e.units); n > len(all) || !slices.Equal(e.units, all[:n]) || n > 0 && end != e.units[n-1].end() || traits&^made != 0 {
			t.Fatalf("of %q from %d: %v (%v) up to %d, want some of %v (%v)", text[:hi], lo, e.units, traits, end, all, made)
		}
		if got.undo(all[len(e.units):], text, end, hi); !bytes.Equal(got.text, want.text) {
			t.Fatalf("of %q from %d: %q, want %q", text[:hi], lo, got.text, want.text)
		}
	})
}

func (b builder) clone() builder {
	return builder{bytes.Clone(b.text), slices.Clone(b.segs), b.floor}
}

// drawNode draws a text that rounds made, or one of frames.
func drawNode(t *rapid.T) *node {
	b := record.Batch{Text: append(drawText(t), `\n%41`...)}
	framed := rapid.Bool().Draw(t, "framed")
	if framed {
		b = asFrames(t, b.Text)
	}
	Expand(&b)
	i := rapid.IntRange(0, len(b.Views)-1).Draw(t, "view")
	n := &node{builder: builder{text: b.Views[i].Text, segs: b.Views[i].Map}, depth: 1}
	if framed && i == 0 {
		n.depth = 0
	}
	return n
}

// Segments that are copied whole are as if each had been put.
func TestCopyIsPutting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawNode(t)
		lo, hi := 0, len(n.text)
		if n.depth > 0 { // a line, as no other part is a node's
			lo = rapid.IntRange(0, hi-1).Draw(t, "in")
			hi = lineEnd(n.text, lo)
			lo = bytes.LastIndexByte(n.text[:lo], '\n') + 1
		}
		var got, want builder
		from, each := reader{n, 0}, reader{n, 0}
		for at := lo; at < hi; {
			end := rapid.IntRange(at+1, hi).Draw(t, "end")
			from.copy(&got, at, end)
			base := len(want.text) - at
			want.text = append(want.text, n.text[at:end]...)
			for _, whole := range n.segs[seek(n.segs, at):] {
				s, ok := piece(whole, at, end)
				view := base + s.View()
				if first := s.RawN() - s.N() + 1; ok && s.IsLed() {
					want.put(record.Unit(view, 1, s.Raw(), first))
					want.put(record.Verbatim(view+1, s.N()-1, s.Raw()+first))
				} else if ok && s.N()+s.RawN() > 0 {
					want.copied(s.At(view), whole, s.View()-whole.View())
				}
			}
			if at = end + rapid.IntRange(0, 3).Draw(t, "dropped"); at >= hi {
				break
			}
			// What stands there may be a unit, or a few as wide.
			end = rapid.IntRange(at+1, hi).Draw(t, "unit's end")
			width := rapid.SampledFrom([]int{2, 3, 6}).Draw(t, "width")
			if units := (end - at) / width; units > 0 {
				end = at + units*width
				from.each(&got, len(got.text), at, end, width)
				for k := range units {
					each.mean(&want, len(want.text)+k, 1, at+k*width, at+(k+1)*width)
				}
				got.text, want.text = append(got.text, make([]byte, units)...), append(want.text, make([]byte, units)...)
				at = end
			}
		}
		if !bytes.Equal(got.text, want.text) || !slices.Equal(got.segs, want.segs) {
			t.Fatalf("of %q %v: %q %v, want %q %v", n.text, n.segs, got.text, got.segs, want.text, want.segs)
		}
	})
}
