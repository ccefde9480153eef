package pattern

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// withoutShapes is a detector that does not use them.
func withoutShapes(tb testing.TB, which string) *Detector {
	d := detectors(tb)[which]
	for _, r := range d.rules {
		r.finder.shape = func() *shape { return nil }
	}
	return d
}

// What a shape says is what the automaton of the whole expression says.
func TestShapesReadWhatExpressionsMatch(t *testing.T) {
	for which, d := range detectors(t) {
		slow := withoutShapes(t, which)
		var names []string
		shapes := 0
		for _, r := range d.rules {
			if r.pattern() != "" && r.shape() != nil {
				shapes++
				names = append(names, r.branches[0].words...)
			}
		}
		if shapes < 50 {
			t.Fatalf("%s: only %d rules have a shape", which, shapes)
		}
		names = append(names, "key", "api", "API", "aPi", "token", "AIza", "AKIA")
		t.Run(which, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				text := []byte(shapedText(t, names))
				b := batchOf(text, 0)
				compareReadings(t, d, text)
				compareGroups(t, d, text)
				got, want := d.Detect(nil, b), slow.Detect(nil, b)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%q (-expression +shape):\n%s", text, diff)
				}
			})
		})
	}
}

// shapedText has names, gaps, separators, quotes, values and ends, nearly in
// order.
func shapedText(t *rapid.T, names []string) string {
	pick := func(list ...string) string { return rapid.SampledFrom(list).Draw(t, "part") }
	value := rapid.OneOf(
		rapid.StringOfN(rapid.SampledFrom([]rune("aZ09kQ7xG2mP5vB8nL3jD6hF4-_.=+/")), 0, 45, -1),
		rapid.StringMatching(`={0,2}(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}|[b-d]{33})[=,]{0,2}`),
		rapid.StringMatching(`(?:aQ7x-0bG|a7x00b2g|a7x/0b2g|aQ7x00bG){18}[aQ7-]{0,9}`), // about as long as most values may be
	)
	var b strings.Builder
	for range rapid.IntRange(1, 4).Draw(t, "pairs") {
		b.WriteString(pick("", "x_", "?", "&user.api-", "é", "a b ", "(", "\\n", "%4a", "\x1b[0m", "-", strings.Repeat("n", 60)))
		b.WriteString(rapid.SampledFrom(names).Draw(t, "name"))
		b.WriteString(pick("", "", "_id", " ", "\t", "'", "\"", " '\"", "    ", "''''", "_hash'", "ſ", ".x-y_z 0123456789012345"))
		b.WriteString(pick("=", ":", ":", "=", ": ", "=>", ":=", "::=", "||", "|", "?=", ",", ">", "==", "%3D", "", "é"))
		b.WriteString(pick("", "", " ", "'", "\"", " '", "= ", "``", "      ", "''''''", "b'", " r\\\"", "\\\"", "ſ"))
		b.WriteString(value.Draw(t, "value"))
		b.WriteString(pick("", "'", "\"", " ", "\n", "\\n", "\\", "\\x", ";", ",", "é", "ſ", "\r\n", "`", "]"))
	}
	return b.String()
}

// compareReadings asks at each place of a rule with a shape, whether or not what
// is found there counts.
func compareReadings(t *rapid.T, d *Detector, text []byte) {
	m := newMachine(d)
	m.setPath("")
	m.reset()
	frag := &fragment{text: text}
	if m.candidates(frag); m.folds {
		return
	}
	for _, n := range m.ruled {
		r := m.rules[n]
		if r.shape() == nil {
			continue
		}
		for i, p := range m.places[n] {
			read := r.shape().read(text, int(p.at), int(p.hit))
			from := int(p.at)
			if r.shape().partial { // it does not know whether what stands before fits
				from = max(0, from-r.head)
			}
			f, end := m.matchAround(frag, r, int(p.at), from)
			switch {
			case r.shape().partial && end < 0:
			case r.shape().partial && f.secret.start <= int(p.at): // an earlier name's match holds this one
			case r.shape().partial && read.verdict == noMatch:
			case read.verdict == isMatch && (end != int(read.end) || f.secret != read.value()):
				t.Fatalf("%q: %s at %d matches to %d with %v, the shape says %+v", text, r.ID, p.at, end, f.secret, read)
			case read.verdict == noMatch && end >= 0 && !nameLater(r, text, m.places[n][i+1:], end):
				t.Fatalf("%q: %s at %d matches to %d, the shape says not", text, r.ID, p.at, end)
			}
		}
	}
}

// nameLater says whether a match that ends at end has its name at one of places:
// what stands before a name may hold another.
func nameLater(r *rule, text []byte, places []place, end int) bool {
	return slices.ContainsFunc(places, func(p place) bool {
		return int(p.at) < end && r.shape().read(text, int(p.at), int(p.hit)).verdict != noMatch
	})
}

// compareGroups asks, at each word of a group whose rules all have shapes, what the
// automaton of the group says of each rule.
func compareGroups(t *rapid.T, d *Detector, text []byte) {
	m := newMachine(d)
	m.setPath("")
	m.reset()
	var hits []hit
	d.engine.words.walkOne(0, &hits, text, 0, len(text))
	for _, h := range hits {
		for _, target := range d.engine.ends[h.state] {
			if target.group < 0 || d.engine.groups[target.group].shaped() == nil {
				continue
			}
			g, at := d.engine.groups[target.group], int(h.end)-target.back
			_, mask := m.dfaAt(&m.known[target.group].tail, g.program, true).run(text, at, len(text), true)
			matches := make(map[*rule]bool)
			for i, b := range g.branches {
				matches[b.rule] = matches[b.rule] || mask>>i&1 != 0
			}
			for _, r := range g.shaped() {
				read := r.shape().read(text, at, int(h.end))
				if read.verdict != unclear && (read.verdict == isMatch) != matches[r] {
					t.Fatalf("%q: %s at %d: the automaton says %v, the shape says %+v", text, r.ID, at, matches[r], read)
				}
			}
		}
	}
}
