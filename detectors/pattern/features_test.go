package pattern

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zricethezav/gitleaks/v8/detect"
	"pgregory.net/rapid"

	"sluice/internal/record"
	"sluice/rules"
)

// features is a rule file that uses every field that decides a finding.
const features = `
title = "every field"
[[rules]]
id = "plain"
regex = '''tok_[a-z0-9]{4,8}'''
keywords = ["tok_"]
entropy = 1.5
[[rules]]
id = "grouped"
regex = '''(?i)(pre|post)fix[:=] ?"?([a-z0-9]{3,12})"?'''
secretGroup = 2
keywords = ["prefix", "postfix"]
  [[rules.allowlists]]
  stopwords = ["test", "Demo"]
  regexes = ['''^a+$''']
[[rules]]
id = "generic-value"
regex = '''(?:key|pass)[ =:]{1,3}(\w{4,20})(?:\s|$)'''
keywords = ["key", "pass"]
  [[rules.allowlists]]
  regexTarget = "line"
  regexes = ['''ignore''', '''nothing here''']
  [[rules.allowlists]]
  regexTarget = "match"
  regexes = ['''(?i)PASS: *x''']
[[rules]]
id = "both"
regex = '''both-(\d{2,6})'''
keywords = ["both-"]
  [[rules.allowlists]]
  condition = "AND"
  paths = ['''\.md$''']
  regexes = ['''^1''']
  stopwords = ["23"]
[[rules]]
id = "far-keyword"
regex = '''\b[0-9]{6}\b'''
keywords = ["zipcode"]
[[rules]]
id = "no-keyword"
regex = '''<<[^<>\n]{1,9}>>'''
[[rules]]
id = "only-php"
regex = '''php_[a-z]{3}'''
path = '''\.php$'''
keywords = ["php_"]
[[rules]]
id = "pair"
regex = '''id=(\w{3,6})'''
keywords = ["id="]
  [[rules.required]]
  id = "half"
  withinLines = 1
[[rules]]
id = "near-pair"
regex = '''user=(\w{3,6})'''
keywords = ["user="]
  [[rules.required]]
  id = "half"
  withinColumns = 12
  [[rules.required]]
  id = "plain"
[[rules]]
id = "half"
regex = '''half:(\w+)'''
keywords = ["half"]
skipReport = true
[[rules]]
id = "lines"
regex = '''BEGIN\n?([\s\S]{3,40}?)END\n*'''
keywords = ["begin"]
[[allowlists]]
regexes = ['''^global\w*$''']
paths = ['''vendor/''']
[[allowlists]]
targetRules = ["plain", "far-keyword"]
stopwords = ["777"]
`

// detectorOf runs the rules of a file.
func detectorOf(tb testing.TB, toml string, o Options) *Detector {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "rules.toml")
	if err := os.WriteFile(file, []byte(toml), 0o600); err != nil {
		tb.Fatal(err)
	}
	set, err := rules.Load([]string{file}, rules.Options{NoDefaults: true})
	if err != nil {
		tb.Fatal(err)
	}
	d, err := New(set, o)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func featureDetectors(tb testing.TB, o Options) (*Detector, func(text, path string) []string) {
	tb.Helper()
	d := detectorOf(tb, features, o)
	theirs, err := newOracle(features)
	if err != nil {
		tb.Fatal(err)
	}
	theirs.IgnoreGitleaksAllow = !o.HonorAllowComments
	return d, func(text, path string) []string { return oracleFindings(theirs, text, path) }
}

// TestEveryFieldAsGitleaks: texts made of what the fields are about give
// gitleaks' findings. They end with a line feed, see the package comment.
func TestEveryFieldAsGitleaks(t *testing.T) {
	words := []string{"tok_a1b2c3", "tok_aaaa", "tok_777abc", "prefix=abc123", "POSTFIX: \"test12\"", "prefix:demo1", "prefix=aaaa",
		"key = abcd1234 ", "pass: xyz123 ", "key=tok_a1b2c3 ", "pass:global1 ", "ignore", "nothing here", "both-123", "both-23", "both-145",
		"123456", "777123", "zipcode", "ZIPCODE", "<<secret>>", "<<a>>", "php_abc", "id=abc1", "user=abc", "half:x1", "HALF:y", "BEGIN\nabc\nEND\n",
		"BEGIN", "END", "\n", "\n", " ", "\t", "x", "\u212aey=abcdef ", "p\u0130n", "pa\u017fs=12345 ", "\xff", "é", "gitleaks:allow"}
	for _, honor := range []bool{false, true} {
		d, theirs := featureDetectors(t, Options{HonorAllowComments: honor})
		rapid.Check(t, func(rt *rapid.T) {
			text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 20).Draw(rt, "words"),
				rapid.SampledFrom([]string{"", " ", "\n"}).Draw(rt, "between")) + "\n"
			path := rapid.SampledFrom([]string{"", "a.md", "b.php", "vendor/c.go", "d"}).Draw(rt, "path")
			want, got := theirs(text, path), ourFindings(d, text, path)
			if !slices.Equal(want, got) {
				rt.Fatalf("in %q of %q\ngitleaks: %q\nours:     %q", path, text, want, got)
			}
		})
	}
}

// TestRequiredMet: when secrets are taken out, half a pair goes too.
func TestRequiredMet(t *testing.T) {
	strict, _ := featureDetectors(t, Options{})
	eager, _ := featureDetectors(t, Options{RequiredMet: true})
	text := "id=abc1 and nothing else\n"
	if got := ourFindings(strict, text, ""); len(got) != 0 {
		t.Errorf("without its half the rule reports %q", got)
	}
	if got := ourFindings(eager, text, ""); len(got) != 1 {
		t.Errorf("with required rules taken as met: %q", got)
	}
}

// TestAFileIsTheSecret: a rule of paths only reports a file of such a name, as
// gitleaks does, and says of which bytes; what is found in it has its own name.
func TestAFileIsTheSecret(t *testing.T) {
	d := gitleaksDetector(t, Options{})
	token := "ghp_" + "q9Zx7mQ2vR5tYpLk3WsDf8Hj1BnCe4Au6GiT"
	b := batchOf([]byte("before\n0\x82\x0b "+token+" \x00\n"), len("before\n"))
	for _, c := range []struct {
		kind, name string
		want       []string
	}{
		{"file", "keys/gateway.p12", []string{"github-pat", "pkcs12-file"}},
		{"archive", "backup.zip!keys/Gateway.PFX", []string{"github-pat", "pkcs12-file"}},
		{"file", "gateway.p12.log", []string{"github-pat"}},
		{"docker", "gateway.p12", []string{"github-pat"}},
	} {
		b.Origin = record.Origin{Kind: c.kind, Name: c.name}
		var got []string
		for _, m := range d.Detect(nil, b) {
			got = append(got, m.Rule)
			if m.Rule == "pkcs12-file" && (m.Spans[0] != record.Span{Start: b.Lead, End: len(b.Text)}) {
				t.Errorf("%s: the file is %v, want all behind the lead", c.name, m.Spans)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s %s: found %v, want %v", c.kind, c.name, got, c.want)
		}
		var theirs []string
		//lint:ignore SA1019 the detector of v8 takes nothing else
		for _, f := range oracle().Detect(detect.Fragment{Raw: string(b.Text), FilePath: c.name}) {
			theirs = append(theirs, f.RuleID)
		}
		slices.Sort(theirs)
		if c.kind != "docker" && !slices.Equal(theirs, c.want) {
			t.Errorf("%s: gitleaks finds %v", c.name, theirs)
		}
	}
}
