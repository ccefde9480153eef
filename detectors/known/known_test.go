package known_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/detectors/known"
	"sluice/internal/record"
	"sluice/internal/view"
)

func told(values ...string) (list []known.Told) {
	for i, v := range values {
		list = append(list, known.Told{Name: fmt.Sprint("SECRET_", i), Value: record.NewSecret(v)})
	}
	return list
}

// detect runs a text through the views and the detector.
func detect(d *known.Detector, b *record.Batch) []record.Match {
	view.Expand(b)
	return d.Detect(nil, b)
}

// writing is one way to write a secret: its pieces, each the whole characters
// that hold a part of it, and what stands around them of the same encoding.
type writing struct {
	name          string
	before, after string
	units         []string
	breaks        bool // a line break may stand between units
}

func units(s string, f func(c byte) string) (out []string) {
	for i := range len(s) {
		out = append(out, f(s[i]))
	}
	return out
}

func chars(s string) []string { return units(s, func(c byte) string { return string([]byte{c}) }) }

func jsonUnit(c byte) string {
	if c == '"' || c == '\\' {
		return `\` + string([]byte{c})
	}
	return string([]byte{c})
}

func twice(f func(c byte) string, list []string) (out []string) {
	for _, u := range list {
		out = append(out, strings.Join(units(u, f), ""))
	}
	return out
}

// inBase64 writes a secret between other bytes: the characters that hold a bit
// of it, and those that hold none.
func inBase64(name, before, secret, after string, alphabet *base64.Encoding) writing {
	text := alphabet.EncodeToString([]byte(before + secret + after))
	start, end := len(before)*8/6, ((len(before)+len(secret))*8+5)/6
	return writing{name, text[:start], text[end:], chars(text[start:end]), true}
}

// writings are all ways to write one secret.
func writings(s string) []writing {
	u := func(format string) func(c byte) string {
		return func(c byte) string { return fmt.Sprintf(format, c) }
	}
	jsonOnce := units(s, jsonUnit)
	percent := units(s, u("%%%02x"))
	some := units(s, func(c byte) string {
		if c%3 == 0 || c == '%' || c == '\\' {
			return fmt.Sprintf("%%%02X", c)
		}
		return string([]byte{c})
	})
	var unicode []string
	for _, r := range s {
		unicode = append(unicode, fmt.Sprintf(`\u%04x`, r))
	}
	list := []writing{
		{"raw", "", "", chars(s), true},
		{"json", `"`, `\n"`, jsonOnce, false},
		{"json twice", `"\"`, `\""`, twice(jsonUnit, jsonOnce), false},
		{"unicode", "", "", unicode, false},
		{"unicode twice", "", "", twice(jsonUnit, unicode), false},
		{"bytes", "b'", "'", units(s, u(`\x%02X`)), false},
		{"percent", "", "", percent, false},
		{"percent some", "?k=", "&a=%20", some, false},
		{"percent twice", "", "", twice(func(c byte) string { return strings.ReplaceAll(string([]byte{c}), "%", "%25") }, percent), false},
		{"percent in json", `"\"`, `\""`, twice(jsonUnit, some), false},
		{"hex", "", "", units(s, u("%02x")), true},
		{"hex capitals", "", "", units(s, u("%02X")), true},
		{"ansi", "\x1b[1m", "\x1b[0m", chars(s), false},
		{"basic", "Basic ", "", nil, false},
	}
	basic := inBase64("basic", "user:", s, "", base64.StdEncoding)
	basic.before = "Basic " + basic.before
	list[len(list)-1] = basic
	for align := range 3 {
		for name, alphabet := range map[string]*base64.Encoding{"standard": base64.StdEncoding, "url": base64.RawURLEncoding} {
			list = append(list,
				inBase64(fmt.Sprint("base64 ", name, align), "user:"[:align], s, "", alphabet),
				inBase64(fmt.Sprint("base64 in binary ", name, align), "\x00\xffk\x9d\x01"[:align+2], s, "\xfe\x01\x02\x80", alphabet))
		}
	}
	return list
}

var (
	secrets = []string{
		"sk-WQ59PFkl0JfI2yyVlbPegBPrUhRZdsvDQuc8dWrd", // 43 bytes
		"gsk_8dXw2Kq9Zr5Tn1Lp",                        // 20, 16 of them behind the prefix
		"q7Rw2-zX9",                                   // 9
		`pa"S5\w0rd?>~x`,                              // 14, with what escapes change
		"Zx8#kQ2!",                                    // 8
		"ünï-Kö5ß9x2Qw",                               // not ASCII
		"2b3c4cb5abf9f9e25113e99112cc3128",
	}
	contexts = [][2]string{{"", ""}, {"a line\n", "\nanother\n"}, {"key=", " "}, {"abc", "abc"}, {"\xff\x00", "\x00\xff"}, {"'", "'"}}
	breaks   = []string{"\n", "\r\n", "\n    ", "\n\t", "\\\n  ", "'\n        '", "\" \\\n    b\""}
)

