package virtualkey

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
	"sluice/internal/view"
)

// expanded is text as one record with the views of it. What they leave out is
// blank: the pipeline withholds it.
func expanded(text string) *record.Batch {
	b := batch(text)
	blank(b.Text, view.Expand(b))
	return b
}

func blank(text []byte, spans []record.Span) {
	for _, s := range spans {
		copy(text[s.Start:s.End], bytes.Repeat([]byte("#"), s.Len()))
	}
}

func quoted(s string) string {
	out, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(out)
}

func percent(s string) string {
	var out strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&out, "%%%02x", c)
	}
	return out.String()
}

// encodings are what internal/view undoes.
var encodings = map[string]func(string) string{
	"quoted":    quoted,
	"percent":   percent,
	"hex":       func(s string) string { return " " + hex.EncodeToString([]byte(s)) + " " },
	"base64":    func(s string) string { return " " + base64.StdEncoding.EncodeToString([]byte(s)) + " " },
	"base64url": func(s string) string { return " " + base64.RawURLEncoding.EncodeToString([]byte(s)) + " " },
	"newline":   func(s string) string { return quoted("is\n" + s + "\n") },
	"unicode":   func(s string) string { return strings.ReplaceAll(s, "-", `\u002d`) },
	"colour":    func(s string) string { return "\x1b[92m" + s[:5] + "\x1b[0m" + s[5:] },
}

func TestKeyInViews(t *testing.T) {
	r := random()
	live, unknown := defaultKey(r), defaultKey(r)
	d := newDetector(t, newFakeKeys(live))
	for name, encode := range encodings {
		for _, key := range []string{live, unknown} {
			text := "user said " + encode("the key is "+key+" ok") + " end\n"
			ms := d.Detect(nil, expanded(text))
			if len(ms) != 1 || string(ms[0].Secret) != key || ms[0].Rule != RuleVirtual {
				t.Errorf("%s, live %t: %v in %q", name, key == live, hits(ms), text)
			}
		}
	}
}

// TestReportedOnce: a key that stands in a text and in its views is one match,
// under the name the text gives it.
func TestReportedOnce(t *testing.T) {
	r := random()
	live, unknown := defaultKey(r), defaultKey(r)
	for _, hides := range []bool{false, true} {
		keys := newFakeKeys(live)
		keys.hides = hides
		d := newDetector(t, keys)
		text := fmt.Sprintf(`{"a":"%s","b":"x\ny %%20 %s","c":"%s...","d":"\u00e9 %064x"}`+"\n", live, unknown, "sk-"+live[9:22], 1)
		ms := d.Detect(nil, expanded(text))
		if len(ms) != 3 {
			t.Fatalf("hides %t: %v, want 3", hides, hits(ms))
		}
		for _, m := range ms {
			if m.Encoding != record.Plain || string(m.Secret) != text[m.Spans[0].Start:m.Spans[0].End] {
				t.Errorf("%s: %s at %v", m.Rule, m.Encoding, m.Spans)
			}
		}
	}
}

// TestNothingSurvives: with the bytes of every match blanked out, no way of
// reading the text shows a live key again.
func TestNothingSurvives(t *testing.T) {
	names := []string{"quoted", "percent", "hex", "base64", "base64url", "newline", "unicode", "colour"}
	r := random()
	var live []string
	for range 8 {
		live = append(live, defaultKey(r))
	}
	plain, hiding := newFakeKeys(live...), newFakeKeys(live[1:]...)
	hiding.hide(live[0])
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SampledFrom([]*fakeKeys{plain, hiding}).Draw(t, "keys")
		d := newDetector(t, keys)
		var text strings.Builder
		for range rapid.IntRange(1, 6).Draw(t, "pieces") {
			piece := rapid.SampledFrom(live).Draw(t, "key")
			for range rapid.IntRange(0, 2).Draw(t, "rounds") {
				piece = encodings[rapid.SampledFrom(names).Draw(t, "encoding")](piece)
			}
			text.WriteString(piece + rapid.SampledFrom([]string{"", " ", "\n", `"`, "sk-", "%", `\n`}).Draw(t, "behind"))
		}
		b := expanded(text.String())
		ms := d.Detect(nil, b)
		clean := slices.Clone(b.Text)
		for _, m := range ms {
			blank(clean, m.Spans)
		}
		for _, m := range d.Detect(nil, expanded(string(clean))) {
			if _, live := keys.Lookup(m.Hash); live {
				t.Fatalf("%q left %q", text.String(), m.Secret)
			}
		}
		for _, v := range append(b.Views, record.View{Text: b.Text}) {
			for _, key := range live {
				if bytes.Contains(v.Text, []byte(key)) && !slices.ContainsFunc(ms, func(m record.Match) bool { return string(m.Secret) == key }) {
					t.Fatalf("%q: %q not reported", text.String(), key)
				}
			}
		}
	})
}
