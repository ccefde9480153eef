package pattern

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/view"
)

// varied is a text with other numbers and ids, and of the same length: each digit is
// another, and so are the letters of runs that have digits.
func varied(r *rand.Rand, text string) string {
	out := []byte(text)
	for i := 0; i < len(out); {
		start, has := i, uint8(0)
		for ; i < len(out) && classOf[out[i]]&freeWord != 0; i++ {
			has |= classOf[out[i]]
		}
		for k := start; k < i; k++ {
			switch class := classOf[out[k]]; {
			case class == freeDigit || has&^freeHex == 0 && has&freeDigit != 0 && i-start >= shortestHex:
				out[k] = pickOf(r, class|has&freeHex)
			case has&freeDigit != 0 && i-start >= leastID:
				out[k] = pickOf(r, class)
			}
		}
		if i == start {
			i++
		}
	}
	return string(out)
}

// pickOf is a byte of some classes.
func pickOf(r *rand.Rand, classes uint8) byte {
	for {
		if c := freeCharacters[r.IntN(len(freeCharacters))]; classOf[c]&classes != 0 {
			return c
		}
	}
}

// partsOfLines are of lines whose words have to do with ids, numbers, and other lines.
var partsOfLines = []string{
	"10.0.0.25:53741 - \"GET /v1/models HTTP/1.1\" 401 Unauthorized", "\": 0.892059, '", " 'id': 'call_7PEXfSHthnZIX0Q5U8uXZ0WZ'}]",
	"chatcmpl-0ea92354-4c56-4430-aa2b-1b3b34310194", "acca274cbb74d69f374b1d96ce2b2ca2f016223fa374aeea4f36dfdd6a2f3f3900e1", "\"4b1d5f86c5f289649ae37f2cc1297e91461045220427\"",
	"key%3D3a4f5b6c7d8e9f0a1b2c3d4e5f", "/key/info?key=sk-1", "token", "secret\n", "= \"", "AKIA2345672345672345", " \\\n", "curl https://a \\\n", "-H 'Authorization: Bearer ",
	"team-38-ci", "user_api_key_team_id': '", "facebook ", "123456789012345|abcdefghijklmnopqrstuvwxyz0", "\x1b[92m", "kéy", "os.environ/KEY_2", "A1b2C3d4E5f6G7h8I9j0", "sourcegraph ", "a3t0000000",
}

// drawn are a machine, and lines that are put together.
func drawn(t *rapid.T, d *Detector) (*rand.Rand, *machine, []string) {
	m := newMachine(d)
	m.setPath("")
	part := rapid.SampledFrom(slices.Concat(partsOfLogs, partsOfLines))
	lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(part, 1, 7).Draw(t, "line"), "") + "\n"
	}), 1, 5)
	return rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), m, lines.Draw(t, "lines")
}

// TestLinesThatArePassedOverHaveNothing: a search that passes over what it knows finds
// what one finds that searches all, in a text and in views.
func TestLinesThatArePassedOverHaveNothing(t *testing.T) {
	for set, d := range detectors(t) {
		passed := 0
		rapid.Check(t, func(t *rapid.T) {
			r, m, lines := drawn(t, d)
			for range 4 {
				var text strings.Builder
				text.WriteString("\n")
				for range 12 {
					text.WriteString(varied(r, lines[r.IntN(len(lines))]))
				}
				m.credit = firstCredit
				passed += compareSearches(t, d, m, text.String())
			}
		})
		if passed == 0 {
			t.Errorf("%s: nothing was passed over", set)
		}
	}
}

