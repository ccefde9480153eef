package junit

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sluice/internal/record"
	"sluice/internal/report"
	"sluice/internal/report/reporttest"
)

func write(t *testing.T, o Options, ds ...[]record.Delivery) string {
	t.Helper()
	dir := t.TempDir()
	s, err := New(filepath.Join(dir, "junit.xml"), o)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, d := range ds {
		wg.Go(func() {
			if err := s.Write(t.Context(), d); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	reporttest.OnlyFile(t, dir, "junit.xml")
	text, err := os.ReadFile(filepath.Join(dir, "junit.xml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// parse reads the file back with a strict parser and checks its sums.
func parse(t *testing.T, text string) testSuites {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v", err)
		}
	}
	var all testSuites
	if err := xml.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	tests := 0
	for _, u := range all.Suites {
		tests += u.Tests
		if u.Tests != len(u.Cases) {
			t.Errorf("suite %s counts %d tests of %d", u.Name, u.Tests, len(u.Cases))
		}
	}
	if tests != all.Tests {
		t.Errorf("%d tests in all, %d in suites", all.Tests, tests)
	}
	return all
}

func TestGolden(t *testing.T) {
	text := write(t, Options{Rules: reporttest.Rules(), Run: reporttest.Run()}, reporttest.Deliveries())
	parse(t, text)
	reporttest.Golden(t, "testdata/report.xml", []byte(text))
}

func TestCleanAndIncomplete(t *testing.T) {
	clean := parse(t, write(t, Options{Run: reporttest.Run()}))
	if clean.Tests != 1 || clean.Failures+clean.Errors != 0 {
		t.Errorf("clean: %+v", clean)
	}
	for _, run := range []*report.Run{nil, {Errors: []string{"read b.log: permission denied"}}} {
		if all := parse(t, write(t, Options{Run: run})); all.Errors != 1 {
			t.Errorf("incomplete: %+v", all)
		}
	}
}

func TestRepeatedFindingsAreCounted(t *testing.T) {
	ds := reporttest.Deliveries()[:1]
	f := ds[0].Findings[1]
	ds[0].Findings = nil
	for i := range 100 {
		f.Pos.Line = int64(i + 1)
		ds[0].Findings = append(ds[0].Findings, f)
	}
	all := parse(t, write(t, Options{Run: reporttest.Run()}, ds))
	got := all.Suites[1].Cases[0].Failure
	if got == nil || !strings.HasPrefix(got.Message, "100 secrets found") || !strings.Contains(got.Text, "and 80 more") {
		t.Errorf("%+v", got)
	}
}

func TestHostile(t *testing.T) {
	runs, rules := reporttest.HostileText()
	all := reporttest.Hostile()
	for i, ds := range all {
		text := write(t, Options{Rules: rules, Run: runs[i%len(runs)]}, ds)
		parse(t, text)
		reporttest.CheckVisible(t, text)
	}
	parse(t, write(t, Options{Rules: rules, Run: runs[0]}, all...))
}
