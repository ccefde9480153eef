package sarif

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"sluice/internal/record"
	"sluice/internal/report"
	"sluice/internal/report/reporttest"
)

// write runs ds through a sink and returns the file.
func write(t *testing.T, o Options, ds ...[]record.Delivery) []byte {
	t.Helper()
	dir := t.TempDir()
	s, err := New(filepath.Join(dir, "report.sarif"), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ds {
		if err := s.Write(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	reporttest.OnlyFile(t, dir, "report.sarif")
	text, err := os.ReadFile(filepath.Join(dir, "report.sarif"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// validate checks text against the published schema, which the library
// carries. It reads the file into the library's types first; that those lose
// nothing of it is checked by writing them again.
func validate(t *testing.T, text []byte) *sarif.Report {
	t.Helper()
	log, err := sarif.FromBytes(text, sarif.WithStrictValidation())
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Validate(); err != nil {
		t.Fatalf("not valid: %v", err)
	}
	again, err := json.Marshal(log)
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := errors.Join(json.Unmarshal(text, &want), json.Unmarshal(again, &got)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("the library does not see all of the file: %s", diff)
	}
	return log
}

func TestGolden(t *testing.T) {
	text := write(t, Options{Rules: reporttest.Rules(), Run: reporttest.Run(), Root: "/src"}, reporttest.Deliveries())
	validate(t, text)
	reporttest.Golden(t, "testdata/report.sarif", text)
}

func TestNoFindingsIsOneRunWithNoResults(t *testing.T) {
	text := write(t, Options{Run: reporttest.Run()})
	log := validate(t, text)
	if len(log.Runs) != 1 || log.Runs[0].Results == nil || len(log.Runs[0].Results) != 0 {
		t.Errorf("%s", text)
	}
	if !*log.Runs[0].Invocations[0].ExecutionSuccessful {
		t.Error("a complete run is not successful")
	}
}

func TestIncompleteRunSaysSo(t *testing.T) {
	for _, run := range []*report.Run{nil, {}, {Errors: []string{"read logs/b.log: permission denied"}}} {
		v := validate(t, write(t, Options{Run: run})).Runs[0].Invocations[0]
		if *v.ExecutionSuccessful || len(v.ToolExecutionNotifications) != 1 {
			t.Errorf("%+v: %+v", run, v)
		}
	}
}

// Any text in any field gives a valid file of printable characters with
// non-empty URIs, a line from 1 and unique rules.
func TestHostile(t *testing.T) {
	runs, rules := reporttest.HostileText()
	all := reporttest.Hostile()
	for i, run := range runs {
		ds := all[i*len(all)/len(runs)]
		text := write(t, Options{Run: run, Root: "/src", Category: ds[0].Origin.Name}, ds)
		reporttest.CheckVisible(t, string(text))
		checkRun(t, validate(t, text).Runs[0])
	}
	text := write(t, Options{Rules: append(rules, rules...), Root: "/src"}, all...)
	reporttest.CheckVisible(t, string(text))
	checkRun(t, validate(t, text).Runs[0])
}

// checkRun holds what services reject beyond the schema.
func checkRun(t *testing.T, run *sarif.Run) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range run.Tool.Driver.Rules {
		if seen[*r.ID] || *r.ID == "" || *r.ShortDescription.Text == "" || *r.FullDescription.Text == "" || *r.Help.Text == "" {
			t.Errorf("rule %q is double or has an empty text", *r.ID)
		}
		if len(r.Properties.Tags) > maxTags {
			t.Errorf("rule %q has %d tags", *r.ID, len(r.Properties.Tags))
		}
		seen[*r.ID] = true
	}
	for _, r := range run.Results {
		if got := *run.Tool.Driver.Rules[r.RuleIndex].ID; got != *r.RuleID {
			t.Errorf("rule index %d is %q, want %q", r.RuleIndex, got, *r.RuleID)
		}
		physical := r.Locations[0].PhysicalLocation
		if *physical.ArtifactLocation.URI == "" || *physical.Region.StartLine < 1 {
			t.Errorf("uri %q, line %d", *physical.ArtifactLocation.URI, *physical.Region.StartLine)
		}
		if strings.ContainsAny(*r.Message.Text, "[]{}\n") {
			t.Errorf("message %q", *r.Message.Text)
		}
	}
}

func TestURIs(t *testing.T) {
	for _, c := range []struct{ kind, name, uri, base string }{
		{"file", "logs/a b#1.log", "logs/a%20b%231.log", baseID},
		{"file", "./logs/../x.log", "x.log", baseID},
		{"file", "/src/logs/é.log", "logs/%C3%A9.log", baseID},
		{"file", "/other/x%.log", "file:///other/x%25.log", ""},
		{"file", "../up.log", "file:///up.log", ""},
		{"file", "a:b.log", "./a:b.log", baseID},
		{"file", "bad\xff\n.log", "bad%FF%0A.log", baseID},
		{"file", "", ".", baseID},
		{"archive", "old.tar.gz!var/log/x.log", "old.tar.gz!var/log/x.log", baseID},
		{"docker", "litellm-1", "docker/litellm-1", ""},
		{"stdin", "-", "stdin/-", ""},
		{"", "", "unnamed", ""},
	} {
		a := (&builder{root: "/src"}).artifact(record.Origin{Kind: c.kind, Name: c.name})
		base := ""
		if a.URIBaseID != nil {
			base = *a.URIBaseID
		}
		if *a.URI != c.uri || base != c.base {
			t.Errorf("%s %q: %q under %q, want %q under %q", c.kind, c.name, *a.URI, base, c.uri, c.base)
		}
	}
}

// fill writes a flood of two secrets and 44 rare ones that are more severe.
func fill(t *testing.T, s *Sink) {
	ds := reporttest.Deliveries()[:1]
	critical, high := ds[0].Findings[0], ds[0].Findings[1]
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range MaxResults / 4 {
				flood, rare := high, critical
				flood.Pos.Line = int64(w*MaxResults + i)
				rare.Print, rare.Rule = [8]byte{1, byte(w), byte(i >> 8), byte(i)}, "rare"
				d := []record.Delivery{{Origin: flood.Origin, Findings: []record.Finding{flood, rare}}}
				if i > 10 {
					d[0].Findings = d[0].Findings[:1]
				}
				if err := s.Write(t.Context(), d); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// More findings than GitHub takes: the most severe stay, of those each secret
// once before any twice, the others are counted, and the file is under GitHub's
// 10 MB when packed.
func TestLimit(t *testing.T) {
	s, err := New(filepath.Join(t.TempDir(), "report.sarif"), Options{Run: reporttest.Run()})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	packed := &counter{}
	zip := gzip.NewWriter(packed)
	var log struct {
		Runs []struct {
			Results []struct {
				RuleID string `json:"ruleId"`
			}
			Invocations []struct {
				ToolExecutionNotifications []struct {
					Message struct{ Text string }
				}
			}
		}
	}
	if err := json.NewDecoder(io.TeeReader(f, zip)).Decode(&log); err != nil {
		t.Fatal(err)
	}
	rare := 0
	for _, r := range log.Runs[0].Results {
		if r.RuleID == "rare" {
			rare++
		}
	}
	if len(log.Runs[0].Results) != MaxResults || rare != 44 {
		t.Errorf("%d results, %d of them critical", len(log.Runs[0].Results), rare)
	}
	if got := log.Runs[0].Invocations[0].ToolExecutionNotifications[0].Message.Text; !strings.HasPrefix(got, "44 findings were left out") {
		t.Errorf("notification %q", got)
	}
	if packed.n > 10_000_000 {
		t.Errorf("%d bytes packed", packed.n)
	}
}

type counter struct{ n int }

func (c *counter) Write(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}

func TestNewSaysWhatIsWrongWithThePath(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ path, want string }{
		{filepath.Join(dir, "none", "x.sarif"), "does not exist, make it first"},
		{dir, "is a folder"},
	} {
		if _, err := New(c.path, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.path, err)
		}
	}
	reporttest.OnlyFile(t, dir)
}
