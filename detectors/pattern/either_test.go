package pattern

import (
	"regexp/syntax"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/rules"
)

// A text without the words that are needed has no match.
func TestWhatHasNoNeededWordHasNoMatch(t *testing.T) {
	for which, d := range detectors(t) {
		m := newMachine(d)
		var list []either
		parts := []string{"=", "\n", "A.", "A_", "\n\n", ":", " ", "é", "K", "ſ", "x", "AKey", "DonKey", "0f7Q"}
		for _, r := range d.rules {
			for _, a := range r.allow {
				for _, e := range eithers(a.Regexes) {
					if e.needed() != nil && a.RegexTarget == "match" {
						list = append(list, r.judge().match...)
						parts = append(parts, neededBy(eitherOf(a.Regexes)[0].Sub)...)
					}
				}
			}
		}
		if len(list) == 0 {
			t.Fatalf("%s: no allowlist needs words", which)
		}
		for _, p := range parts {
			parts = append(parts, p[:len(p)/2], p[len(p)/2:], strings.ToUpper(p))
		}
		told := 0
		rapid.Check(t, func(t *rapid.T) {
			text := []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 6).Draw(t, "text"), ""))
			e := rapid.SampledFrom(list).Draw(t, "either")
			if e.possible(text) {
				return
			}
			told++
			if end, _ := m.eitherAt(&e).run(text, 0, len(text), e.atStart); end >= 0 {
				t.Fatalf("%q matches, but holds no needed word", text)
			}
		})
		if told == 0 {
			t.Errorf("%s: each text may match", which)
		}
	}
}

func TestNeededWords(t *testing.T) {
	for expression, want := range map[string]string{
		`monkey|don[kt]ey`:                   "monkey donkey dontey",
		`[a-z]*?api[a-z]*?:jar:`:             ":jar:",
		`(?i)KEY[_.]?(?:vault|(?:id)+)`:      "key.vault key.id key_vault key_id keyvault keyid",
		`abc[^x]+|[0-9]*=\n`:                 "abc =\n",
		`abcd|[0-9]+x`:                       "",
		`(?:[A-Z]+=\n[a-z]+=|xy\n)(?:\n|\z)`: "=\n xy\n\n xy\n",
	} {
		re, err := rules.NewExpression(expression)
		if err != nil {
			t.Fatal(err)
		}
		var list []*syntax.Regexp
		for _, parts := range alternatives(eitherOf([]*rules.Expression{re})[0]) {
			list = append(list, &syntax.Regexp{Op: syntax.OpConcat, Sub: parts})
		}
		if got := strings.Join(neededBy(list), " "); got != want {
			t.Errorf("%s: %q, want %q", expression, got, want)
		}
	}
}
