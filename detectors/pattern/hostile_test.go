package pattern

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"sluice/internal/record"
	"sluice/internal/view"
	"sluice/rules"
)

// hostile are texts of n bytes made to cost as much as they can.
func hostile(tb testing.TB, n int) map[string]string {
	tb.Helper()
	set, err := rules.Default()
	if err != nil {
		tb.Fatal(err)
	}
	var words, assigned strings.Builder
	for i := range set.Rules {
		for _, k := range set.Rules[i].Keywords {
			words.WriteString(k + " ")
			assigned.WriteString(k + "=")
		}
	}
	fill := func(unit string) string { return strings.Repeat(unit, n/len(unit)+1)[:n] }
	r := rand.New(rand.NewPCG(5, 6))
	pick := func(units ...string) string {
		var b strings.Builder
		for b.Len() < n {
			b.WriteString(units[r.IntN(len(units))])
		}
		return b.String()[:n]
	}
	return map[string]string{
		"every keyword": fill(words.String()), "every keyword assigned": fill(assigned.String()),
		"a": fill("a"), "0": fill("0"), "space": fill(" "), "line feeds": fill("\n"),
		"invalid UTF-8": fill("\xff\xe2\x84"), "key": fill("key"), "key=": fill("key="), "curl": fill("curl "),
		"begin": fill("-----BEGIN PRIVATE KEY----"), "bearer": fill("Authorization: Bearer "),
		"curl lines": fill("curl -H\n"), "long s": fill("\u017fecret key="), "ey": fill("eyJ."),
		"secrets": fill("token='Zx9mQ2vR7tYpLk3WsDf8' "), "quotes": fill(`key"'="'`),
		"mixed":   pick("key", "token", "=", ":", " ", "a", "-", "'", "api_", "sk-", "\"", "curl ", "B", "0"),
		"mixed 2": pick("sk-", "key=", "a", "Bearer ", "password", ":", "/", "@", "://", ".", "\\n", "eyJ", "_"),
		"wide":    pick("é", "key", "=", "\u212a", "\u017f", "secret", "\xff", " "),
	}
}

// TestHostileTextEnds: whatever is read, every span lies in the batch, and what
// was not looked at is withheld.
func TestHostileTextEnds(t *testing.T) {
	d := detectors(t)["default"]
	for name, text := range hostile(t, 1<<18) {
		b := batchOf([]byte(text), 0)
		view.Expand(b)
		checkSpans(t, name, b, d.Detect(nil, b))
	}
}

type failer interface{ Errorf(string, ...any) }

func checkSpans(t failer, name string, b *record.Batch, ms []record.Match) {
	for _, m := range ms {
		at := 0
		for _, s := range m.Spans {
			if s.Start < at || s.End <= s.Start || s.End > len(b.Text) {
				t.Errorf("%s: %s has the span %v, text is %d bytes", name, m.Rule, s, len(b.Text))
			}
			at = s.End
		}
		if !m.Withhold && (len(m.Spans) == 0 || len(m.Secret) == 0 || at <= b.Lead) {
			t.Errorf("%s: %s: %d spans, secret of %d bytes, ends at %d with a lead of %d", name, m.Rule, len(m.Spans), len(m.Secret), at, b.Lead)
		}
	}
}

// TestOverBudgetIsWithheld: a line that costs too much is withheld, and lines
// behind it are looked at again.
func TestOverBudgetIsWithheld(t *testing.T) {
	set := &rules.Set{Rules: []rules.Rule{{ID: "slow", Pattern: `go[a-zX ]*X`, Keywords: []string{"go"}}}}
	d, err := New(set, Options{})
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Repeat("go ", 100<<10) + "\n"
	text := line + strings.Repeat("nothing to see\n", 1000) + "go now X\n"
	b := batchOf([]byte(text), 0)
	withheld, found := false, false
	for _, m := range d.Detect(nil, b) {
		s := m.Spans[0]
		withheld = withheld || m.Withhold && s.Start == 0 && s.End == len(line)
		found = found || m.Rule == "slow" && s.Start == strings.Index(text, "go now X")
	}
	if !withheld || !found {
		t.Errorf("line withheld: %v; secret behind it found: %v", withheld, found)
	}
}

// TestEveryLineIsFoundOrWithheld: wherever a costly line stands, a secret on any
// other line is reported, or its line withheld. Never neither.
func TestEveryLineIsFoundOrWithheld(t *testing.T) {
	set := &rules.Set{Rules: []rules.Rule{
		{ID: "slow", Pattern: `go[a-zX ]*X`, Keywords: []string{"go"}},
		{ID: "token", Pattern: `tok_[a-z0-9]{6}`, Keywords: []string{"tok_"}},
		{ID: "swept", Pattern: `\b[0-9]{6}\b`},
	}}
	d, err := New(set, Options{})
	if err != nil {
		t.Fatal(err)
	}
	costly := strings.Repeat("go ", 100<<10) + "\n"
	rapid.Check(t, func(rt *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{costly, "tok_a1b2c3\n", "id 123456 end\n", "go now X\n", "plain\n"}), 1, 8).Draw(rt, "kinds")
		b := batchOf([]byte(strings.Join(parts, "")), 0)
		seen := make([]bool, len(b.Text))
		for _, m := range d.Detect(nil, b) {
			mark(seen, m.Spans[0])
		}
		for _, rec := range b.Records {
			line := string(b.Text[rec.Start:rec.End])
			if line == "plain\n" {
				continue
			}
			if !slices.Contains(seen[rec.Start:rec.End], true) {
				rt.Fatalf("a line of %d bytes at %d is neither found in nor withheld", len(line), rec.Start)
			}
		}
	})
}

