package report_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"sluice/internal/record"
	"sluice/internal/report"
	"sluice/internal/report/reporttest"
)

// Against a model that keeps everything and sorts: what is left out is never
// worth more than what is kept, and nothing is lost from the count.
func TestCollectionModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(0, 8).Draw(t, "limit")
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) record.Finding {
			return record.Finding{
				Origin:   record.Origin{Kind: "file", Name: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name")},
				Rule:     rapid.SampledFrom([]string{"x", "y"}).Draw(t, "rule"),
				Severity: record.Severity(rapid.IntRange(1, 5).Draw(t, "severity")),
				Print:    [8]byte{byte(rapid.IntRange(0, 2).Draw(t, "print"))},
				Known:    rapid.Bool().Draw(t, "known"),
				Pos:      record.Position{Line: rapid.Int64Range(0, 3).Draw(t, "line")},
			}
		}), 0, 20).Draw(t, "findings")
		c := report.NewCollection(limit)
		for i := range all {
			all[i].Length = i // to tell them apart
			c.Add([]record.Delivery{{Findings: all[i : i+1]}})
		}
		kept, left := c.Findings()
		if len(kept) != min(limit, len(all)) || left != int64(len(all)-len(kept)) {
			t.Fatalf("kept %d, left %d of %d", len(kept), left, len(all))
		}
		slices.SortStableFunc(all, func(a, b record.Finding) int { return worth(b) - worth(a) })
		floor := 0
		if len(kept) > 0 {
			floor = worth(all[len(kept)-1])
		}
		for _, f := range kept {
			if worth(f) < floor {
				t.Fatalf("kept one of worth %d, left one of %d", worth(f), floor)
			}
		}
		if !slices.IsSortedFunc(kept, func(a, b record.Finding) int { return strings.Compare(a.Origin.Name, b.Origin.Name) }) {
			t.Fatal("not in order")
		}
	})
}

func worth(f record.Finding) int {
	if f.Known {
		return 0
	}
	return int(f.Severity)
}

// A secret that floods its source leaves room for each of the others once.
func TestCollectionKeepsEachSecretOnce(t *testing.T) {
	c := report.NewCollection(10)
	for i := range 1000 {
		f := record.Finding{Rule: "flood", Severity: record.SeverityHigh}
		if i%100 == 99 {
			f.Print = [8]byte{byte(i / 100)}
		}
		c.Add([]record.Delivery{{Findings: []record.Finding{f}}})
	}
	kept, left := c.Findings()
	prints := map[[8]byte]bool{}
	for _, f := range kept {
		prints[f.Print] = true
	}
	if len(prints) != 10 || left != 990 {
		t.Errorf("%d different secrets of 10 kept, %d left out", len(prints), left)
	}
}

func TestCollectionAppliesUpdates(t *testing.T) {
	c := report.NewCollection(10)
	f := record.Finding{Rule: "r", Print: [8]byte{1}, Severity: record.SeverityHigh}
	later := f
	later.Update, later.Key = true, &record.KeyInfo{Alias: "a\x1b", State: record.KeyLive}
	c.Add([]record.Delivery{{Findings: []record.Finding{f, later}}})
	kept, _ := c.Findings()
	if len(kept) != 1 || kept[0].Key == nil || kept[0].Key.Alias != `a\x1b` {
		t.Errorf("%+v", kept)
	}
	if later.Key.Alias != "a\x1b" {
		t.Error("the finding given was changed")
	}
}

// However long the strings, a finding kept is small.
func TestCollectionIsBounded(t *testing.T) {
	c := report.NewCollection(1000)
	for _, ds := range reporttest.Hostile() {
		c.Add(ds)
	}
	kept, _ := c.Findings()
	for _, f := range kept {
		k := f.Key
		if k == nil {
			k = &record.KeyInfo{}
		}
		size := int(unsafe.Sizeof(f)) + len(f.Origin.Kind+f.Origin.Name+f.Origin.Stream+f.Rule+f.Name+f.Preview+f.Context+f.KnownBy+f.BaselineID) +
			len(f.Encoding) + len(k.Gateway+k.Alias+k.Name+k.TeamID+k.TeamAlias+k.UserID) + len(k.State)
		if size > 10<<10 {
			t.Errorf("%d bytes", size)
		}
	}
}

func BenchmarkCollection(b *testing.B) {
	ds := make([][]record.Delivery, 1000)
	for i := range ds {
		ds[i] = reporttest.Deliveries()
		for j := range ds[i] {
			ds[i][j].Origin.Name = fmt.Sprint(i)
		}
	}
	c := report.NewCollection(25_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.Add(ds[i%len(ds)])
	}
}
