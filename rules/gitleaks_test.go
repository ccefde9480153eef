package rules

import (
	"bufio"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/spf13/viper"
	"github.com/zricethezav/gitleaks/v8/config"
	"github.com/zricethezav/gitleaks/v8/detect"
)

// gitleaksWithOurs is gitleaks itself under gateway.toml. Its loader counts for
// ever how often it extended, so that a process can do this once.
var gitleaksWithOurs = sync.OnceValues(func() (config.Config, error) {
	v := viper.New()
	v.SetConfigType("toml")
	if err := v.ReadConfig(strings.NewReader(gatewayRules)); err != nil {
		return config.Config{}, err
	}
	var vc config.ViperConfig
	if err := v.Unmarshal(&vc); err != nil {
		return config.Config{}, err
	}
	return vc.Translate()
})

type found struct{ Rule, Secret string }

func byRule(list []found) []found {
	slices.SortFunc(list, func(a, b found) int {
		return cmp.Or(strings.Compare(a.Rule, b.Rule), strings.Compare(a.Secret, b.Secret))
	})
	return list
}

func oracleFinds(d *detect.Detector, text string) []found {
	var out []found
	for _, f := range d.DetectString(text) {
		out = append(out, found{f.RuleID, f.Secret})
	}
	return byRule(out)
}

func weFind(set *Set, text string) []found {
	var out []found
	for _, h := range set.Search(text, "") {
		out = append(out, found{h.Rule.ID, text[h.Start:h.End]})
	}
	return byRule(out)
}

// gitleaks takes gateway.toml as it is, and finds with it what the default set
// finds: on our examples and in the contexts.
func TestGatewayIsAGitleaksFile(t *testing.T) {
	cfg, err := gitleaksWithOurs()
	if err != nil {
		t.Fatal(err)
	}
	d, set := detect.NewDetector(cfg), defaults(t)
	d.IgnoreGitleaksAllow = true
	if len(cfg.Rules) != len(set.Rules) {
		t.Errorf("gitleaks has %d rules of it, we have %d", len(cfg.Rules), len(set.Rules))
	}
	names, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		for _, e := range examples(t, filepath.Base(name)) {
			text, _ := e.Make(1)
			if diff := gocmp.Diff(oracleFinds(d, text), weFind(set, text)); diff != "" {
				t.Errorf("%s line %d (- gitleaks, + ours):\n%s", name, e.Line, diff)
			}
		}
	}
}

// generated is a line of the shared file that gitleaks' generators wrote.
type generated struct {
	RuleID      string   `json:"rule_id"`
	Sample      string   `json:"sample"`
	DefaultHits []string `json:"full_default_rules"`
}

// What a specific rule of gitleaks' defaults finds, the default set finds by
// the same rule: ours widen, they do not narrow.
func TestDefaultsKeepGitleaksFindings(t *testing.T) {
	dir := os.Getenv("SLUICE_SHARED")
	if dir == "" {
		t.Skip("SLUICE_SHARED is not set: gitleaks' samples are not there")
	}
	file, err := os.Open(filepath.Join(dir, "samples", "gitleaks.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	set := defaults(t)
	unchanged, err := Gitleaks()
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxFile)
	checked := 0
	for lines.Scan() {
		var s generated
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		for _, id := range s.DefaultHits {
			if strings.Contains(id, "generic") || len(unchanged.SearchRule(unchanged.ByID(id), s.Sample, "")) == 0 {
				continue // tamed on purpose, or a rule that wants a path
			}
			checked++
			if r := set.ByID(id); r == nil || len(set.SearchRule(r, s.Sample, "")) == 0 {
				t.Errorf("%s no longer fires on %q", id, s.Sample)
			}
		}
	}
	if err := lines.Err(); err != nil || checked < 5000 {
		t.Errorf("%d findings checked, error %v", checked, err)
	}
}
