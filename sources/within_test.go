package sources

import (
	"strings"
	"testing"
	"time"

	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/sources/stdin"
)

func TestWithin(t *testing.T) {
	text := "no time yet\n" +
		"2026-01-21T09:00:00Z before\n  traceback of before\n" +
		"2026-01-21T10:00:00Z in\n  traceback of in\n" +
		"2026-01-21T11:00:00Z after\n"
	at := func(h int) time.Time { return time.Date(2026, 1, 21, h, 0, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		r    Range
		want string
	}{
		"both":  {Range{at(10), at(11)}, "no time yet\n2026-01-21T10:00:00Z in\n  traceback of in\n"},
		"since": {Range{Since: at(11)}, "no time yet\n2026-01-21T11:00:00Z after\n"},
		"until": {Range{Until: at(10)}, "no time yet\n2026-01-21T09:00:00Z before\n  traceback of before\n"},
	} {
		t.Run(name, func(t *testing.T) {
			src := Within(stdin.New(stdin.Config{Input: strings.NewReader(text)}), c.r)
			got, final := collect(t, src)
			if got != c.want || !final {
				t.Errorf("got %q, final %v; want %q", got, final, c.want)
			}
		})
	}
}

func collect(t *testing.T, src pipeline.Source) (text string, final bool) {
	t.Helper()
	err := src.Run(t.Context(), func(b record.Batch) error {
		at := b.Lead
		for _, rec := range b.Records {
			if rec.Start != at {
				t.Errorf("record at %d, want %d", rec.Start, at)
			}
			at = rec.End
		}
		if at != len(b.Text) {
			t.Errorf("records end at %d of %d", at, len(b.Text))
		}
		text += string(b.Text[b.Lead:])
		final = final || b.Final
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text, final
}
