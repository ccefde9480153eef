package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sluice/internal/record"
)

var anyPlaceholder = regexp.MustCompile(`\[sluice:[a-z0-9-]+:[0-9a-f]{16}\]`)

func testRules(id string) (Rule, bool) {
	switch id {
	case "strong":
		return Rule{Severity: record.SeverityCritical, Strong: true}, true
	case "weak":
		return Rule{Severity: record.SeverityHigh}, true
	case "info":
		return Rule{Severity: record.SeverityInfo}, true
	}
	return Rule{}, false
}

func testRedactor() *Redactor {
	return New(Config{PrintKey: []byte("0123456789abcdef"), Rules: testRules})
}

// batchOf cuts text into lines behind a lead.
func batchOf(text []byte, lead int) *record.Batch {
	b := &record.Batch{Text: text, Lead: lead, Origin: record.Origin{Kind: "file", Name: "a.log"}}
	for at, line := lead, int64(1); at < len(text); line++ {
		n := bytes.IndexByte(text[at:], '\n') + 1
		if n == 0 {
			n = len(text) - at
		}
		b.Records = append(b.Records, record.Record{
			Span: record.Span{Start: at, End: at + n}, Line: line, Base: int64(at - lead), Next: int64(at - lead + n),
		})
		at += n
	}
	return b
}

// naive is the specification of Clean, byte by byte: "¤" for a placeholder.
func naive(b *record.Batch, ms []record.Match) string {
	gone := make([]bool, len(b.Text))
	for _, m := range ms {
		if m.Rule == "info" || m.Spans[len(m.Spans)-1].End <= b.Lead {
			continue
		}
		for _, s := range m.Spans {
			for i := s.Start; i < s.End; i++ {
				gone[i] = true
			}
		}
	}
	var out strings.Builder
	for _, rec := range b.Records {
		body := b.Text[rec.Start:rec.End]
		end := rec.End - len(octets.lineEnd(body))
		for i := rec.Start; i < rec.End; i++ {
			switch {
			case !gone[i] || i >= end:
				out.WriteByte(b.Text[i])
			case i == rec.Start || !gone[i-1]:
				out.WriteString("¤")
			}
		}
	}
	return out.String()
}

// genBatch has no quote: a line of two is a JSON document, which is mended as
// TestAnyCutLeavesJSON says, while naive knows no JSON.
func genBatch(t *rapid.T) *record.Batch {
	text := []byte(rapid.StringOfN(rapid.RuneFrom([]rune("abc \n\rxyzé\x00'\\")), 0, 200, -1).Draw(t, "text"))
	lead := 0
	if len(text) > 0 {
		lead = rapid.IntRange(0, len(text)/3).Draw(t, "lead")
	}
	return batchOf(text, lead)
}

func genMatches(t *rapid.T, n int) []record.Match {
	var ms []record.Match
	if n == 0 {
		return nil
	}
	for range rapid.IntRange(0, 6).Draw(t, "matches") {
		at := 0
		m := record.Match{Rule: rapid.SampledFrom([]string{"strong", "weak", "info"}).Draw(t, "rule"), Whole: true}
		for range rapid.IntRange(1, 2).Draw(t, "spans") {
			if at >= n {
				break
			}
			start := rapid.IntRange(at, n-1).Draw(t, "start")
			end := rapid.IntRange(start+1, min(n, start+40)).Draw(t, "end")
			m.Spans = append(m.Spans, record.Span{Start: start, End: end})
			at = end + 1
		}
		ms = append(ms, m)
	}
	return ms
}

func TestCleanIsTextWithoutSpans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := genBatch(t)
		ms := genMatches(t, len(b.Text))
		for i := range ms { // an info match of better precedence would hide another inside it
			if ms[i].Rule == "info" {
				ms[i].Rule = "weak"
			}
		}
		want := naive(b, ms)
		for i := range ms {
			s := ms[i].Spans
			ms[i].Secret = b.Text[s[0].Start:s[len(s)-1].End]
		}
		before, records := bytes.Clone(b.Text), slices.Clone(b.Records)
		d := testRedactor().Apply(b, ms)
		got := anyPlaceholder.ReplaceAllString(string(d.Clean), "¤")
		fold := regexp.MustCompile("¤+")
		if diff := cmp.Diff(fold.ReplaceAllString(want, "¤"), fold.ReplaceAllString(got, "¤")); diff != "" {
			t.Fatalf("clean (-want +got):\n%s", diff)
		}
		if !bytes.Equal(before, b.Text) {
			t.Fatal("the batch's own bytes were changed")
		}
		if len(d.Records) != len(records) {
			t.Fatalf("%d records became %d", len(records), len(d.Records))
		}
		at := 0
		for i, rec := range d.Records {
			if rec.Start != at || rec.Next != records[i].Next {
				t.Fatalf("record %d is %+v, want it to begin at %d", i, rec, at)
			}
			at = rec.End
			raw := b.Text[records[i].Start:records[i].End]
			if !bytes.Equal(octets.lineEnd(raw), octets.lineEnd(d.Clean[rec.Start:rec.End])) {
				t.Fatalf("record %d lost its line end", i)
			}
		}
		if at != len(d.Clean) {
			t.Fatalf("records end at %d of %d", at, len(d.Clean))
		}
	})
}

