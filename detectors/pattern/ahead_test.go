package pattern

import (
	"fmt"
	"math/bits"
	"regexp/syntax"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// lineWise are expressions whose last part stands behind any amount of text.
var lineWise = []string{
	`\bcurl\b(?:.*|.*(?:[\r\n]{1,2}.*){1,5})[ \t\n\r](?:-u|--user)(?:=|[ \t]{0,5})"(:[^"]{3,})"`,
	`curl(?:.*\n){0,3}.* -x\b`, `curl[^\n]*\n{2,5}(?s:.*)--user`, `curl(?s:.*)[\n -]-x`, `curl.*(?:\n\n|\nb)*.*[\r\n]--u`,
}

// aheads are what expressions have, each for itself, and all in one group.
func aheads(t *testing.T, expressions []string) (list []*ahead, groups []*tails) {
	t.Helper()
	var all strings.Builder
	files := make([]string, len(expressions)+1)
	for i, e := range expressions {
		one := fmt.Sprintf("[[rules]]\nid = \"r%d\"\nregex = '''%s'''\nkeywords = [\"curl\"]\n", i, e)
		files[i] = one
		all.WriteString(one)
	}
	files[len(expressions)] = all.String()
	for _, text := range files {
		d := detectorOf(t, text, Options{})
		for _, g := range d.engine.groups {
			a := newAhead(newMachine(d), g.branches)
			if a == nil {
				t.Fatalf("%s: nothing is looked for ahead", text)
			}
			list, groups = append(list, a), append(groups, g)
		}
	}
	return list, groups
}

func textOfLines(t *rapid.T) []byte {
	part := rapid.SampledFrom([]string{"curl", " ", "  ", "\t", "\n", "\n\n", "\r\n", "-u \":abc\"", " --user=", "\n--user=\":abc\"", "\n -x", " -xy", "-", "b", "é", "\xff",
		"The quick brown fox jumps over the lazy dog and says nothing of it to anybody ", "word", "4b1d-4c"})
	var text []byte
	for range rapid.IntRange(1, 40).Draw(t, "parts") {
		text = append(text, part.Draw(t, "part")...)
	}
	return text
}

// Where nothing is found ahead, no branch matches, whatever stands behind what was
// looked at.
func TestNothingMatchesWhereNothingIsAhead(t *testing.T) {
	list, groups := aheads(t, lineWise)
	passed, failed := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		text := append([]byte("curl"), textOfLines(t)...)
		other := textOfLines(t)
		for i, a := range list {
			m := a.rest.m
			d := newDFA(m, groups[i].program(), true)
			for _, at := range wordsIn(groups[i], text) {
				m.budget.reset()
				may, far := a.possible(text, at, min(at+maxSpan, len(text)))
				_, mask := d.run(text, at, len(text), true)
				if mask != 0 {
					passed++
				}
				if may {
					continue
				}
				failed++
				changed := append(text[:min(far, len(text)):min(far, len(text))], other...)
				if far > len(text) {
					changed = text
				}
				_, then := d.run(changed, at, len(changed), true)
				if mask|then != 0 {
					t.Fatalf("%s: at %d of %q nothing is ahead up to %d, but %b matches, and of %q %b",
						groups[i].branches[0].rule.ID, at, text, far, mask, changed, then)
				}
			}
		}
	})
	if passed == 0 || failed == 0 {
		t.Fatalf("%d matched, %d had nothing ahead: nothing was tested", passed, failed)
	}
}

// Blocks looked at at once are what their bytes tell.
func TestBlocksAheadAreWhatTheirBytesTell(t *testing.T) {
	list, _ := aheads(t, lineWise)
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom(list).Draw(t, "ahead")
		text := textOfLines(t)
		from := rapid.IntRange(0, len(text)-1).Draw(t, "from")
		had := rapid.IntRange(0, 9).Draw(t, "lines")
		at, hits, lines, left, whole := a.wide.find(text, from, had)
		for i := from; i <= at && i < len(text); i += blockBytes {
			wantHits, wantLines := a.block(text, i)
			if i < at || whole {
				had -= bits.OnesCount32(wantLines)
			}
			switch {
			case i < at && (wantHits != 0 || had < 0):
				t.Fatalf("%q from %d: the block at %d was passed over", text, from, i)
			case i == at && whole && (hits != wantHits || lines != wantLines):
				t.Fatalf("%q: the block at %d has %b, %b, not %b, %b", text, i, wantHits, wantLines, hits, lines)
			}
		}
		if left != had {
			t.Fatalf("%q from %d to %d: %d runs are left, not %d", text, from, at, left, had)
		}
	})
}

func TestLineRuns(t *testing.T) {
	for expression, want := range map[string]int{
		`a.*b`: 0, `\n`: 1, `[\r\n]{1,2}`: 1, `[\r\n]{1,3}`: 2, `(?:[\r\n]{1,2}.*){1,5}`: 5, `(?:x\n|\n\ny\nz)?`: 3, `a\nb\nc`: 2,
		`(?s).`: 1, `\s*`: maxSpan / 2, `[^a]{0,9}`: 9,
	} {
		tree, err := syntax.Parse(expression, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		if got := lineRuns(tree); got != want {
			t.Errorf("%s: %d, want %d", expression, got, want)
		}
	}
}
