package report_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice/internal/record"
	"sluice/internal/report"
	"sluice/internal/report/reporttest"
)

// sameJSON fails unless AppendFinding writes f as AppendJSON does.
func sameJSON(t interface {
	Helper()
	Fatalf(string, ...any)
}, f *record.Finding) {
	t.Helper()
	want, err := report.AppendJSON([]byte("x"), report.NewObject(f))
	if err != nil {
		t.Fatalf("%v", err)
	}
	got, err := report.AppendFinding([]byte("x"), f)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%v\n%q, want\n%q", err, got, want)
	}
}

func TestAppendFindingIsItsObject(t *testing.T) {
	for _, ds := range append(reporttest.Hostile(), reporttest.Deliveries()) {
		for i := range ds {
			for j := range ds[i].Findings {
				f := ds[i].Findings[j]
				sameJSON(t, &f)
				f.Key = nil
				sameJSON(t, &f)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.SampledFrom([]string{"", "#", "##", "###[", "\"", `\`, "\u2028", "\u202e", "\ufffd", "\xff", "\U000e0041", "\x7f", "<&>", "… é", "\xe2\x80"}))
		text := rapid.Custom(func(t *rapid.T) string { return piece.Draw(t, "a") + piece.Draw(t, "b") + piece.Draw(t, "c") })
		f := record.Finding{
			Origin: record.Origin{Kind: text.Draw(t, "kind"), Name: text.Draw(t, "source"), Stream: text.Draw(t, "stream")},
			Rule:   text.Draw(t, "rule"), Name: text.Draw(t, "name"), Context: text.Draw(t, "context"),
			Preview: text.Draw(t, "preview"), KnownBy: text.Draw(t, "by"), Encoding: record.Encoding(text.Draw(t, "encoding")),
			Severity: record.Severity(rapid.Uint8().Draw(t, "severity")), Length: rapid.Int().Draw(t, "length"),
			Whole: rapid.Bool().Draw(t, "whole"), Update: rapid.Bool().Draw(t, "update"), Known: rapid.Bool().Draw(t, "known"),
			Shown: rapid.IntRange(-1, 2).Draw(t, "shown"), BitsLeft: rapid.IntRange(-1, 2).Draw(t, "bits"),
			Pos: record.Position{Line: rapid.Int64().Draw(t, "line"), Column: 1, Offset: -1, Length: math.MaxInt64},
		}
		copy(f.Print[:], text.Draw(t, "print"))
		copy(f.Fingerprint[:], text.Draw(t, "fingerprint"))
		if rapid.Bool().Draw(t, "timed") {
			f.Time = time.Unix(rapid.Int64Range(-1e11, 4e11).Draw(t, "seconds"), rapid.Int64Range(0, 1e9-1).Draw(t, "nanos")).
				In(time.FixedZone("", rapid.IntRange(-12, 14).Draw(t, "zone")*3600))
		}
		sameJSON(t, &f)
	})
}
