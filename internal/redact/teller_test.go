package redact

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"regexp"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sluice/internal/record"
)

// digitTime is the time of a line that begins with a digit.
func digitTime(line []byte) (time.Time, bool) {
	if len(line) == 0 || line[0] < '0' || line[0] > '9' {
		return time.Time{}, false
	}
	return time.Unix(int64(line[0]), 0), true
}

// What is remembered of a line, a count or a stamp, is what would be found out
// again: each finding is the one that a teller of its own makes.
func TestTellerRemembersRight(t *testing.T) {
	piece := rapid.SampledFrom([]string{"1", "a", "é", "\x9f", "\xe2", "\n", "\n", "\n", "\r\n", " text 77 ", "[sluice:weak:0123456789abcdef]", "2\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"})
	rapid.Check(t, func(t *rapid.T) {
		var text []byte
		for range rapid.IntRange(1, 60).Draw(t, "pieces") {
			text = append(text, piece.Draw(t, "piece")...)
		}
		b := batchOf(text, rapid.IntRange(0, len(text)/4).Draw(t, "lead"))
		joinRecords(t, b)
		ms := genMatches(t, len(text))
		for i := range ms {
			ms[i].Secret = []byte("x")
		}
		r := New(Config{PrintKey: []byte("0123456789abcdef"), Rules: testRules, Time: digitTime})
		kept := r.choose(b, octets, ms)
		w := writer{b: b, at: make([]int, len(kept))}
		order := showOrder(kept)
		w.write(kept, order)
		all := newTeller(r, b, &w)
		for _, i := range order {
			var got, want record.Finding
			all.finding(&got, &kept[i], w.at[i])
			newTeller(r, b, &w).finding(&want, &kept[i], w.at[i])
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%q, match %d: (-alone +among others)\n%s", text, i, diff)
			}
			if p := got.Pos; p.Column > 0 {
				checkColumns(t, b, kept[i].Spans, p)
			}
		}
	})
}

// joinRecords makes some records of b one of several lines, as messages are, and
// some the beginning of the next.
func joinRecords(t *rapid.T, b *record.Batch) {
	if len(b.Records) > 1 && rapid.Bool().Draw(t, "join") {
		b.Records[1].Start = b.Records[0].Start
		b.Records = b.Records[1:]
	}
	for i := range b.Records[:max(len(b.Records)-1, 0)] {
		b.Records[i].More = rapid.IntRange(0, 9).Draw(t, "more") == 0
	}
}

// checkColumns counts without remembering.
func checkColumns(t *rapid.T, b *record.Batch, spans []record.Span, p record.Position) {
	start, end := spans[0].Start, spans[len(spans)-1].End
	line := start - int(p.Column) + 1
	tail := line + bytes.LastIndexByte(b.Text[line:end], '\n') + 1
	if tail >= end {
		tail = line
	}
	column, last := int64(utf8.RuneCount(b.Text[line:start]))+1, int64(utf8.RuneCount(b.Text[tail:end]))+1
	if p.ColumnRunes != column || p.EndColumnRunes != last {
		t.Fatalf("%q %v: columns %d to %d, want %d to %d", b.Text, spans, p.ColumnRunes, p.EndColumnRunes, column, last)
	}
}

func TestStampIsLookedForSoFar(t *testing.T) {
	text := append([]byte("1\n"), bytes.Repeat([]byte("secretsecret\n"), stampLines+3)...)
	b := batchOf(text, 0)
	r := New(Config{PrintKey: []byte("0123456789abcdef"), Rules: testRules, Time: digitTime})
	d := r.Apply(b, finder(b, "secretsecret", "strong"))
	for i, f := range d.Findings {
		if has := !f.Time.IsZero(); has != (i+1 < stampLines) {
			t.Errorf("line %d has a time: %v", i+1, has)
		}
	}
}

func TestPrintIsTheHMAC(t *testing.T) {
	r := testRedactor()
	for _, secret := range []string{"", "a", "a", string(make([]byte, 1000)), "b"} {
		mac := hmac.New(sha256.New, []byte("0123456789abcdef"))
		mac.Write([]byte(secret))
		if got := r.Print([]byte(secret)); !bytes.Equal(got[:], mac.Sum(nil)[:8]) {
			t.Errorf("%q: %x", secret, got)
		}
	}
}

func TestUndatedIsWithoutNumbers(t *testing.T) {
	number := regexp.MustCompile(`[0-9]+`)
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.StringOf(rapid.RuneFrom([]rune("0123456789/:abcé\x00"))).Draw(t, "text"))
		want := append([]byte("9"), number.ReplaceAll(text, []byte("0"))...)
		if got := appendUndated([]byte("9"), text); !bytes.Equal(got, want) {
			t.Fatalf("%q became %q, want %q", text, got, want)
		}
	})
}

// A line of many findings is searched once, and so is each line for a stamp: whoever
// writes a log must not make a line cost its square.
func TestManyFindingsOfALineReadItOnce(t *testing.T) {
	const findings = 200
	var text []byte
	for range 40 {
		text = append(text, "no stamp\n"...)
	}
	text = append(text, bytes.Repeat([]byte("secretsecret [sluice:nobody:0123456789abcdef] "), findings)...)
	var asked, timed int
	r := New(Config{
		PrintKey: []byte("0123456789abcdef"),
		Rules: func(id string) (Rule, bool) {
			if id == "nobody" {
				asked++
			}
			return testRules(id)
		},
		Time: func([]byte) (time.Time, bool) { timed++; return time.Time{}, false },
	})
	b := batchOf(text, 0)
	d := r.Apply(b, finder(b, "secretsecret", "strong"))
	if len(d.Findings) != findings || asked != 2*findings || timed != len(b.Records) {
		t.Errorf("%d findings: %d looks at a placeholder, %d at a line for its time", len(d.Findings), asked, timed)
	}
}