// build joins a writing in its context and says where it stands; a break before
// unit at (0: none) makes two spans of it.
func build(w writing, context [2]string, at int, lineBreak string) (text string, spans []record.Span) {
	text = context[0] + w.before
	for i, part := range [][]string{w.units[:at], w.units[at:]} {
		if s := strings.Join(part, ""); s != "" {
			spans = append(spans, record.Span{Start: len(text), End: len(text) + len(s)})
			text += s
		}
		if i == 0 && at > 0 {
			text += lineBreak
		}
	}
	return text + w.after + context[1], spans
}

// TestEveryWriting tries every way to write every secret in every context, with
// a line break of every kind at every place that can have one: one match, whole,
// of exactly the bytes that hold it.
func TestEveryWriting(t *testing.T) {
	d, skipped := known.New(told(secrets...))
	if len(skipped) > 0 {
		t.Fatal(skipped)
	}
	for i, secret := range secrets {
		for _, w := range writings(secret) {
			for _, context := range contexts {
				check(t, d, i, w, context, 0, "")
				for at := 1; w.breaks && at < len(w.units); at++ {
					for _, b := range breaks {
						check(t, d, i, w, context, at, b)
					}
				}
			}
		}
	}
}

func check(t *testing.T, d *known.Detector, i int, w writing, context [2]string, at int, lineBreak string) {
	t.Helper()
	text, want := build(w, context, at, lineBreak)
	b := record.Batch{Text: []byte(text)}
	found := detect(d, &b)
	if len(found) != 1 || !found[0].Whole || !slices.Equal(found[0].Spans, want) || found[0].Name != fmt.Sprint("SECRET_", i) || string(found[0].Secret) != secrets[i] {
		got := ""
		for _, m := range found {
			got += fmt.Sprintf(" %s %s %v %v", m.Name, m.Encoding, m.Whole, m.Spans)
		}
		t.Errorf("%s of secret %d in %q, break %q before unit %d: want %v, got%s\n%q", w.name, i, context, lineBreak, at, want, got, text)
	}
}

// TestEscapedBreak has the line break inside the escaped text.
func TestEscapedBreak(t *testing.T) {
	d, _ := known.New(told(secrets...))
	for i, secret := range secrets {
		for at := 1; at < len(secret); at++ {
			inner := units(secret, jsonUnit)
			for _, rounds := range []int{1, 2} {
				w := writing{"escaped break", "{\"message\": \"is ", " it?\"}", inner, true}
				b := `\n`
				if rounds == 2 {
					w.units, b = twice(jsonUnit, inner), `\\n`
				}
				check(t, d, i, w, contexts[1], at, b)
			}
		}
	}
}

