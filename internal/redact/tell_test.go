package redact

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sluice/internal/record"
	"sluice/internal/recycle"
)

// genLog is lines of text and of JSON, with placeholders, some right and some not.
func genLog(t *rapid.T) string {
	piece := rapid.SampledFrom([]string{
		"1", "a", "é", "\n", "\n", "\r\n", " text 77 ", "[sluice:weak:0123456789abcdef]", "[sluice:weak:0123456789abcdeg]",
		"[sluice:", "[sluice:none:0123456789abcdef]", "[sluice:strong:", "{\"a\": 12345678, \"b\": \"value\"}\n", "[1,2,3]", strings.Repeat("z", 700),
	})
	var text strings.Builder
	for range rapid.IntRange(1, 60).Draw(t, "pieces") {
		text.WriteString(piece.Draw(t, "piece"))
	}
	return text.String()
}

// genTold is a batch of such lines with matches; some are of units of two bytes.
func genTold(t *rapid.T) (*record.Batch, []record.Match) {
	text := genLog(t)
	var b *record.Batch
	if u := rapid.SampledFrom([]units{octets, octets, wideLE, wideBE}).Draw(t, "units"); u == octets {
		b = batchOf([]byte(text), rapid.IntRange(0, len(text)/4).Draw(t, "lead"))
		joinRecords(t, b)
	} else {
		wide, _ := widened(u, text)
		b = wideBatch(u, text, wide)
	}
	for i := range b.Records {
		b.Records[i].Withhold = rapid.IntRange(0, 99).Draw(t, "withhold") == 0
	}
	ms := genMatches(t, len(b.Text))
	for i := range ms {
		ms[i].Secret = []byte("xyz")[:1+i%3]
		ms[i].Whole = i%4 != 3
	}
	return b, ms
}

func TestTellFindsWhatApplyFinds(t *testing.T) {
	recycle.SpoilAll(true)
	defer recycle.SpoilAll(false)
	rapid.Check(t, func(t *rapid.T) {
		b, ms := genTold(t)
		r := New(Config{PrintKey: []byte("0123456789abcdef"), Rules: testRules, Time: digitTime})
		records := slices.Clone(b.Records)
		got := r.Tell(b, ms)
		if !slices.Equal(records, b.Records) {
			t.Fatal("the records of the batch were changed")
		}
		want := r.Apply(b, ms)
		if len(got.Clean) > 0 || len(got.Records) > 0 || got.Free != nil {
			t.Fatalf("%d clean bytes and %d records of a delivery of findings", len(got.Clean), len(got.Records))
		}
		want.Clean, want.Records, want.Free = nil, nil, nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q (-Apply +Tell):\n%s", b.Text, diff)
		}
	})
}

// What is looked for around a place is what is found there in all of the text.
func TestOwnTextNearIsOwnText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := batchOf([]byte(genLog(t)), 0)
		ms := genMatches(t, len(b.Text))
		all := placeholders(nil, b.Text, &names{rules: testRules})
		own := testRedactor().ownNear(b, octets, nil)
		if len(b.Text) > 0 && own.whole {
			t.Fatal("all of the text was read for nothing")
		}
		for i := range ms {
			got := own.of(ms[i].Spans).without(ms[i].Spans)
			if want := all.without(ms[i].Spans); !slices.Equal(got, want) {
				t.Fatalf("%q without its placeholders: %v of %v, want %v", b.Text, got, ms[i].Spans, want)
			}
		}
	})
}

// Of a text that is asked about everywhere all is read once.
func TestOwnTextIsReadOnce(t *testing.T) {
	b := batchOf([]byte(strings.Repeat("x", 1000)), 0)
	var ms []record.Match
	for at := range 100 {
		ms = append(ms, record.Match{Rule: "weak", Spans: []record.Span{{Start: at, End: at + 900}}})
	}
	if own := testRedactor().ownNear(b, octets, ms); !own.whole {
		t.Error("each match reads all of the text")
	}
}