// compareSearches says how many texts of templates were passed over.
func compareSearches(t interface{ Fatalf(string, ...any) }, d *Detector, m *machine, text string) (passed int) {
	b := batchOf([]byte(text), 0)
	view.Expand(b)
	frags := []*fragment{{text: b.Text, keep: true}}
	for i := range b.Views {
		frags = append(frags, &fragment{text: b.Views[i].Text, view: &b.Views[i]})
	}
	frags = append(frags, &fragment{text: b.Text})
	for _, frag := range frags {
		got := listed(m.search(frag))
		passed += len(m.passed)
		all := untaught(d)
		all.setPath(m.path)
		all.templates = nil
		want := listed(all.search(&fragment{text: frag.text}))
		if !slices.Equal(got, want) {
			t.Fatalf("in %q, of which %d texts were passed over, found %q, by a search of all %q", frag.text, len(m.passed), got, want)
		}
	}
	return passed
}

// TestTemplatesOfLogs: so it is on real logs, said again with other ids.
func TestTemplatesOfLogs(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	names, err := filepath.Glob(filepath.Join(shared(t, "logs"), "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for set, d := range detectors(t) {
		m, passed := newMachine(d), 0
		m.setPath("")
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, piece := range pieces(string(text[:min(len(text), 1<<19)]), 64<<10) {
				for _, again := range []string{piece, varied(r, piece)} {
					passed += compareSearches(t, d, m, again)
				}
			}
		}
		if passed == 0 {
			t.Errorf("%s: nothing was passed over", set)
		}
	}
}

// TestNothingIsInWhatATemplateKnows: whatever stands in the free bytes of a template, and
// before and behind it, a search of all finds nothing that lies in it.
func TestNothingIsInWhatATemplateKnows(t *testing.T) {
	words := []string{"4b1d", "acca", "eaac", "eaaa", "KEY", "AKIA", "token", "sk", "a3t"}
	for set, d := range detectors(t) {
		learned := 0
		rapid.Check(t, func(t *rapid.T) {
			r, m, lines := drawn(t, d)
			for _, line := range lines {
				tmpl := m.learn([]byte(line))
				if tmpl == nil {
					continue
				}
				learned++
				for range 8 {
					text := filled(r, tmpl, words)
					before, behind := "\n"+lines[r.IntN(len(lines))], lines[r.IntN(len(lines))]
					whole := []byte(before + text + behind)
					end := len(before) + len(text)
					if !tmpl.knows([]byte(text), m.engine.words) || !tmpl.closed(whole, end) {
						continue
					}
					for _, f := range untaught(d).search(&fragment{text: whole}) {
						inside := f.at >= len(before) && f.end <= end
						if inside && !f.rule.sweep { // what is swept is swept all the same
							t.Fatalf("%s finds %q in %q, of the template %q", f.rule.ID, f.secretIn(&fragment{text: whole}), text, tmpl.text)
						}
					}
				}
			}
		})
		if learned == 0 {
			t.Errorf("%s: nothing was learned", set)
		}
	}
}

// filled is a text of a template: in what is free stand any bytes, and words that
// rules look for.
func filled(r *rand.Rand, t *template, words []string) string {
	text := slices.Clone(t.text[:t.n])
	for i := range text {
		if t.free[i] != 0 {
			text[i] = pickOf(r, t.free[i])
		}
	}
	for range r.IntN(4) {
		word, at := words[r.IntN(len(words))], r.IntN(t.n)
		for k := 0; k < len(word) && at+k < t.n && classOf[word[k]]&t.free[at+k] != 0; k++ {
			text[at+k] = word[k]
		}
	}
	return string(text)
}

// A NUL is no digit, and no line has the templates of another stream.
func TestTemplatesAreOfTheirStream(t *testing.T) {
	d := detectors(t)["default"]
	m := newMachine(d)
	m.setPath("")
	line := []byte("INFO:     10.0.0.25:53741 - \"GET /v1/models HTTP/1.1\" 200 OK\n")
	tmpl := m.learn(line)
	if tmpl == nil || !tmpl.knows(line, m.engine.words) {
		t.Fatal("nothing was learned")
	}
	line[10] = 0
	if tmpl.knows(line, m.engine.words) {
		t.Error("a NUL was taken for a digit")
	}
	all := m.templates
	if m.setPath("a.yaml"); m.templates == all {
		t.Error("a path for which other rules hold has the same templates")
	}
}