// Two detectors see one key, the second with the dots behind it: that is one
// finding, and the dots go with it. A match with more of its own is two.
func TestEdgeOfAnotherMatchIsNoFinding(t *testing.T) {
	b := batchOf([]byte("key sk-abcdefghijklmnopq... and more text\n"), 0)
	m := func(rule string, start, end int) record.Match {
		return record.Match{Rule: rule, Whole: true, Spans: []record.Span{{Start: start, End: end}}, Secret: b.Text[start:end]}
	}
	d := testRedactor().Apply(b, []record.Match{m("strong", 4, 24), m("weak", 4, 27)})
	if len(d.Findings) != 1 || anyPlaceholder.ReplaceAllString(string(d.Clean), "¤") != "key ¤ and more text\n" {
		t.Errorf("%d findings, clean %q", len(d.Findings), d.Clean)
	}
	if d = testRedactor().Apply(b, []record.Match{m("strong", 4, 24), m("weak", 4, 36)}); len(d.Findings) != 2 {
		t.Errorf("%d findings, want 2", len(d.Findings))
	}
}

func TestInfoIsReportedAndStays(t *testing.T) {
	b := batchOf([]byte("hash abcdef\n"), 0)
	d := testRedactor().Apply(b, []record.Match{{Rule: "info", Whole: true, Spans: []record.Span{{Start: 5, End: 11}}, Secret: []byte("abcdef")}})
	if string(d.Clean) != "hash abcdef\n" || len(d.Findings) != 1 {
		t.Fatalf("%q with %d findings", d.Clean, len(d.Findings))
	}
}

// finder is a detector of one literal.
func finder(b *record.Batch, secret, rule string) []record.Match {
	var ms []record.Match
	for at := 0; ; {
		i := bytes.Index(b.Text[at:], []byte(secret))
		if i < 0 {
			return ms
		}
		ms = append(ms, record.Match{
			Rule: rule, Whole: true, Secret: []byte(secret),
			Spans: []record.Span{{Start: at + i, End: at + i + len(secret)}},
		})
		at += i + len(secret)
	}
}

// A second pass finds the word "strong" and the hex digits of the first pass's
// placeholders, and must leave them alone.
func TestRedactingTwiceChangesNothing(t *testing.T) {
	text := "a hunter2hunter2 b\nstrong hunter2hunter2\n"
	r := testRedactor()
	once := r.Apply(batchOf([]byte(text), 0), finder(batchOf([]byte(text), 0), "hunter2hunter2", "strong"))
	b := batchOf(once.Clean, 0)
	twice := r.Apply(b, finder(b, "[sluice:strong:", "weak"))
	if !bytes.Equal(once.Clean, twice.Clean) || len(twice.Findings) != 0 {
		t.Fatalf("first  %q\nsecond %q", once.Clean, twice.Clean)
	}
	disguise := batchOf([]byte("[sluice:not-a-rule:0123456789abcdef]\n"), 0)
	d := r.Apply(disguise, finder(disguise, "0123456789abcdef", "strong"))
	if strings.Contains(string(d.Clean), "0123456789abcdef") {
		t.Fatal("a placeholder of an unknown rule hid a secret")
	}
}

func TestFingerprints(t *testing.T) {
	of := func(r *Redactor, text, secret, rule string) [16]byte {
		b := batchOf([]byte(text), 0)
		d := r.Apply(b, finder(b, secret, rule))
		if len(d.Findings) != 1 {
			t.Fatalf("%d findings in %q", len(d.Findings), text)
		}
		return d.Findings[0].Fingerprint
	}
	keyless := func(key string) *Redactor { return New(Config{PrintKey: []byte(key), Rules: testRules}) }
	one, other := keyless("random-key-of-run-one"), keyless("random-key-of-run-two")
	const s1, s2 = "Zq8rT2wX9vB4nM7k", "Pp3sD6fG1hJ5kL0z"
	base := of(one, "12:00:01 key "+s1+"\n", s1, "strong")
	for name, c := range map[string]struct {
		got  [16]byte
		same bool
	}{
		"another run with another random key": {of(other, "12:00:01 key "+s1+"\n", s1, "strong"), true},
		"a line above":                        {of(one, "new line\n12:00:01 key "+s1+"\n", s1, "strong"), true},
		"another time":                        {of(one, "23:59:59 key "+s1+"\n", s1, "strong"), true},
		"another secret on the line":          {of(one, "12:00:01 key "+s2+"\n", s2, "strong"), false},
		"another text on the line":            {of(one, "12:00:01 token "+s1+"\n", s1, "strong"), false},
		"another rule":                        {of(one, "12:00:01 key "+s1+"\n", s1, "weak"), false},
	} {
		if (c.got == base) != c.same {
			t.Errorf("%s: same fingerprint is %v, want %v", name, c.got == base, c.same)
		}
	}
	// A weak secret's fingerprint without a key tells nothing of the secret.
	if of(one, "pw "+s1+"\n", s1, "weak") != of(other, "pw "+s2+"\n", s2, "weak") {
		t.Error("a weak secret's fingerprint helps to test guesses")
	}
	given := New(Config{PrintKey: []byte("the key of the team"), KeyGiven: true, Rules: testRules})
	if of(given, "pw "+s1+"\n", s1, "weak") == of(given, "pw "+s2+"\n", s2, "weak") {
		t.Error("with a given key, a changed secret must change the fingerprint")
	}
}

