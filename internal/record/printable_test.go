package record

import (
	"testing"

	"pgregory.net/rapid"
)

// Eight bytes at a time say what one at a time says.
func TestPlainLen(t *testing.T) {
	plainByte := func(c byte) bool { return c >= ' ' && c <= '~' && c != '#' }
	check := func(text []byte) int {
		n := 0
		for n < len(text) && plainByte(text[n]) {
			n++
		}
		return n
	}
	for c := range 256 {
		for at := range 20 {
			text := []byte("an ordinary text of some words")
			text[at] = byte(c)
			if got, want := plainLen(text), check(text); got != want {
				t.Errorf("byte %#x at %d: %d, want %d", c, at, got, want)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.OneOf(rapid.ByteRange(' ', '"'), rapid.ByteRange('$', '~'), rapid.SampledFrom([]byte{'#', 0x7f, 0x80, 0xff, 0, 0x1f}))).Draw(t, "text")
		if got, want := plainLen(text), check(text); got != want {
			t.Fatalf("%q: %d, want %d", text, got, want)
		}
	})
}
