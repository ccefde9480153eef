package pattern

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestWordsAreFoundAsOneByOne: walking a text in lanes, and in one, finds what a
// search for each word alone finds, in the order of their ends.
func TestWordsAreFoundAsOneByOne(t *testing.T) {
	part := rapid.SampledFrom([]string{"a", "b", "K", "k", "e", "y", "s", ".", "-", "1", "\n", "\x00", "ſ", "\u212a", "\xc5", "é", "key", "Secret", "secretacc"})
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) string {
			word := lowerASCII(strings.Join(rapid.SliceOfN(part, 1, 6).Draw(t, "word"), ""))
			return word[:min(len(word), maxWord)]
		}), 1, 40, rapid.ID).Draw(t, "words")
		text := []byte(strings.Join(rapid.SliceOfN(rapid.OneOf(part, rapid.SampledFrom(list)), 0, 60).Draw(t, "text"), ""))
		text = bytes.Repeat(text, rapid.IntRange(0, 60).Draw(t, "times"))
		text = text[:min(len(text), walkerBytes)]
		low := []byte(lowerASCII(string(text)))
		type found struct {
			end  int
			word string
		}
		var want []found
		for _, word := range list {
			for at := range low {
				if bytes.HasPrefix(low[at:], []byte(word)) {
					want = append(want, found{at + len(word), word})
				}
			}
		}
		order := func(a, b found) int { return cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(a.word, b.word)) }
		slices.SortFunc(want, order)
		a := newAutomaton(list)
		for name, walk := range map[string]func(*walker) (int, uint32){
			"eight": a.walkLanes, "four": a.walkFour, "one": func(*walker) (int, uint32) { return 0, 0 },
		} {
			w := &walker{text: text}
			end, state := 0, uint32(0)
			if len(text) >= mostLanes {
				end, state = walk(w)
			}
			a.walkOne(state, &w.hits[mostLanes-1], text, end, len(text))
			var got []found
			last := int32(0)
			for _, hits := range w.hits {
				for _, h := range hits {
					if h.end < last {
						t.Fatalf("%s: %d behind %d", name, h.end, last)
					}
					last = h.end
					for _, word := range a.ends[h.state] {
						got = append(got, found{int(h.end), list[word]})
					}
				}
			}
			slices.SortFunc(got, order)
			if !slices.Equal(got, want) {
				t.Fatalf("%s: %q in %q: %v, one by one %v", name, list, text, got, want)
			}
		}
	})
}

// lowerASCII is s with the letters of ASCII in lower case.
func lowerASCII(s string) string {
	low := []byte(s)
	for i, c := range low {
		if c >= 'A' && c <= 'Z' {
			low[i] = c + 'a' - 'A'
		}
	}
	return string(low)
}
