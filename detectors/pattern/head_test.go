package pattern

import (
	"testing"

	"pgregory.net/rapid"
)

// Where a shape and the head of a branch tell the match, it is the one that the
// automaton of the whole expression finds from the left.
func TestMatchesThatAreReadAreThoseFound(t *testing.T) {
	read := 0
	for which, d := range detectors(t) {
		var names []string
		for _, r := range d.rules {
			if r.pattern() != "" && r.shape() != nil && r.shape().partial {
				names = append(names, r.branches[0].words...)
			}
		}
		names = append(names, "key", "token", "AIza", "api_key", "secret", "Received API Key")
		t.Run(which, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				read += compareMatches(t, d, []byte(shapedText(t, names)))
			})
		})
	}
	if read == 0 {
		t.Error("no match was read")
	}
}

// compareMatches resolves the places of all rules, and returns how many matches there
// were.
func compareMatches(t *rapid.T, d *Detector, text []byte) (matches int) {
	m := newMachine(d)
	m.setPath("")
	m.reset()
	frag := &fragment{text: text}
	m.searchAll(frag)
	if m.candidates(frag); m.folds {
		return 0
	}
	m.sortPlaces()
	for _, n := range m.ruled {
		r, from := m.rules[n], 0
		if r.shape() == nil || !r.shape().partial {
			continue
		}
		for i, p := range m.places[n] {
			if int(p.at) < from {
				continue
			}
			f, end := m.matchAt(frag, r, m.places[n][i:], from)
			want, wantEnd := m.matchAround(frag, r, int(p.at), from)
			if end >= 0 && (end != wantEnd || f != want) {
				t.Fatalf("%q: %s at %d from %d: %+v to %d, the expression matches %+v to %d", text, r.ID, p.at, from, f, end, want, wantEnd)
			}
			if end < 0 && wantEnd >= 0 && !foundLater(m, frag, m.places[n][i+1:], from, want) {
				t.Fatalf("%q: %s at %d from %d: no match, the expression matches %+v to %d", text, r.ID, p.at, from, want, wantEnd)
			}
			if end >= 0 {
				matches++
				from = end
			}
		}
	}
	return matches
}

// foundLater says whether a match is found at one of places: what stands before a name
// may hold another.
func foundLater(m *machine, frag *fragment, places []place, from int, want finding) bool {
	for i := range places {
		if f, end := m.matchAt(frag, want.rule, places[i:], from); end >= 0 {
			return f == want
		}
	}
	return false
}

// A match that may begin before the last value ends is not taken for one that cannot.
func TestInnocentValueHidesNoMatchBehindIt(t *testing.T) {
	text := "GET /x?a=1&key=7f3c9e1b5d2846a0c1e3f5b7d9a2c4e6f8091a2b&token=hT7zQp9Lx2VbN4mK8sWc&z=1\n"
	for _, match := range detectors(t)["default"].Detect(nil, batchOf([]byte(text), 0)) {
		if match.Rule == "generic-url-credential" {
			return
		}
	}
	t.Error("the token is not found by the rule for URLs")
}