// TestParts cuts a secret to twelve bytes and more, wherever, in every writing.
func TestParts(t *testing.T) {
	d, _ := known.New(told(secrets...))
	body := map[int]int{0: 3, 1: 4, 6: 0} // bytes of public prefix of those long enough
	for i, public := range body {
		secret := secrets[i]
		for start := public; start+12 <= len(secret); start++ {
			for end := start + 12; end <= len(secret); end++ {
				if start == public && end == len(secret) && public == 0 {
					continue
				}
				for _, w := range writings(secret[start:end]) {
					text, want := build(w, [2]string{"it is \u00e4 ", " \u00e4..."}, 0, "")
					b := record.Batch{Text: []byte(text)}
					if got := union(detect(d, &b)); !contains(got, want[0]) {
						t.Fatalf("%s of [%d,%d) of secret %d: want %v, got %v in %q", w.name, start, end, i, want, got, text)
					}
				}
			}
		}
	}
}

// union are the bytes that any match has.
func union(ms []record.Match) (all []record.Span) {
	for _, m := range ms {
		all = append(all, m.Spans...)
	}
	return all
}

// contains says that one span has all of want and at most two more characters
// on each side, which in base64 may hold bits of it or be the same by chance.
func contains(spans []record.Span, want record.Span) bool {
	return slices.ContainsFunc(spans, func(s record.Span) bool {
		return s.Start <= want.Start && s.Start >= want.Start-2 && s.End >= want.End && s.End <= want.End+2
	})
}

// TestShorterPartsAreLeft says what a part is not.
func TestShorterPartsAreLeft(t *testing.T) {
	d, _ := known.New(told(secrets...))
	for _, text := range []string{
		secrets[0][:14], secrets[0][20:31], "sk-", secrets[1][:15], secrets[2][:8], secrets[3][1:],
		hex.EncodeToString([]byte(secrets[0][5:16])), "sk-proj-", "gsk_8dXw",
	} {
		b := record.Batch{Text: []byte("x " + text + " x\n")}
		if got := detect(d, &b); len(got) > 0 {
			t.Errorf("%q: %v", text, got[0].Spans)
		}
	}
}

// TestAdded holds Add to the same writings, where they decode to text.
func TestAdded(t *testing.T) {
	d, _ := known.New(nil)
	d.Add(known.Told{Name: "SECRET_0", Value: record.NewSecret(secrets[0]), Gateway: true})
	for _, w := range writings(secrets[0]) {
		for _, context := range contexts {
			check(t, d, 0, w, context, 0, "")
		}
	}
}

// TestFramed has a secret over two frames, escaped or not.
func TestFramed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := secrets[rapid.IntRange(0, 1).Draw(t, "secret")]
		d, _ := known.New(told(secret))
		list := writings(secret)
		w := list[rapid.IntRange(0, len(list)-1).Draw(t, "writing")]
		text, spans := build(w, contexts[rapid.IntRange(0, 2).Draw(t, "context")], 0, "")
		cut := rapid.IntRange(1, len(text)-1).Draw(t, "cut")
		const header = "2026-01-21T09:14:03Z stdout P "
		raw := header + text[:cut] + "\n" + header + text[cut:]
		shift := 2*len(header) + 1
		b := record.Batch{Text: []byte(raw), Views: []record.View{{Kind: record.Framed, Text: []byte(text), Map: []record.Seg{
			record.Verbatim(0, cut, len(header)),
			record.Verbatim(cut, len(text)-cut, cut+shift),
		}}}}
		var want []record.Span
		for _, s := range spans {
			if s.Start < cut {
				want = append(want, record.Span{Start: s.Start + len(header), End: min(s.End, cut) + len(header)})
			}
			if s.End > cut {
				want = append(want, record.Span{Start: max(s.Start, cut) + shift, End: s.End + shift})
			}
		}
		got := detect(d, &b)
		if !slices.ContainsFunc(got, func(m record.Match) bool { return m.Whole && slices.Equal(m.Spans, want) }) {
			t.Fatalf("%s cut at %d: want %v in %q", w.name, cut, want, raw)
		}
	})
}