// TestThrashingIsWithheld: an expression with more states than the cache takes
// does not pass what it could not search.
func TestThrashingIsWithheld(t *testing.T) {
	set := &rules.Set{Rules: []rules.Rule{{ID: "wild", Pattern: `key[ab]*a[ab]{18}X`, Keywords: []string{"key"}}}}
	d, err := New(set, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 8))
	text := []byte("key")
	for range 60 << 10 {
		text = append(text, "ab"[r.IntN(2)])
	}
	text = append(text, 'X', '\n')
	ms := d.Detect(nil, batchOf(text, 0))
	if len(ms) == 0 {
		t.Error("neither found nor withheld")
	}
	m := d.take()
	if m.memory > maxMemory {
		t.Errorf("caches hold %d bytes, the bound is %d", m.memory, maxMemory)
	}
}

// FuzzDetect: no input breaks it, spans are right, and the parts of a view map
// to the batch.
func FuzzDetect(f *testing.F) {
	for _, text := range []string{"token='Zx9mQ2vR7tYpLk3WsDf8'\n", "{\"a\":\"key\\n\\u0067hp_\"}\n", "\xff\xfe key=", "[sluice:x:0123456789abcdef]"} {
		f.Add([]byte(text), uint16(0))
	}
	d := detectors(f)["default"]
	f.Fuzz(func(t *testing.T, text []byte, lead uint16) {
		b := batchOf(text, min(int(lead), len(text)))
		view.Expand(b)
		checkSpans(t, "fuzz", b, d.Detect(nil, b))
	})
}

// FuzzAgainstGitleaks mutates gitleaks' own samples: the findings stay
// gitleaks'. An hour of it: go test -fuzz AgainstGitleaks -fuzztime 1h.
func FuzzAgainstGitleaks(f *testing.F) {
	for _, text := range []string{"token='Zx9mQ2vR7tYpLk3WsDf8'\n", "aws AKIAQWERTYUIOPASDF23\n", "curl -H 'Authorization: Bearer abcdefghij123'\n"} {
		f.Add(text)
	}
	if flag.Lookup("test.fuzz").Value.String() != "" && os.Getenv("SLUICE_SHARED") != "" {
		for _, s := range samples(f) { // a test compares them as they are
			f.Add(s.Sample)
		}
	}
	d := gitleaksDetector(f, Options{})
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			t.Skip("gitleaks is slow")
		}
		switch len(text) % 3 { // what was found out once is to be true again, and of other ids and numbers
		case 0:
			text += text
		case 1:
			text = "\n" + text + "\n"
			for r := rand.New(rand.NewPCG(9, uint64(len(text)))); len(text) < 2<<10; {
				text += varied(r, text)
			}
		}
		text += "\n" // a last line without end is where we differ: see the package comment
		compare(t, "fuzz", oracleFindings(oracle(), text, ""), ourFindings(d, text, ""))
	})
}

// TestMutatedSamplesAsGitleaks cuts, joins and disturbs gitleaks' samples.
func TestMutatedSamplesAsGitleaks(t *testing.T) {
	list := samples(t)
	d := gitleaksDetector(t, Options{})
	disturb := []string{"", "\n", " ", "\"", "=", ",", ".", "\\n", "key", "\u017f", "\xff", "é", "-", "0", "a", "\x00", "'", ":", "\u212a"}
	rapid.Check(t, func(rt *rapid.T) {
		var text []byte
		for range rapid.IntRange(1, 4).Draw(rt, "samples") {
			s := []byte(list[rapid.IntRange(0, len(list)-1).Draw(rt, "sample")].Sample)
			for range rapid.IntRange(0, 3).Draw(rt, "changes") {
				at := rapid.IntRange(0, len(s)).Draw(rt, "at")
				cut := min(len(s), at+rapid.IntRange(0, 3).Draw(rt, "cut"))
				s = bytes.Join([][]byte{s[:at], s[cut:]}, []byte(rapid.SampledFrom(disturb).Draw(rt, "with")))
			}
			if rapid.Bool().Draw(rt, "fold") {
				s = bytes.ReplaceAll(s, []byte("k"), []byte("\u212a"))
			}
			text = append(append(text, s...), rapid.SampledFrom([]string{"\n", " ", "\n\n", ";"}).Draw(rt, "between")...)
		}
		if len(text) > 16<<10 || !utf8.Valid(text) && rapid.IntRange(0, 3).Draw(rt, "invalid") > 0 {
			rt.Skip("too long, or too often invalid")
		}
		if rapid.Bool().Draw(rt, "again") {
			text = append(text, text[rapid.IntRange(0, len(text)/2).Draw(rt, "from"):]...)
		}
		all := string(text) + "\n"
		want, got := oracleFindings(oracle(), all, ""), ourFindings(d, all, "")
		if fmt.Sprint(want) != fmt.Sprint(got) {
			rt.Fatalf("%q\ngitleaks: %q\nours:     %q", all, want, got)
		}
	})
}
