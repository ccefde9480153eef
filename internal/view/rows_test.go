package view

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// rowsByDefinition are the ends of rows of text, from what a group is.
func rowsByDefinition(text []byte) (out []ends) {
	for i := range text {
		for p := range packings {
			p := &packings[p]
			start, all := i+1-p.chars*p.need, true
			for at := start; at <= i && start >= 0 && all; at += p.chars {
				all = p.fit(text[at:])
			}
			if start < 0 || !all {
				continue
			}
			if last := len(out) - 1; last < 0 || out[last].at != i/blockSize*blockSize {
				out = append(out, ends{at: i / blockSize * blockSize})
			}
			out[len(out)-1].bits |= 1 << (i % blockSize)
		}
	}
	return out
}

func checkRows(t *testing.T, text []byte) {
	t.Helper()
	want := rowsByDefinition(text)
	if got := rowsByWindow(nil, text); !slices.Equal(got, want) {
		t.Fatalf("by windows: %x, want %x of %q", got, want, text)
	}
	// The text stands right before the end of its memory.
	var f rowFinder
	if got := f.rows(nil, nil, slices.Clip(bytes.Clone(text))); !slices.Equal(got, want) {
		t.Fatalf("by blocks: %x, want %x of %q", got, want, text)
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
