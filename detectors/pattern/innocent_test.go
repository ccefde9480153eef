package pattern

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What is remembered or proven of a value is what the rule's allowlists say of it.
func TestInnocenceIsWhatTheAllowlistsSay(t *testing.T) {
	d := detectors(t)["default"]
	m := newMachine(d)
	var list []*rule
	for _, r := range d.rules {
		if r.pattern() != "" && len(r.judge().secret) > 0 {
			list = append(list, r)
		}
	}
	if len(list) < 100 {
		t.Fatalf("only %d rules have something to say of a secret", len(list))
	}
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SampledFrom(list).Draw(t, "rule")
		value := []byte(rapid.OneOf(
			rapid.StringMatching(`[0-9a-f]{32}([0-9a-f]{8}){0,12}`),
			rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-fA]{4}-[0-9a-f]{12}`),
			rapid.StringMatching(`sk-\.\.\.[\w.-]{3,5}`),
			rapid.StringMatching(`[0-9A-Fa-f]{40}|[0-9a-f]{64}|[0-9a-f]{63}g`),
			rapid.SampledFrom([]string{"os.environ/OPENAI_API_KEY", "REDACTED", "team-4-ci", "AnthropicException", "sk-...aBcD"}),
			rapid.StringMatching(`[\w./+-]{0,40}`),
		).Draw(t, "value"))
		want := m.judgeSecret(r, value)
		for range 2 { // the second time it may be known
			if got := m.innocentSecret(r, value); got != want {
				t.Fatalf("%s: innocent %v, the allowlists say %v", r.ID, got, want)
			}
		}
	})
}

// A judgement that was cut short is none: it is not remembered.
func TestInnocenceIsNotRememberedOfWhatWasCutShort(t *testing.T) {
	d := detectors(t)["default"]
	m := newMachine(d)
	i := slices.IndexFunc(d.rules, func(r *rule) bool { return r.ID == "generic-named-secret" })
	value := []byte("os.environ/OPENAI_API_KEY")
	m.builds = maxBuilds
	if m.innocentSecret(d.rules[i], value) || !m.thrash {
		t.Fatal("the judgement was not cut short")
	}
	m.budget.reset()
	if !m.innocentSecret(d.rules[i], value) {
		t.Error("a judgement that was cut short is still remembered")
	}
}

func TestGatewaysIDsAreProvenInnocent(t *testing.T) {
	d := detectors(t)["default"]
	m := newMachine(d)
	for _, r := range d.rules {
		if r.ID != "generic-named-secret" && r.ID != "generic-api-key" {
			continue
		}
		for form, want := range map[int]bool{uuid: true, mask: true, 40: true, 64: true, 128: true, 48: false, 72: false} {
			if got := m.takes(r, form); got != want {
				t.Errorf("%s, form %d: %v", r.ID, form, got)
			}
		}
	}
}

func TestLengthsOfWhichEveryTextMatches(t *testing.T) {
	for expression, want := range map[string]string{
		`^[0-9a-f]{4}$`:          "4",
		`(?i)^[0-9A-F]{2,3}$`:    "2 3",
		`[0-9a-f]{3}`:            "3 4 5 6 7 8",
		`^[0-9a-e]{4}$`:          "",
		`^(?:[0-9]|[a-f])+$`:     "1 2 3 4 5 6 7 8",
		`^(?:..)+$`:              "2 4 6 8",
		`^0[0-9a-f]{3}$`:         "",
		`^(?:[0-8].|[9a-f]..?)$`: "2",
		`\b[0-9a-f]{5}\b`:        "5",
	} {
		var sure [9]bool
		list := eithersOf(t, expression)
		m := newMachine(detectors(t)["default"])
		newDFA(m, list[0].program(), true).follow(list[0].atStart, 8, func(int) string { return hexDigits }, func(n int) {
			sure[n] = true
		})
		var got []string
		for n := range sure {
			if sure[n] {
				got = append(got, string(rune('0'+n)))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", expression, got, want)
		}
	}
}
