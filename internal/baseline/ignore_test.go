package baseline

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

func loadIgnore(t *testing.T, name, text string) *Ignore {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g, err := LoadIgnore(file)
	if err != nil {
		t.Fatal(err)
	}
	g.path = name
	return g
}

func at(source, rule string, line int64) *record.Finding {
	return &record.Finding{
		Origin: record.Origin{Name: source}, Rule: rule, Pos: record.Position{Line: line},
		Fingerprint: [16]byte{0xab, 1},
	}
}

func TestIgnore(t *testing.T) {
	g := loadIgnore(t, "ignore.txt", strings.Join([]string{
		"# comment",                        // 1
		"",                                 // 2
		"logs/old/**",                      // 3
		"!logs/old/new.log",                // 4
		"*.bak",                            // 5
		"rule:generic-*",                   // 6
		"logs/a.log:aws-key:12",            // 7
		"db/*.log:jwt:*",                   // 8
		"ab010000000000000000000000000000", // 9
		"tmp/",                             // 10
		"-",                                // 11
		"C:x.log",                          // 12
		"never/*",                          // 13
	}, "\r\n"))
	for _, c := range []struct {
		f    *record.Finding
		want string
	}{
		{at("logs/old/x/y.log", "jwt", 1), "ignore ignore.txt:3"},
		{at("./logs/old/x.log", "jwt", 1), "ignore ignore.txt:3"},
		{at("logs/old/new.log", "jwt", 1), ""},
		{at("logs/old/new.log", "generic-api-key", 1), "ignore ignore.txt:6"},
		{at("x/y/z.bak", "jwt", 1), "ignore ignore.txt:5"},
		{at("logs/a.log", "aws-key", 12), "ignore ignore.txt:7"},
		{at("logs/a.log", "aws-key", 13), ""},
		{at("db/x.log", "jwt", 0), "ignore ignore.txt:8"},
		{at("db/sub/x.log", "jwt", 1), ""},
		{at("tmp/x", "jwt", 1), "ignore ignore.txt:10"},
		{at("tmp", "jwt", 1), ""},
		{at("-", "jwt", 1), "ignore ignore.txt:11"},
		{at("C:x.log", "jwt", 1), "ignore ignore.txt:12"},
	} {
		c.f.Fingerprint = [16]byte{}
		by, ok := g.Match(c.f)
		if by != c.want || ok != (c.want != "") {
			t.Errorf("%s %s:%d: %q, want %q", c.f.Origin.Name, c.f.Rule, c.f.Pos.Line, by, c.want)
		}
	}
	if by, _ := g.Match(at("any", "jwt", 1)); by != "ignore ignore.txt:9" {
		t.Errorf("fingerprint: %q", by)
	}
	if unused := g.Unused(); len(unused) != 1 || unused[0] != "ignore.txt:13: never/*" {
		t.Errorf("unused %q", unused)
	}
}

func TestGitleaksIgnore(t *testing.T) {
	g := loadIgnore(t, ".gitleaksignore", strings.Join([]string{
		"# from gitleaks",
		`win\dir\a.log:jwt:3`,
		"0123456789abcdef0123456789abcdef01234567:logs/a.log:jwt:3",
		":generic-api-key:7",
		"logs/*.log:jwt:1",
		"nonsense",
	}, "\n"))
	for _, c := range []struct {
		f    *record.Finding
		want bool
	}{
		{at("win/dir/a.log", "jwt", 3), true},
		{at("logs/a.log", "jwt", 3), false}, // of a commit
		{at("-", "generic-api-key", 7), true},
		{at("logs/a.log", "jwt", 1), false}, // to the letter
		{at("logs/*.log", "jwt", 1), true},
	} {
		if _, ok := g.Match(c.f); ok != c.want {
			t.Errorf("%s:%s:%d: %v", c.f.Origin.Name, c.f.Rule, c.f.Pos.Line, ok)
		}
	}
	if n := len(g.Unused()); n != 2 {
		t.Errorf("%d unused: %q", n, g.Unused())
	}
}

func TestBadIgnoreFiles(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"ok\nlogs/[a", ":2: pattern has a [ without its ]"},
		{"[z-a]", ":1: pattern can't be read"},
		{"[?-*]", ":1: pattern can't be read"},
		{"!", ":1: ! stands alone"},
		{"rule:", ":1: rule: names no rule"},
		{strings.Repeat("x*\n", maxPatterns+1), ":1001: more than 1,000 patterns"},
		{strings.Repeat("x", maxGlob+1), "longer than"},
	} {
		file := filepath.Join(t.TempDir(), "ignore")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadIgnore(file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.20q: %v", c.text, err)
		}
	}
}

// backward is a range that ends before it begins: the standard library's matches
// nothing, ours is told as an error. Of the oracle's characters only these are
// in order: * - ? a b.
var backward = regexp.MustCompile(`\?-[*-]|a-[*?-]|b-[*?a-]|--\*`)

// Within one folder our patterns mean what the standard library's mean.
func TestGlobOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?\[\]^\\-]{1,8}`).Draw(t, "pattern")
		name := rapid.StringMatching(`[ab^\\\[\]-]{1,6}`).Draw(t, "name")
		want, err := path.Match(pattern, name)
		if err != nil || strings.Contains(pattern, "**") || strings.ContainsAny(inClass(pattern), `\[^`) || backward.MatchString(pattern) {
			t.Skip("not a pattern of both")
		}
		g, err := newGlob(pattern)
		if err != nil {
			t.Fatalf("%q: %v", pattern, err)
		}
		if got := g.match(name); got != want {
			t.Fatalf("%q on %q: %v, want %v", pattern, name, got, want)
		}
	})
}

// inClass is what stands between the first bracket and the last, where the
// two differ: a class of ours has no escapes.
func inClass(pattern string) string {
	i, j := strings.IndexByte(pattern, '['), strings.LastIndexByte(pattern, ']')
	if i < 0 || j < i {
		return ""
	}
	return pattern[i+1 : j]
}

// Any text is an ignore file or an error, and matching it never fails.
func FuzzIgnore(f *testing.F) {
	f.Add("logs/**\n!a[!b]?\nx:y:1", "logs/a", "y")
	f.Add("rule:*\n0123456789abcdef0123456789abcdef", "-", "\xff")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text, name, rule string) {
		file := filepath.Join(dir, "ignore")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		g, err := LoadIgnore(file)
		if err != nil {
			return
		}
		g.Match(at(name, rule, 1))
		g.Unused()
	})
}
