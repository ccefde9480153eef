package html

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
	s, err := New(filepath.Join(dir, "report.html"), o)
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
	reporttest.OnlyFile(t, dir, "report.html")
	text, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// elements are the only ones of the page, and attributes the only ones they
// have: nothing that runs, loads or leads anywhere.
var (
	elements = words("html head meta title style body h1 p div ul li strong input label table thead tbody tr th td span code")
	attrs    = words("lang charset http-equiv content name class type id checked for")
)

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// inspect reads the page tag by tag and returns its text. A < that was not
// escaped would begin a tag here as it does in a browser.
func inspect(t *testing.T, text string) string {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(text))
	dec.Strict, dec.AutoClose, dec.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var shown strings.Builder
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return shown.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		switch tok := token.(type) {
		case xml.Comment, xml.ProcInst:
			t.Errorf("%T in the page", tok)
		case xml.CharData:
			shown.Write(tok)
		case xml.StartElement:
			if !elements[tok.Name.Local] {
				t.Fatalf("element %q", tok.Name.Local)
			}
			for _, a := range tok.Attr {
				if !attrs[a.Name.Local] {
					t.Errorf("attribute %s=%q of %s", a.Name.Local, a.Value, tok.Name.Local)
				}
			}
		}
	}
}

func TestGolden(t *testing.T) {
	text := write(t, Options{Rules: reporttest.Rules(), Run: reporttest.Run()}, reporttest.Deliveries())
	inspect(t, text)
	reporttest.Golden(t, "testdata/report.html", []byte(text))
}

func TestStates(t *testing.T) {
	clean := inspect(t, write(t, Options{Run: reporttest.Run()}))
	if !strings.Contains(clean, "No secrets found.") || strings.Contains(clean, "Not complete") {
		t.Errorf("clean: %s", clean)
	}
	for _, run := range []*report.Run{nil, {Errors: []string{"read b.log: permission denied"}}} {
		text := inspect(t, write(t, Options{Run: run}))
		if !strings.Contains(text, "Not complete") || strings.Contains(text, "No secrets found.") {
			t.Errorf("incomplete: %s", text)
		}
	}
}

func TestHostile(t *testing.T) {
	runs, rules := reporttest.HostileText()
	for i, ds := range reporttest.Hostile() {
		text := write(t, Options{Rules: rules, Run: runs[i%len(runs)]}, ds)
		reporttest.CheckVisible(t, text)
		inspect(t, text)
	}
	inspect(t, write(t, Options{Rules: rules}, reporttest.Hostile()...))
}

func TestLimit(t *testing.T) {
	ds := reporttest.Deliveries()[:1]
	f := ds[0].Findings[1]
	ds[0].Findings = make([]record.Finding, MaxFindings+5)
	for i := range ds[0].Findings {
		ds[0].Findings[i] = f
	}
	if text := write(t, Options{}, ds); !strings.Contains(text, "5 findings are left out") || strings.Count(text, "<tr ") != MaxFindings {
		t.Error("no word of what is left out")
	}
}
