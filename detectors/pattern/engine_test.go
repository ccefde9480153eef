package pattern

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Each word that can stand where it does is tried, though it ends within another.
func TestEveryWordThatCanStandIsTried(t *testing.T) {
	for which, d := range detectors(t) {
		var words []string
		for _, b := range d.engine.branches {
			words = append(words, b.words...)
		}
		left := 0 // targets that cannot stand where they end
		rapid.Check(t, func(t *rapid.T) {
			text := []byte(shapedText(t, words))
			var hits []hit
			d.engine.words.walkOne(0, &hits, text, 0, len(text))
			for _, h := range hits {
				ends := d.engine.ends[h.state]
				for _, word := range d.engine.words.ends[h.state] {
					for _, want := range d.engine.targets[word] {
						tried := slices.ContainsFunc(ends, func(t target) bool {
							return t.group == want.group && t.back == want.back && slices.Equal(t.keyword, want.keyword) && t.folds == want.folds
						})
						if !tried && (want.group < 0 || want.beside.has(text, int(h.end)-want.back)) {
							t.Fatalf("%q: a word of %d bytes that ends at %d is not tried", text, want.back, h.end)
						}
						if !tried {
							left++
						}
					}
				}
			}
		})
		if left == 0 {
			t.Errorf("%s: all words can stand everywhere", which)
		}
	}
}
