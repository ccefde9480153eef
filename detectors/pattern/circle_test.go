package pattern

import (
	"testing"

	"pgregory.net/rapid"

	"sluice/rules"
)

func eithersOf(t *testing.T, expression string) []either {
	t.Helper()
	re, err := rules.NewExpression(expression)
	if err != nil {
		t.Fatal(err)
	}
	return eithers([]*rules.Expression{re})
}

// A dfa that goes round in circles finds what one that has not learnt any finds.
func TestCirclesLeadWhereSingleStepsLead(t *testing.T) {
	expressions := []string{
		`\bcurl\b(?:.*|.*(?:[\r\n]{1,2}.*){1,5})[ \t\n\r](?:-u|--user)(?:=|[ \t]{0,5})"(:[^"]{3,})"`,
		`a.*?[ \t]b`, `a(?:.*\n){0,3}.* -x`, `k[^;]*;[ ;]*v`, `(?s)x.*\by`,
	}
	m := newMachine(detectors(t)["default"])
	learnt := make(map[string]*dfa)
	made := 0
	for _, e := range expressions {
		list := eithersOf(t, e)
		learnt[e] = newDFA(m, list[0].program(), false)
	}
	part := rapid.SampledFrom([]string{"curl", "a", "k", "x", " ", "  ", "\t", "\n", "\r\n", "-u \":abc\"", "--user=", "-x", ";", "v", "y", " b", "é", "\xff",
		"The quick brown fox jumps over the lazy dog and says nothing of it to anybody ", "word", "4b1d-4c", `"`})
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.SampledFrom(expressions).Draw(t, "expression")
		var text []byte
		for range rapid.IntRange(1, 40).Draw(t, "parts") {
			text = append(text, part.Draw(t, "part")...)
		}
		d := learnt[e]
		d.rounds = max(d.rounds, enoughRound)
		slow := newDFA(m, d.program, false)
		slow.rounds = -1 << 30 // it never learns
		for at := range text {
			m.budget.reset()
			got, _ := d.run(text, at, len(text), true)
			want, _ := slow.run(text, at, len(text), true)
			if got != want {
				t.Fatalf("%s from %d of %q ends at %d, by single steps at %d", e, at, text, got, want)
			}
		}
		for _, c := range d.circles {
			if c != nil {
				made++
			}
		}
	})
	if made == 0 {
		t.Fatal("no circle was found")
	}
}
