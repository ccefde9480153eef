package pattern

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestStopWordsAreFoundWhateverTheirCase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringOfN(rapid.SampledFrom([]rune("aAbB.kKſİ\xff")), 1, 7, -1)
		words := rapid.SliceOfN(part, 0, 9).Draw(t, "words")
		secret := strings.Join(rapid.SliceOfN(part, 0, 9).Draw(t, "secret"), "")
		want := false
		for _, w := range words {
			want = want || strings.Contains(strings.ToLower(secret), strings.ToLower(w))
		}
		if got := newStopWords(words).in([]byte(secret)); got != want {
			t.Fatalf("%q in %q: %v", words, secret, got)
		}
	})
}

func TestLowerCaseIsThatOfTheLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "s")
		if got, want := appendLower([]byte("A"), s), append([]byte("A"), bytes.ToLower(s)...); !bytes.Equal(got, want) {
			t.Fatalf("%q: %q", s, got)
		}
	})
}
