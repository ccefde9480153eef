package pattern

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// unbounded are rules whose gaps and values have no end of their own.
const unbounded = `
title = "unbounded"
[[rules]]
id = "quoted"
regex = '''(?i)name\s*=\s*"([a-z0-9]{10,})"'''
keywords = ["name"]
[[rules]]
id = "prefixed"
regex = '''\b(EAA[MC](?i)[a-z0-9]{100,})(?:[\x60'"\s;]|\\[nr]|$)'''
keywords = ["eaac", "eaam"]
[[rules]]
id = "run"
regex = '''\b(tok_[a-z0-9]{8,})\b'''
keywords = ["tok_"]
`

// A value or a gap that is longer than what a shape reads is found: fuzzing beside
// gitleaks once found a token of 560 characters that was not.
func TestLongValuesAreFound(t *testing.T) {
	d := detectorOf(t, unbounded, Options{})
	theirs, err := newOracle(unbounded)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{100, longest - 4, longest - 1, longest, longest + 1, 3 * longest} {
		value, gap := strings.Repeat("a1b2c3d4", n/8+1)[:n], strings.Repeat(" ", n)
		text := fmt.Sprintf("name=\"%s\"\nname%s=%s\"%s\"\nEAAC%s\n 'EAAM%sEAAC%s'\ntok_%s.\n", value, gap, gap, value, value, value, value, value)
		want := oracleFindings(theirs, text, "")
		m := newMachine(d)
		m.setPath("")
		got := m.search(&fragment{text: []byte(text)})
		if len(want) < 5 || len(got) != len(want) {
			t.Errorf("%d bytes: %d findings, gitleaks has %d", n, len(got), len(want))
		}
		rules := make(map[string]int)
		for _, f := range got {
			rules[f.rule.ID]++
		}
		for _, w := range want {
			if !slices.ContainsFunc(got, func(f finding) bool { return strings.HasPrefix(w, f.rule.ID) }) {
				t.Errorf("%d bytes: not found: %.60s (found %v)", n, w, rules)
			}
		}
	}
}
