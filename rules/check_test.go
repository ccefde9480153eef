package rules

import (
	"path/filepath"
	"strings"
	"testing"
)

// check loads one rule with the expression and says what is wrong with it.
func check(t *testing.T, pattern string, more ...string) []Problem {
	t.Helper()
	name := filepath.Join(write(t, map[string]string{"r.toml": rule("a", append(more, "regex = '''"+pattern+"'''")...)}), "r.toml")
	set, err := Load([]string{name}, Options{NoDefaults: true})
	if err != nil {
		t.Fatal(err)
	}
	return set.Check(name)
}

func TestCheckMatchable(t *testing.T) {
	for pattern, can := range map[string]bool{
		`abc`:           true,
		`a$b`:           false,
		`a^b`:           false,
		`(?m)a$\nb`:     true,
		`(?m)a$b`:       false,
		`\bfoo\b`:       true,
		`foo\bbar`:      false,
		`foo\Bbar`:      true,
		`foo\B `:        false,
		`[^\s\S]x`:      false,
		`a\zb`:          false,
		`a(?:\z|b)c`:    true,
		`é\Bü`:          true,
		`x\b[^\x00-~]`:  true,
		`[^\x00-\x7f]a`: true,
		`(?s).\A`:       false,
	} {
		fatal := ""
		for _, p := range check(t, pattern, `keywords = ["k"]`) {
			if p.Fatal {
				fatal = p.Text
			}
		}
		if (fatal == "") != can {
			t.Errorf("%s: %q, want matchable %v", pattern, fatal, can)
		}
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		pattern, more, want string
		fatal               bool
	}{
		{strings.Repeat(`[a-z]{1000}`, 11), `keywords = ["k"]`, "costs too much", true},
		{`a*`, `keywords = ["k"]`, "matches the empty text", true},
		{`abc`, ``, "no keywords", false},
		{`.*abc`, `keywords = ["abc"]`, "begins with .*", false},
		{`abc`, `keywords = ["a", ""]`, "empty keyword", false},
	} {
		problems := check(t, c.pattern, c.more)
		if len(problems) != 1 || problems[0].Fatal != c.fatal || !strings.Contains(problems[0].Text, c.want) {
			t.Errorf("%s: %+v, want %q, fatal %v", c.pattern, problems, c.want, c.fatal)
		}
	}
}

// What ships is in order, by the same check, but for gitleaks' rules without
// keywords, if it had any.
func TestCheckShipped(t *testing.T) {
	set := defaults(t)
	for _, origin := range []string{originGateway, originGitleaks} {
		for _, p := range set.Check(origin) {
			t.Errorf("%s: %s", p.Rule, p.Text)
		}
	}
}

// An example that fails says why, and never shows the text.
func TestExampleSaysWhy(t *testing.T) {
	name := filepath.Join(write(t, map[string]string{"r.toml": rule("a", `regex = '''tok_(\w{8,})'''`, `keywords = ["token"]`, `entropy = 2`) +
		allow("rules.allowlists", `regexes = ['''^test''']`)}), "r.toml")
	set, err := Load([]string{name}, Options{NoDefaults: true})
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"want a: token tok_«{alnum:20}»":      "",
		"want not a: token tok_short":         "",
		"want none: token":                    "",
		"want a: token hello":                 "its regex does not match",
		"want a: tok_abcdefgh12":              "none of its keywords",
		"want a: token tok_aaaaaaaaab":        "bits of entropy",
		"want a: token tok_testabcd1234":      "an allowlist excuses",
		"want a: token «tok_{alnum:20}»":      "for the secret",
		"want not a: token tok_{alnum:20}":    "want it silent",
		"want none: token tok_{alnum:20}":     "want none",
		"want nobody: token tok_abcdefgh1234": "there is no rule nobody",
	} {
		list, err := ParseExamples("# comment\n\n" + line + "\n")
		if err != nil || len(list) != 1 || list[0].Line != 3 {
			t.Fatalf("%s: %+v, %v", line, list, err)
		}
		err = list[0].Run(set, 1)
		if (err == nil) != (want == "") || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "tok_") {
			t.Errorf("%s: the error shows the text: %v", line, err)
		}
	}
	for _, bad := range []string{"a: text", "want a text", "want: text", "want very much a: x"} {
		if _, err := ParseExamples(bad); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%q: %v, want an error with its line", bad, err)
		}
	}
}
