package lines

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sluice/internal/record"
)

// byEach is what records makes of text, one line after the other.
func byEach(text []byte, from int, at, line int64, cut bool) (recs []record.Record) {
	for len(text) > 0 && len(recs) < MaxRecords {
		n := bytes.IndexByte(text, '\n') + 1
		ended := n > 0
		if !ended {
			n = len(text)
		}
		recs = append(recs, record.Record{
			Span: record.Span{Start: from, End: from + n}, Line: line, Base: at, Next: at + int64(n), More: cut && !ended,
		})
		if ended && line > 0 {
			line++
		}
		text, from, at = text[n:], from+n, at+int64(n)
	}
	return recs
}

// Line ends that are marked by blocks are those that are found one by one, in memory
// that was used before too.
func TestRecordsAreTheLines(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		"\n", "\n\n\n\n\n", "x", "\x0b\x8a\n", strings.Repeat("a line of text ", 9) + "\n", strings.Repeat("y", 63) + "\n",
		strings.Repeat("\n", 700), strings.Repeat("long ", 900),
	})
	rapid.Check(t, func(t *rapid.T) {
		var text []byte
		for range rapid.IntRange(1, 20).Draw(t, "pieces") {
			text = append(text, piece.Draw(t, "piece")...)
		}
		from, line := rapid.IntRange(0, LeadSize).Draw(t, "from"), rapid.Int64Range(0, 2).Draw(t, "line")
		cut := rapid.Bool().Draw(t, "cut")
		r := &Reader{cs: octets, line: line, at: record.Mark{Offset: 77}}
		used := make([]record.Record, rapid.IntRange(0, 50).Draw(t, "used"))
		for i := range used {
			used[i] = record.Record{Null: true, More: true, Withhold: true, Sub: 5, Msg: 7}
		}
		got, want := r.records(used[:0], text, from, cut), byEach(text, from, 77, line, cut)
		if !slices.Equal(want, got) { // faster than to look for the difference
			t.Fatalf("%q (-one by one +by blocks):\n%s", text, cmp.Diff(want, got))
		}
		last := want[len(want)-1]
		if ends := int64(bytes.Count(text[:last.End-from], []byte{'\n'})); r.at.Offset != last.Next || line > 0 && r.line != line+ends {
			t.Fatalf("the reader is at byte %d of line %d", r.at.Offset, r.line)
		}
	})
}
