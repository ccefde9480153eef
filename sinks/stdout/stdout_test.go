package stdout

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"sluice/internal/record"
	"sluice/internal/report"
	"sluice/internal/report/reporttest"
)

// write runs ds through a sink and returns its output.
func write(t *testing.T, o Options, ds []record.Delivery) string {
	t.Helper()
	var out bytes.Buffer
	s := New(&out, o)
	if err := s.Write(t.Context(), ds); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestGolden(t *testing.T) {
	o := Options{Rules: reporttest.Rules(), Run: reporttest.Run()}
	reporttest.Golden(t, "testdata/plain.txt", []byte(write(t, o, reporttest.Deliveries())))
	o.Color, o.Width = true, 60
	reporttest.Golden(t, "testdata/color.txt", []byte(write(t, o, reporttest.Deliveries())))
}

func TestGoldenNothing(t *testing.T) {
	run := reporttest.Run()
	clean := write(t, Options{Run: run}, nil)
	run.Complete, run.Withheld = false, 2
	run.Errors = []string{"read logs/b.log: permission denied", "logs/c.gz: unexpected end"}
	run.Notes = []string{"ignore entry .sluiceignore:7 matched nothing"}
	reporttest.Golden(t, "testdata/nothing.txt", []byte(clean+"\n"+write(t, Options{Run: run}, nil)))
}

// Hostile strings in every field: what is written shows, and nothing in it
// acts on a terminal. The findings are written with colour, and our own
// escapes taken out of the result.
func TestHostile(t *testing.T) {
	ours := strings.NewReplacer(sgrReset, "", sgrBold, "", sgrDim, "", sgrCritical, "", sgrHigh, "",
		sgrMedium, "", sgrLow, "", sgrGreen, "")
	runs, rules := reporttest.HostileText()
	for i, ds := range reporttest.Hostile() {
		text := write(t, Options{Color: true, Rules: rules, Run: runs[i%len(runs)]}, ds)
		reporttest.CheckVisible(t, ours.Replace(text))
		if strings.Contains(text, sgrReset+"m") || len(text) > 64<<10 {
			t.Errorf("case %d: %d bytes", i, len(text))
		}
		for _, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") || strings.Contains(line, "##vso[") {
				t.Errorf("a build agent would act on %q", line)
			}
		}
	}
}

// The same secret a thousand times is a few blocks and a count.
func TestRepeatedSecretIsCounted(t *testing.T) {
	ds := reporttest.Deliveries()[:1]
	f := ds[0].Findings[0]
	ds[0].Findings = nil
	for i := range 1000 {
		f.Pos.Line = int64(i + 1)
		ds[0].Findings = append(ds[0].Findings, f)
	}
	text := write(t, Options{}, ds)
	if n := strings.Count(text, "context"); n != maxShown {
		t.Errorf("shown %d times, want %d", n, maxShown)
	}
	if !strings.Contains(text, "gateway one.log:1:41 and 999 more") || !strings.Contains(text, "found 1,000 times in 1 source") {
		t.Errorf("no count in\n%s", text)
	}
}

// More secrets than are remembered are still shown, and the summary says that
// it is not the whole.
func TestMoreSecretsThanRemembered(t *testing.T) {
	ds := reporttest.Deliveries()[:1]
	f := ds[0].Findings[1]
	s := New(io.Discard, Options{})
	var out bytes.Buffer
	s.w = &out
	for i := range maxGroups + 10 {
		f.Print = [8]byte{byte(i >> 16), byte(i >> 8), byte(i)}
		ds[0].Findings = []record.Finding{f}
		if err := s.Write(t.Context(), ds); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(out.String(), "context"); n != maxGroups+10 {
		t.Errorf("%d shown", n)
	}
	out.Reset()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "more than 10,000 different secrets, found 10,010 times") {
		t.Errorf("summary:\n%.200s", out.String())
	}
}

func TestUpdateNamesTheOwner(t *testing.T) {
	ds := reporttest.Deliveries()
	first := ds[0].Findings[0]
	later := first
	first.Key, later.Update = nil, true
	ds[0].Findings = []record.Finding{first, later}
	text := write(t, Options{}, ds[:1])
	if !strings.Contains(text, "found once in 1 source") || strings.Count(text, "team-a-ci, sk-...7-kQ") != 2 {
		t.Errorf("update counted or lost:\n%s", text)
	}
}

func TestConcurrentBlocksStayWhole(t *testing.T) {
	var out bytes.Buffer
	s := New(&out, Options{})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 50 {
				ds := reporttest.Deliveries()[:1]
				ds[0].Findings = ds[0].Findings[:1]
				ds[0].Findings[0].Print = [8]byte{byte(w), byte(i)}
				if err := s.Write(t.Context(), ds); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	for i, line := range lines {
		label := []string{"CRITICAL", "  key", "  secret", "  context"}[i%4]
		if !strings.HasPrefix(line, label) {
			t.Fatalf("line %d is %q, want %s", i, line, label)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, fmt.Errorf("closed pipe") }

func TestWriteErrorsAreTold(t *testing.T) {
	s := New(broken{}, Options{Run: &report.Run{}})
	if s.Write(t.Context(), reporttest.Deliveries()) == nil || s.Close(t.Context()) == nil {
		t.Error("an error of the writer was lost")
	}
	if err := s.Write(t.Context(), nil); err != nil {
		t.Errorf("nothing to write: %v", err)
	}
}
