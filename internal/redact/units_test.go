package redact

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"sluice/internal/record"
)

// What is done to UTF-16 is what is done to the same text in UTF-8, in its own
// units: an odd byte would make other characters of all that follows.
func TestWideTextIsRedactedInItsOwnUnits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := rapid.SampledFrom([]units{wideLE, wideBE}).Draw(t, "order")
		piece := rapid.SampledFrom([]string{"SECRETSECRET", "SECRET\r\nSECRET", "ordinary ", "é", "Я", "😀", "\n", "\r\n", "[sluice:strong:0123456789abcdef]"})
		text := "a" + strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "text"), "")
		wide, at := widened(u, text)

		plain, raw := batchOf([]byte(text), 0), wideBatch(u, text, wide)
		var ms, wideMs []record.Match
		for _, secret := range []string{"SECRETSECRET", "SECRET\r\nSECRET"} {
			for _, m := range finder(plain, secret, "weak") {
				ms = append(ms, m)
				m.Spans = []record.Span{{Start: at[m.Spans[0].Start], End: at[m.Spans[0].End]}}
				wideMs = append(wideMs, m)
			}
		}
		want := testRedactor().Apply(plain, ms)
		got := testRedactor().Apply(raw, wideMs)
		if clean, _ := widened(u, string(want.Clean)); !bytes.Equal(got.Clean, clean) {
			t.Fatalf("%q became %q, want %q", text, u.narrow(got.Clean), want.Clean)
		}
		ignore := cmpopts.IgnoreFields(record.Position{}, "Offset", "Length", "Column")
		if diff := cmp.Diff(want.Findings, got.Findings, ignore); diff != "" {
			t.Fatalf("findings of %q (-UTF-8 +UTF-16):\n%s", text, diff)
		}
		again := testRedactor().Apply(wideBatch(u, string(want.Clean), got.Clean), nil)
		if !bytes.Equal(again.Clean, got.Clean) {
			t.Fatal("redacting twice changed something")
		}
	})
}

// A log that only begins like UTF-16 keeps its placeholders readable.
func TestFalseByteOrderMark(t *testing.T) {
	text := "\xff\xfe key SECRETSECRET.\n"
	b := batchOf([]byte(text), 0)
	b.Views = []record.View{{Kind: record.UTF16, Text: []byte("x"), Map: []record.Seg{record.Unit(0, 1, 2, 2)}}}
	d := testRedactor().Apply(b, finder(b, "SECRETSECRET", "weak"))
	if !anyPlaceholder.Match(d.Clean) || !bytes.HasPrefix(d.Clean, []byte("\xff\xfe key [")) {
		t.Errorf("%q", d.Clean)
	}
}

// A withheld line of UTF-16 leaves its line end.
func TestWideLineIsWithheld(t *testing.T) {
	for _, u := range []units{wideLE, wideBE} {
		wide, _ := widened(u, "one\r\ntwo\n")
		b := wideBatch(u, "one\r\ntwo\n", wide)
		b.Records[0].Withhold = true
		d := testRedactor().Apply(b, nil)
		if got := string(u.narrow(d.Clean)); got != "[sluice:withheld:0000000000000000]\r\ntwo\n" {
			t.Errorf("%q", got)
		}
	}
}

// widened is text in UTF-16 and where each of its bytes begins there.
func widened(u units, text string) (wide []byte, at map[int]int) {
	at = map[int]int{}
	for i, r := range text {
		at[i] = len(wide)
		for _, c := range utf16.Encode([]rune{r}) {
			if u == wideLE {
				wide = append(wide, byte(c), byte(c>>8))
			} else {
				wide = append(wide, byte(c>>8), byte(c))
			}
		}
	}
	at[len(text)] = len(wide)
	return wide, at
}

// wideBatch is text as a source gives it: lines, and a view with its map.
func wideBatch(u units, text string, wide []byte) *record.Batch {
	plain := batchOf([]byte(text), 0)
	_, at := widened(u, text)
	b := *plain
	b.Text, b.Records = wide, nil
	for _, rec := range plain.Records {
		rec.Span = record.Span{Start: at[rec.Start], End: at[rec.End]}
		rec.Base, rec.Next = int64(rec.Start), int64(rec.End)
		b.Records = append(b.Records, rec)
	}
	v := record.View{Kind: record.UTF16, Text: []byte(text)}
	for i, r := range text {
		n := utf8.RuneLen(r)
		v.Map = append(v.Map, record.Even(i, n, at[i], at[i+n]-at[i]))
	}
	b.Views = []record.View{v}
	return &b
}
