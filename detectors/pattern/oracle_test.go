package pattern

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"github.com/spf13/viper"
	"github.com/zricethezav/gitleaks/v8/config"
	"github.com/zricethezav/gitleaks/v8/detect"
	"github.com/zricethezav/gitleaks/v8/logging"

	"sluice/internal/record"
	"sluice/rules"
)

// oracle is gitleaks itself, with its own rules and no decoding.
var oracle = sync.OnceValue(func() *detect.Detector {
	d, err := newOracle(config.DefaultConfig)
	if err != nil {
		panic(err)
	}
	return d
})

func newOracle(toml string) (*detect.Detector, error) {
	logging.Logger = logging.Logger.Level(zerolog.Disabled)
	v := viper.New()
	v.SetConfigType("toml")
	if err := v.ReadConfig(strings.NewReader(toml)); err != nil {
		return nil, err
	}
	var vc config.ViperConfig
	if err := v.Unmarshal(&vc); err != nil {
		return nil, err
	}
	cfg, err := vc.Translate()
	if err != nil {
		return nil, err
	}
	d := detect.NewDetector(cfg)
	d.IgnoreGitleaksAllow = true
	return d, nil
}

// oracleFindings are gitleaks' answers, as text: rule, place of the match,
// match and secret.
func oracleFindings(d *detect.Detector, text, path string) []string {
	var out []string
	//lint:ignore SA1019 the detector of v8 takes nothing else
	for _, f := range d.Detect(detect.Fragment{Raw: text, FilePath: path}) {
		out = append(out, fmt.Sprintf("%s line %d column %d match %q secret %q", f.RuleID, f.StartLine, f.StartColumn, f.Match, f.Secret))
	}
	slices.Sort(out)
	return out
}

func ourFindings(d *Detector, text, path string) []string {
	frag := &fragment{text: []byte(text), keep: true} // repeats are looked for
	var out []string
	m := d.take()
	defer d.give(m)
	m.setPath(path)
	if m.covered {
		return out
	}
	for _, f := range m.search(frag) {
		line := strings.Count(text[:min(f.at+1, len(text))], "\n")
		out = append(out, fmt.Sprintf("%s line %d column %d match %q secret %q", f.rule.ID, line,
			frag.column(&f), text[f.match.start:f.match.end], f.secretIn(frag)))
	}
	slices.Sort(out)
	return out
}

func gitleaksDetector(tb testing.TB, o Options) *Detector {
	tb.Helper()
	set, err := rules.Gitleaks()
	if err != nil {
		tb.Fatal(err)
	}
	d, err := New(set, o)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// shared is a folder of test data outside the repository.
func shared(tb testing.TB, name string) string {
	tb.Helper()
	root := os.Getenv("SLUICE_SHARED")
	if root == "" {
		tb.Skip("SLUICE_SHARED is not set: no samples and logs to compare with gitleaks on")
	}
	return filepath.Join(root, name)
}

type sample struct {
	RuleID string `json:"rule_id"`
	Kind   string `json:"kind"`
	Sample string `json:"sample"`
}

func samples(tb testing.TB) []sample {
	f, err := os.Open(shared(tb, "samples/gitleaks.jsonl"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var list []sample
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			tb.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

func compare(t *testing.T, name string, want, got []string) {
	t.Helper()
	if slices.Equal(want, got) {
		return
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("%s: gitleaks finds, we do not: %s", name, w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("%s: we find, gitleaks does not: %s", name, g)
		}
	}
	if len(want) != len(got) {
		t.Errorf("%s: gitleaks finds %d, we %d", name, len(want), len(got))
	}
}

func TestSamplesAsGitleaks(t *testing.T) {
	list := samples(t)
	d, step := gitleaksDetector(t, Options{}), 1
	if testing.Short() {
		step = 20
	}
	for i := 0; i < len(list); i += step {
		s := list[i]
		compare(t, fmt.Sprintf("sample %d (%s %s)", i+1, s.RuleID, s.Kind),
			oracleFindings(oracle(), s.Sample, ""), ourFindings(d, s.Sample, ""))
	}
}

// batchOf is a batch of whole lines.
func batchOf(text []byte, lead int) *record.Batch {
	b := &record.Batch{Text: text, Lead: lead}
	for at := lead; at < len(text); {
		end := len(text)
		if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		b.Records = append(b.Records, record.Record{Span: record.Span{Start: at, End: end}})
		at = end
	}
	return b
}
