package baseline

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zricethezav/gitleaks/v8/detect"
	gitleaksreport "github.com/zricethezav/gitleaks/v8/report"
	"github.com/zricethezav/gitleaks/v8/sources"

	"sluice/internal/record"
)

// pat makes a token of the form that gitleaks' rule github-pat finds.
func pat(r *rand.Rand) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	b := []byte("ghp_")
	for range 36 {
		b = append(b, alphabet[r.IntN(len(alphabet))])
	}
	return string(b)
}

// gitleaksFindings runs gitleaks over a file.
func gitleaksFindings(t *testing.T, name, text string) []gitleaksreport.Finding {
	t.Helper()
	d, err := detect.NewDetectorDefaultConfig()
	if err != nil {
		t.Fatal(err)
	}
	found, err := d.DetectSource(t.Context(), &sources.File{Content: strings.NewReader(text), Path: name, Config: &d.Config})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// What gitleaks reports of a log, redacted or not, is known here by position
// or by secret; another secret in the place is not.
func TestGitleaksReportsAreBaselines(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	type place struct {
		secret    string
		line, col int64
	}
	var text strings.Builder
	var places []place
	for line := range 12 {
		prefix := strings.Repeat("é ", line)
		secret := pat(r)
		text.WriteString(prefix + secret + " tail\n")
		places = append(places, place{secret, int64(line + 1), int64(len(prefix) + 1)})
	}
	found := gitleaksFindings(t, "logs/a.log", text.String())
	if len(found) != len(places) {
		t.Fatalf("gitleaks finds %d of %d", len(found), len(places))
	}
	for _, percent := range []uint{0, 50, 100} {
		for i := range found {
			if percent > 0 {
				found[i].Redact(percent)
			}
		}
		f := loadReport(t, found)
		for _, p := range places {
			finding := &record.Finding{Rule: "github-pat", Origin: record.Origin{Name: "./logs/a.log"},
				Pos: record.Position{Line: p.line, EndLine: p.line, Column: p.col, Length: int64(len(p.secret))}}
			byPlace, bySecret := matches(f, finding), f.Has("github-pat", "logs/a.log", []byte(p.secret), true)
			if bySecret != (percent == 0) || byPlace != (percent > 0) {
				t.Errorf("redact %d, line %d: by secret %v, by place %v", percent, p.line, bySecret, byPlace)
			}
			moved := *finding
			moved.Pos.Column += 20
			if matches(f, &moved) {
				t.Errorf("redact %d, line %d: known 20 columns to the right", percent, p.line)
			}
			if f.Has("github-pat", "logs/a.log", []byte(pat(r)), true) {
				t.Error("another secret is known")
			}
		}
		if unused := f.Unused(); len(unused) != 0 {
			t.Errorf("redact %d: unused %q", percent, unused)
		}
	}
}

func matches(f *File, finding *record.Finding) bool {
	_, ok := f.Match(finding)
	return ok
}

func loadReport(t *testing.T, found []gitleaksreport.Finding) *File {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	if err := enc.Encode(found); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "gitleaks.json")
	if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A finding of a commit is not one of a log.
func TestCommitsDoNotMatch(t *testing.T) {
	f := loadReport(t, []gitleaksreport.Finding{{RuleID: "jwt", File: "a.log", Commit: "abc", Secret: "made up"}})
	if f.Has("jwt", "a.log", []byte("made up"), true) {
		t.Error("known")
	}
}
