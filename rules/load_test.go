package rules

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// compareSets treats expressions as equal when their text is.
var compareSets = cmp.Options{
	cmp.Comparer(func(a, b *regexp.Regexp) bool {
		if a == nil || b == nil {
			return a == b
		}
		return a.String() == b.String()
	}),
	cmpopts.IgnoreUnexported(Rule{}),
	cmpopts.EquateEmpty(),
}

// write puts files into a fresh folder and returns it. %DIR% in a text stands
// for the folder: gitleaks takes extend.path relative to the working directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		text = strings.ReplaceAll(text, "%DIR%", dir)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Every expression that ships is compiled: the loader leaves that to the first
// use.
func TestShippedRulesCompile(t *testing.T) {
	for _, load := range []func() (*Set, error){Default, Gitleaks} {
		set, err := load()
		if err != nil {
			t.Fatal(err)
		}
		if len(set.Warnings) > 0 {
			t.Errorf("warnings: %q", set.Warnings)
		}
		for i := range set.Rules {
			r := &set.Rules[i]
			if r.Pattern != "" && r.Regexp() == nil {
				t.Errorf("%s: no expression", r.ID)
			}
			if r.Path != nil {
				r.Path.MatchString("")
			}
			matchAll(r.Allowlists)
		}
		matchAll(set.Allowlists)
	}
}

func matchAll(lists []Allowlist) {
	for _, a := range lists {
		for _, re := range append(a.Paths, a.Regexes...) {
			re.MatchString("")
		}
	}
}

// Different files load at once, again and again, and each load gives what it
// gave alone: gitleaks' own loader stops extending after the second.
func TestLoadKeepsNoState(t *testing.T) {
	dir := write(t, map[string]string{
		"a.toml":    "[extend]\nuseDefault = true\ndisabledRules = [\"jwt\"]\n[[rules]]\nid = \"a\"\nregex = '''aaa[0-9]'''\n",
		"b.toml":    "[extend]\npath = \"%DIR%/base.toml\"\n[[rules]]\nid = \"b\"\nregex = '''bbb'''\nentropy = 2\n",
		"base.toml": "[extend]\nuseDefault = true\n[[rules]]\nid = \"b\"\nkeywords = [\"BBB\"]\n",
	})
	names := []string{filepath.Join(dir, "a.toml"), filepath.Join(dir, "b.toml")}
	load := func(i int) (*Set, error) {
		return Load(names[i%2:i%2+1], Options{NoDefaults: i%3 == 0})
	}
	var want [6]*Set
	for i := range want {
		var err error
		if want[i], err = load(i); err != nil {
			t.Fatal(err)
		}
	}
	var wait sync.WaitGroup
	for i := range 24 {
		wait.Go(func() {
			got, err := load(i)
			if err != nil {
				t.Error(err)
				return
			}
			if !bytes.Equal(asJSON(t, want[i%6]), asJSON(t, got)) {
				t.Errorf("load %d differs from the one alone:\n%s", i, cmp.Diff(want[i%6], got, compareSets))
			}
			_ = got.Rules[0].Regexp()
		})
	}
	wait.Wait()
}

func asJSON(t *testing.T, s *Set) []byte {
	t.Helper()
	text, err := json.Marshal(plain(s))
	if err != nil {
		t.Error(err)
	}
	return text
}
