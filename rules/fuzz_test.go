package rules

import (
	"strings"
	"testing"

	"github.com/zricethezav/gitleaks/v8/config"
)

// No text makes loading panic, and what loads can be searched with.
func FuzzLoad(f *testing.F) {
	for _, text := range files {
		f.Add(text, "key = aaa1234")
	}
	f.Add(config.DefaultConfig[:3000], "x")
	f.Fuzz(func(t *testing.T, rules, text string) {
		if strings.Contains(rules, "xtend") || len(rules) > 4<<10 || len(text) > 1<<10 {
			return // extend.path would read what the fuzzer names
		}
		set, err := Load(nil, Options{NoDefaults: true, Gitleaks: &File{Name: "fuzz.toml", Text: rules}})
		if err != nil {
			if !strings.Contains(err.Error(), "fuzz.toml") {
				t.Errorf("the error does not name the file: %v", err)
			}
			return
		}
		for _, h := range set.Search(text, "a/path") {
			if h.Start < h.MatchStart || h.End > h.MatchEnd || h.Start > h.End {
				t.Errorf("%+v is not in its match", h)
			}
		}
	})
}

func FuzzParseExamples(f *testing.F) {
	f.Add("want a: «x» {hex:4} {uuid}\nwant not b: y\n# c\nwant none: z")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ParseExamples(text)
		if err != nil {
			return
		}
		for _, e := range list {
			made, secret := e.Make(1)
			if again, _ := e.Make(1); again != made || !strings.Contains(made, secret) {
				t.Errorf("line %d: made otherwise the second time", e.Line)
			}
		}
	})
}
