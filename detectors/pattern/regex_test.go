package pattern

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/rules"
)

// expression draws a regular expression over few letters, so that matches are
// common, with everything that rule files use.
func expression(t *rapid.T, depth int) string {
	atoms := []string{"a", "b", "k", "s", "K", "ab", "key", `\w`, `\d`, `[ab]`, `[^a]`, `.`, `\s`, `\b`, `\B`, `^`, `$`, `\n`,
		`\z`, `\A`, `é`, `(?i:ks)`, `(?i:key)`, `[a-z0-9é]`, `\x{FFFD}`, `(?s:.)`, `(?m:^)`, `(?m:$)`}
	if depth == 0 {
		return rapid.SampledFrom(atoms).Draw(t, "atom")
	}
	sub := func() string { return expression(t, depth-1) }
	switch rapid.IntRange(0, 7).Draw(t, "form") {
	case 0, 1, 2:
		return sub() + sub()
	case 3:
		return "(?:" + sub() + "|" + sub() + ")"
	case 4:
		return "(" + sub() + ")"
	case 5:
		return "(?:" + sub() + ")" + rapid.SampledFrom([]string{"*", "+", "?", "*?", "+?", "??", "{2}", "{0,3}", "{1,2}?", "{2,}"}).Draw(t, "repeat")
	case 6:
		return "(" + sub() + "|" + sub() + ")"
	}
	return rapid.SampledFrom(atoms).Draw(t, "atom")
}

func textOf(t *rapid.T) string {
	parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "k", "s", "S", "K", "ab", "key", "KEY", "0", "_", " ", "\n", "é",
		"\u017f", "\u212a", "\u0130", "\xff", "\xe2\x84", "\uFFFD", "-", "aaaa", "keykey"}), 0, 24).Draw(t, "text")
	return strings.Join(parts, "")
}

// TestEveryRegexAsRegexp: whatever the expression, its matches in a text and
// their groups are regexp's, but for empty ones.
func TestEveryRegexAsRegexp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := expression(t, 4)
		re, err := regexp.Compile(pattern)
		if err != nil {
			t.Skip(err)
		}
		text := textOf(t)
		d, err := New(&rules.Set{Rules: []rules.Rule{{ID: "r", Regex: re}}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		m := d.take()
		m.setPath("")
		frag := &fragment{text: []byte(text)}
		var got, want [][2]int
		for _, f := range m.search(frag) {
			got = append(got, [2]int{f.at, f.end})
			match := frag.text[f.match.start:f.match.end]
			theirs := re.FindSubmatchIndex(match)
			g := m.groupsAt(f.rule)
			if matched, ok := g.alone(match); ok && re.NumSubexp() > 0 {
				if matched != (theirs != nil) || matched && !slices.Equal(g.slots[2:len(theirs)], theirs[2:]) {
					t.Fatalf("%q on %q: groups %v, regexp has %v", pattern, match, g.slots[:len(theirs)], theirs)
				}
			}
			secret := f.match
			if s := secretGroup(theirs, 0); s.start >= 0 {
				secret = span{f.match.start + s.start, f.match.start + s.end}
			}
			if f.secret != secret {
				t.Fatalf("%q on %q: secret %v, regexp has %v", pattern, text, f.secret, secret)
			}
		}
		for _, w := range re.FindAllStringIndex(text, -1) {
			if w[1] > w[0] {
				want = append(want, [2]int{w[0], w[0] + len(strings.Trim(text[w[0]:w[1]], "\n"))})
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q on %q: matches %v, regexp has %v", pattern, text, got, want)
		}
	})
}

// TestWidth: no match is wider than the syntax tree says.
func TestWidth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := expression(t, 3)
		re, err := regexp.Compile(pattern)
		if err != nil {
			t.Skip(err)
		}
		tree, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range re.FindAllString(textOf(t), -1) {
			if len(w) > widthOf(tree) {
				t.Fatalf("%q matches %q, said to be at most %d wide", pattern, w, widthOf(tree))
			}
		}
	})
}
