package view

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// collect makes ends of the bytes of text that is says.
func collect(text []byte, is func(at int) bool) (out []ends) {
	for i := range text {
		if !is(i) {
			continue
		}
		if last := len(out) - 1; last < 0 || out[last].at != i/blockSize*blockSize {
			out = append(out, ends{at: i / blockSize * blockSize})
		}
		out[len(out)-1].bits |= 1 << (i % blockSize)
	}
	return out
}

// rowAtEnd says whether a row of p ends with byte i of text, from what a group is.
func rowAtEnd(p *packing, text []byte, i int) bool {
	start := i + 1 - p.chars*p.need
	for at := start; at <= i && start >= 0; at += p.chars {
		if !p.fit(text[at:]) {
			return false
		}
	}
	return start >= 0
}

// rowsByDefinition are the ends of rows of text.
func rowsByDefinition(text []byte) []ends {
	return collect(text, func(i int) bool { return rowAtEnd(&packings[0], text, i) || rowAtEnd(&packings[1], text, i) })
}

// hintsByDefinition are what blocks find of rows: of base64 the third character of the
// last of three groups, whatever the fourth of each is; of hex the digits in the
// last of three eights of bytes in which all first or second ones of two fit as the first
// of a group.
func hintsByDefinition(text []byte) []ends {
	fits := func(p, i, place int) bool { return i >= 0 && i < len(text) && packings[p].fits[text[i]]>>place&1 != 0 }
	return collect(text, func(i int) bool {
		groups := true
		for at := i; at > i-12; at -= 4 {
			groups = groups && fits(0, at-2, 0) && fits(0, at-1, 1) && fits(0, at, 2)
		}
		eights := true
		for from := i &^ 7; from > i&^7-24; from -= 8 {
			first, second := true, true
			for at := from; at < from+8; at += 2 {
				first, second = first && fits(1, at, 0), second && fits(1, at+1, 0)
			}
			eights = eights && (first || second)
		}
		return groups || fits(1, i, 0) && eights
	})
}

func checkRows(t *testing.T, text []byte) {
	t.Helper()
	want := rowsByDefinition(text)
	if got := rowsByWindow(nil, text); !slices.Equal(got, want) {
		t.Fatalf("by windows: %x, want %x of %q", got, want, text)
	}
	// The text stands right before the end of its memory.
	var f rowFinder
	got := f.rows(nil, nil, slices.Clip(bytes.Clone(text)))
	if hints := hintsByDefinition(text); !slices.Equal(got, hints) && !slices.Equal(got, want) {
		t.Fatalf("by blocks: %x, want %x of %q", got, hints, text)
	}
	found := make([]bool, len(text))
	for _, e := range got {
		for i := range blockSize {
			if e.bits>>i&1 != 0 {
				found[e.at+i] = true
			}
		}
	}
	for i := range text {
		if found[i] && base64Values[text[i]] < 0 {
			t.Fatalf("byte %d of %q is in no run", i, text)
		}
		for p := range packings {
			p := &packings[p]
			if rowAtEnd(p, text, i) && !slices.Contains(found[i+1-p.chars*p.need:i+1], true) {
				t.Fatalf("nothing is found in the row that ends with byte %d of %q", i, text)
			}
		}
	}
}

// rowTexts are texts with rows of both alphabets, some of which nearly are.
func rowTexts() []string {
	b64, hexed := "aXQgaXMgYSB0ZXh0IG9mIG1hbnkgYnl0ZXM", "697420697320612074657874206f6620"
	return []string{
		"", b64, hexed, hexed[:31], b64[:12], b64[:11], "INFO: 200 OK\n", "\xff\x80" + b64 + "\x00",
		strings.Repeat(b64, 5), strings.Repeat(hexed, 9), strings.Repeat("a", 300), strings.Repeat("Z_-/+9", 50),
		strings.Repeat("x ", 31) + b64, strings.Repeat("/v1/chat/completions ", 300) + hexed,
	}
}

// Rows are found alike by windows and by blocks, wherever blocks begin.
func TestRowsAreFoundWhereverTheyStand(t *testing.T) {
	for _, text := range rowTexts() {
		for shift := range 2*blockSize + 1 {
			checkRows(t, []byte(strings.Repeat(" ", shift)+text))
			checkRows(t, []byte(strings.Repeat(" ", shift)+text+" and more"))
		}
	}
	// Over the edge of a chunk of blocks.
	for _, text := range rowTexts()[:4] {
		checkRows(t, []byte(strings.Repeat(".", chunkSize*blockSize-20)+text+strings.Repeat(".", 70)))
	}
}

func FuzzRows(f *testing.F) {
	for _, text := range rowTexts() {
		f.Add([]byte(text))
	}
	f.Fuzz(checkRows)
}

func BenchmarkRows(b *testing.B) {
	line := `INFO:     127.0.0.1:39176 - "GET /v1/models?key=697420697320612074657874206f6620 HTTP/1.1" 200 OK` + "\n"
	text := []byte(strings.Repeat(line, 1<<11))
	var f rowFinder
	byBlocks := func(dst []ends, text []byte) []ends { return f.rows(dst, nil, text) }
	for name, find := range map[string]func([]ends, []byte) []ends{"blocks": byBlocks, "windows": rowsByWindow} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			var found []ends
			for b.Loop() {
				found = find(found[:0], text)
			}
		})
	}
}
