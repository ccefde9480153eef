package record

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What is said to need no escape is left as it is.
func TestPlainIsVisible(t *testing.T) {
	piece := rapid.SampledFrom([]string{"text", "…", "\xe2", "\x80", "\xa6", "#", "##[", "##vso[", " ", "~", "\x7f", "\n", "é", "\u202e"})
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(t, "pieces"), "")
		if got := string(AppendVisible(nil, []byte(s))); plain(s) && got != s {
			t.Fatalf("%q is %q", s, got)
		}
	})
	if !plain("… 12 words …") {
		t.Error("a cut text is not plain")
	}
}

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
