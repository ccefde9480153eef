package gitleaks

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	gitleaksdetect "github.com/zricethezav/gitleaks/v8/detect"
	gitleaksreport "github.com/zricethezav/gitleaks/v8/report"

	"sluice/internal/baseline"
	"sluice/internal/record"
	"sluice/internal/report"
	"sluice/internal/report/reporttest"
)

func write(t *testing.T, o Options, ds ...[]record.Delivery) []byte {
	t.Helper()
	var out bytes.Buffer
	s := New(&out, o)
	for _, d := range ds {
		if err := s.Write(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// gitleaks' own reporter, given what it reads of our report, writes the same
// bytes: same fields, same order, same blanks.
func TestSameBytesAsGitleaks(t *testing.T) {
	ours := write(t, Options{Rules: reporttest.Rules(), Run: reporttest.Run()}, reporttest.Deliveries())
	var findings []gitleaksreport.Finding
	if err := json.Unmarshal(ours, &findings); err != nil {
		t.Fatal(err)
	}
	var theirs bytes.Buffer
	if err := (&gitleaksreport.JsonReporter{}).Write(nopCloser{&theirs}, findings); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours, theirs.Bytes()) {
		t.Errorf("ours:\n%s\ngitleaks':\n%s", ours, theirs.Bytes())
	}
	reporttest.Golden(t, "testdata/report.json", ours)
	if empty := write(t, Options{Run: reporttest.Run()}); string(empty) != "[]\n" {
		t.Errorf("no findings: %q", empty)
	}
}

// The report is a baseline for gitleaks and for us.
func TestServesAsBaseline(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	s, err := Create(path, Options{Run: reporttest.Run()})
	if err != nil {
		t.Fatal(err)
	}
	ds := reporttest.Deliveries()
	if err := s.Write(t.Context(), ds); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	reporttest.OnlyFile(t, filepath.Dir(path), "report.json")
	theirs, err := gitleaksdetect.LoadBaseline(path)
	if err != nil || len(theirs) != 5 {
		t.Fatalf("%d findings, %v", len(theirs), err)
	}
	known, err := baseline.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ds {
		for i := range d.Findings {
			f := &d.Findings[i]
			if _, ok := known.Match(f); ok == (f.Known || f.Update || f.Pos.Line == 0) {
				t.Errorf("%s:%s:%d known: %v", f.Origin.Name, f.Rule, f.Pos.Line, ok)
			}
		}
	}
}

func TestIncompleteRunIsNoCleanReport(t *testing.T) {
	text := write(t, Options{Run: &report.Run{Errors: []string{"read b.log: permission denied"}}})
	var findings []gitleaksreport.Finding
	if err := json.Unmarshal(text, &findings); err != nil {
		t.Fatal(err)
	}
	if len(findings) != 1 || findings[0].RuleID != IncompleteRule || findings[0].Message != "read b.log: permission denied" {
		t.Errorf("%s", text)
	}
}

func TestHostile(t *testing.T) {
	runs, rules := reporttest.HostileText()
	for i, ds := range reporttest.Hostile() {
		text := write(t, Options{Rules: rules, Run: runs[i%len(runs)]}, ds)
		reporttest.CheckVisible(t, string(text))
		var findings []gitleaksreport.Finding
		if err := json.Unmarshal(text, &findings); err != nil {
			t.Fatal(err)
		}
		if len(findings) != 2 { // one of the two is known; the run is incomplete
			t.Errorf("%d findings", len(findings))
		}
	}
}

func TestConcurrentAndBroken(t *testing.T) {
	var out bytes.Buffer
	s := New(&out, Options{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if err := s.Write(t.Context(), reporttest.Deliveries()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var findings []gitleaksreport.Finding
	if err := json.Unmarshal(out.Bytes(), &findings); err != nil || len(findings) != 8*20*5 {
		t.Errorf("%d findings, %v", len(findings), err)
	}

	closed, err := os.Create(filepath.Join(t.TempDir(), "x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	b := New(closed, Options{})
	if b.Write(t.Context(), reporttest.Deliveries()) == nil || b.Close(t.Context()) == nil {
		t.Error("an error of the writer was lost")
	}
	if strings.Contains(out.String(), "sk-") {
		t.Error("a preview is in the report")
	}
}