func TestPosition(t *testing.T) {
	text := "lead line\nfirst\nhéllo SECRETSECRET!\r\nlast"
	b := batchOf([]byte(text), len("lead line\n"))
	at := strings.Index(text, "SECRET")
	d := testRedactor().Apply(b, []record.Match{{
		Rule: "strong", Whole: true, Secret: []byte("SECRETSECRET"), Spans: []record.Span{{Start: at, End: at + 12}},
	}})
	want := record.Position{Line: 2, Column: 8, Offset: int64(at - 10), Length: 12, ColumnRunes: 7, EndColumnRunes: 19, EndLine: 2}
	if diff := cmp.Diff(want, d.Findings[0].Pos); diff != "" {
		t.Errorf("position (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(d.Findings[0].Context, "héllo [sluice:strong:") {
		t.Errorf("context %q", d.Findings[0].Context)
	}
}

func TestContextIsSafeForTerminals(t *testing.T) {
	b := batchOf([]byte("\x1b[2J\u202e SECRETSECRET \u009b\x07\xff\n"), 0)
	d := testRedactor().Apply(b, finder(b, "SECRETSECRET", "strong"))
	got := d.Findings[0].Context
	for _, bad := range []string{"\x1b", "\u202e", "\u009b", "\x07", "\xff", "SECRET"} {
		if strings.Contains(got, bad) {
			t.Errorf("context %q holds %q", got, bad)
		}
	}
}

func TestWithheldRecordHoldsNothing(t *testing.T) {
	b := batchOf([]byte("ok\nunseen SECRETSECRET\r\nok\n"), 0)
	b.Records[1].Withhold = true
	d := testRedactor().Apply(b, finder(b, "SECRETSECRET", "strong"))
	if want := "ok\n[sluice:withheld:0000000000000000]\r\nok\n"; string(d.Clean) != want || d.Withheld != 1 {
		t.Fatalf("clean %q, %d withheld", d.Clean, d.Withheld)
	}
	if len(d.Findings) != 1 || strings.Contains(d.Findings[0].Context, "SECRET") {
		t.Fatalf("findings %+v", d.Findings)
	}
}

// The secret must be in no field of a delivery, through no verb and no encoder.
func TestDeliveryHoldsNoSecret(t *testing.T) {
	const secret = "kJ8sH2dL5qW9xZ3c"
	b := batchOf([]byte("Bearer "+secret+" and "+secret+"\n"), 0)
	ms := finder(b, secret, "strong")
	d := testRedactor().Apply(b, ms)
	b.Text, b.Records = nil, nil
	encoded, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprintf("%v %+v %#v %s", d, d, d, d.Clean), string(encoded), fmt.Sprintf("%v %+v %#v %x %s", ms, ms[0], ms[0], ms[0], ms)} {
		if strings.Contains(s, secret) || strings.Contains(s, fmt.Sprintf("%x", secret)) {
			t.Errorf("the secret is in %s", s)
		}
	}
}

func FuzzApply(f *testing.F) {
	f.Add([]byte("line one\nkey SECRETSECRET\r\n"), 5, 9, 20)
	f.Add([]byte("[sluice:strong:0123456789abcdef]"), 0, -3, 500)
	f.Fuzz(func(t *testing.T, text []byte, lead, start, end int) {
		b := batchOf(text, min(max(lead, 0), len(text)))
		ms := []record.Match{
			{Rule: "weak", Whole: true, Secret: []byte("x"), Spans: []record.Span{{Start: start, End: end}, {Start: start - 1, End: end / 2}}},
			{Rule: "strong", Spans: []record.Span{{Start: start / 2, End: end}}},
			{Withhold: start%3 == 0, Spans: []record.Span{{Start: end, End: end + 1}}},
		}
		d := testRedactor().Apply(b, ms)
		if got, want := bytes.Count(d.Clean, []byte("\n")), bytes.Count(text[b.Lead:], []byte("\n")); got != want {
			t.Fatalf("%d line ends became %d", want, got)
		}
	})
}
