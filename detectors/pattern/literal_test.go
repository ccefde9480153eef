package pattern

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Sets of literals that need not be looked through for equal ones have none.
func TestCrossMakesEachLiteralOnce(t *testing.T) {
	one := rapid.Custom(func(t *rapid.T) literal {
		return literal{rapid.StringOfN(rapid.RuneFrom([]rune("ab")), 0, 2, -1).Draw(t, "text"), rapid.Bool().Draw(t, "whole")}
	})
	set := rapid.SliceOfN(one, 1, 6)
	alike := rapid.SampledFrom([][]literal{{{"a", true}, {"b", true}}, {{"ab", true}, {"ba", true}, {"bb", true}}, {{"", true}}})
	rapid.Check(t, func(t *rapid.T) {
		heads, tails := rapid.OneOf(set, alike).Draw(t, "heads"), rapid.OneOf(set, alike).Draw(t, "tails")
		if len(heads) < 2 || len(tails) < 2 {
			return
		}
		var want []literal
		for _, l := range heads {
			if !l.whole {
				want = append(want, l)
				continue
			}
			for _, tail := range tails {
				if n := (literal{l.text + tail.text, tail.whole}); !slices.Contains(want, n) {
					want = append(want, n)
				}
			}
		}
		if got := cross(nil, heads, tails); !slices.Equal(got, want) {
			t.Fatalf("%v and %v make %v, want %v", heads, tails, got, want)
		}
	})
}

// What is said of a sequence by its first part alone holds for all of its
// literals.
func TestOpensSaysWhatTheWholeSequenceSays(t *testing.T) {
	for _, d := range detectors(t) {
		passed, all := 0, 0
		for _, r := range d.rules {
			if r.pattern() == "" {
				continue
			}
			re, err := r.Tree()
			if err != nil {
				t.Fatal(err)
			}
			k := make(literals)
			lacks := func(l literal) bool {
				return !slices.ContainsFunc(r.Keywords, func(k string) bool { return strings.Contains(l.text, k) })
			}
			for parts := plain(re); len(parts) > 0; parts = parts[1:] {
				all++
				heads := k.heads(parts)
				if k.opens(parts, tooShort) {
					passed++
					if shortest(heads) >= minWord {
						t.Errorf("%s: %v begin with %v", r.ID, parts, heads)
					}
				}
				if k.opens(parts, lacks) && !slices.ContainsFunc(heads, lacks) {
					t.Errorf("%s: %v begin with %v, each with a keyword", r.ID, parts, heads)
				}
			}
		}
		if passed == 0 || passed == all {
			t.Errorf("%d of %d sequences need not be worked out", passed, all)
		}
	}
}
