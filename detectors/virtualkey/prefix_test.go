package virtualkey

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// Each place of a prefix is found, and no other, wherever the search begins and
// ends.
func TestNextIsEveryPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"sk-", "--", "kk", "az", "a-virtual-key-", "key_"}).Draw(t, "prefix")
		p := newPrefix(text)
		part := rapid.SampledFrom([]string{text, text[:len(text)-1], text[1:], "s", "k", "-", "l.", "j,", "\x00", "\xff", "\xeb\xad", " of text that says nothing at all "})
		var b []byte
		for range rapid.IntRange(0, 30).Draw(t, "parts") {
			b = append(b, part.Draw(t, "part")...)
		}
		from := rapid.IntRange(0, len(b)).Draw(t, "from")
		to := rapid.IntRange(from, len(b)).Draw(t, "to")
		for at := from; ; {
			want := bytes.Index(b[at:to], []byte(text))
			got := p.next(b, at, to)
			if want < 0 {
				if got >= 0 {
					t.Fatalf("%q in %q[%d:%d] at %d, where it is not", text, b, at, to, got)
				}
				return
			}
			if got != at+want {
				t.Fatalf("%q in %q[%d:%d] at %d, want %d", text, b, at, to, got, at+want)
			}
			at = got + 1
		}
	})
}

// The pair that a processor finds is the one that bytes alone find.
func TestPairIsTheSameByEachWay(t *testing.T) {
	for size := range 200 {
		for at := range size {
			text := bytes.Repeat([]byte("k"), size)
			text[at] = '-'
			if at > 40 {
				text[at-33] = '-' // and is no pair with what stands before it
				text[at-34] = 'x'
			}
			if got, want := indexPair(text, 'k', '-'), bytes.Index(text, []byte("k-")); got != want {
				t.Errorf("%q: %d, want %d", text, got, want)
			}
			if got, want := indexPairByByte(text, 'k', '-'), bytes.Index(text, []byte("k-")); got != want {
				t.Errorf("%q by byte: %d, want %d", text, got, want)
			}
		}
	}
}

// Where first stands often, the first pair is found, not one of those that are none.
func TestPairIsTheFirst(t *testing.T) {
	for size := range 200 {
		for at := range size {
			text := bytes.Repeat([]byte("kx-"), size/3+1)[:size]
			text[at] = '-'
			want := bytes.Index(text, []byte("k-"))
			if got := indexPair(text, 'k', '-'); got != want {
				t.Errorf("%q: %d, want %d", text, got, want)
			}
			if got := indexPairByByte(text, 'k', '-'); got != want {
				t.Errorf("%q by byte: %d, want %d", text, got, want)
			}
		}
	}
}
