package view

import (
	"bytes"
	b64 "encoding/base64"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

// TestPeriodsAreSome: base64 within base64 within base64 is decoded as if each group
// stood alone, wherever its map is cut.
func TestPeriodsAreSome(t *testing.T) {
	p := &packings[0]
	encode := func(s string) string { return b64.StdEncoding.EncodeToString([]byte(s)) }
	text := encode(encode(encode(strings.Repeat("as it is said in a log, ", 45))))
	given := 0
	rapid.Check(t, func(t *rapid.T) {
		level := &node{}
		level.text, level.segs = []byte(text), []record.Seg{record.Verbatim(0, len(text), 0)}
		for depth := range 3 {
			cuts := rapid.IntRange(0, 2).Draw(t, "cuts")
			for range cuts {
				cut(level, rapid.IntRange(0, len(level.segs)-1).Draw(t, "cut"), rapid.IntRange(1, 3).Draw(t, "by"))
			}
			begin := rapid.IntRange(0, 9).Draw(t, "begin")
			if depth < 2 {
				begin *= 16 // what is decoded next is base64 still
			}
			end := begin + (len(level.text)-begin)/p.chars*p.chars
			var got, want node
			each := reader{level, 0}
			for at := begin; at < end; at += p.chars {
				p.some(&each, &want, at, at+p.chars, 0, p.size)
			}
			p.decode(level, &got, stretch{start: begin, end: end})
			if depth > 0 && !bytes.Equal(got.text, want.text) || depth > 0 && !slices.Equal(got.segs, want.segs) {
				i := 0
				for i < min(len(got.segs), len(want.segs)) && got.segs[i] == want.segs[i] {
					i++
				}
				t.Fatalf("depth %d, from %d: the texts are the same: %v; from segment %d of %d on %v, want of %d %v", depth, begin, bytes.Equal(got.text, want.text),
					i, len(got.segs), got.segs[i:min(i+5, len(got.segs))], len(want.segs), want.segs[i:min(i+5, len(want.segs))])
			}
			given += len(got.text)
			level = &got
		}
	})
	if given == 0 {
		t.Error("nothing was decoded")
	}
}

// cut puts bytes of the batch's text between segment number i of a node and what is
// behind it.
func cut(n *node, i, by int) {
	for ; i < len(n.segs); i++ {
		n.segs[i] = n.segs[i].Moved(by)
	}
}
