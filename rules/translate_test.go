package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/viper"
	"github.com/zricethezav/gitleaks/v8/config"
)

// plainList and plainRule are what gitleaks' loader and ours are compared by.
type plainList struct {
	MatchAll                           bool
	Commits, Paths, Regexes, StopWords []string
	Target                             string
}

type plainRule struct {
	Description, Regex, Path string
	SecretGroup              int
	Entropy                  float64
	Keywords, Tags           []string
	Lists                    []plainList
	Required                 []Required
	SkipReport               bool
}

type plainSet struct {
	Rules map[string]plainRule
	Lists []plainList
}

// These make the test binary load one file with gitleaks' loader and write what
// it made of it: the loader's state is the process's.
const (
	theirInput  = "SLUICE_TEST_GITLEAKS_LOADS"
	theirOutput = "SLUICE_TEST_GITLEAKS_WRITES"
)

// their is what gitleaks' loader made of a file.
type their struct {
	Set   plainSet
	Error string
}

// TestTheyLoad is the other process of TestLoadLikeGitleaks.
func TestTheyLoad(t *testing.T) {
	name := os.Getenv(theirInput)
	if name == "" {
		t.Skip("runs only as the other process of TestLoadLikeGitleaks")
	}
	set, err := theyLoad(name)
	out := their{Set: set}
	if err != nil {
		out.Error = err.Error()
	}
	text, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(os.Getenv(theirOutput), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func theyLoad(name string) (out plainSet, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	viper.SetConfigType("toml")
	viper.SetConfigFile(name)
	if err := viper.ReadInConfig(); err != nil {
		return out, err
	}
	var vc config.ViperConfig
	if err := viper.Unmarshal(&vc); err != nil {
		return out, err
	}
	cfg, err := vc.Translate()
	if err != nil {
		return out, err
	}
	out.Rules = map[string]plainRule{}
	for id, r := range cfg.Rules {
		p := plainRule{Description: r.Description, SecretGroup: r.SecretGroup, Entropy: r.Entropy, Keywords: r.Keywords,
			Tags: r.Tags, SkipReport: r.SkipReport, Lists: theirLists(r.Allowlists)}
		if r.Regex != nil {
			p.Regex = r.Regex.String()
		}
		if r.Path != nil {
			p.Path = r.Path.String()
		}
		for _, q := range r.RequiredRules {
			p.Required = append(p.Required, Required{RuleID: q.RuleID, WithinLines: q.WithinLines, WithinColumns: q.WithinColumns})
		}
		out.Rules[id] = p
	}
	out.Lists = theirLists(cfg.Allowlists)
	return out, nil
}

func theirLists(lists []*config.Allowlist) []plainList {
	var out []plainList
	for _, a := range lists {
		p := plainList{MatchAll: a.MatchCondition == config.AllowlistMatchAnd, Target: a.RegexTarget,
			Commits: slices.Sorted(slices.Values(a.Commits)), StopWords: slices.Sorted(slices.Values(a.StopWords))}
		p.Paths, p.Regexes = together(a.Paths), together(a.Regexes)
		out = append(out, p)
	}
	return out
}

// together is what gitleaks makes of a list when it matches; the field that
// holds it is private.
func together(list []*regexp.Regexp) []string {
	if len(list) == 0 {
		return nil
	}
	var all []string
	for _, re := range list {
		all = append(all, re.String())
	}
	return []string{"(?:" + strings.Join(all, "|") + ")"}
}

func plain(s *Set) plainSet {
	out := plainSet{Rules: map[string]plainRule{}, Lists: plainLists(s.Allowlists)}
	for i := range s.Rules {
		r := &s.Rules[i]
		p := plainRule{Description: r.Description, SecretGroup: r.SecretGroup, Entropy: r.Entropy, Keywords: r.Keywords,
			Tags: r.Tags, SkipReport: r.SkipReport, Lists: plainLists(r.Allowlists), Required: r.Required, Regex: r.Pattern}
		if r.Path != nil {
			p.Path = r.Path.String()
		}
		out.Rules[r.ID] = p
	}
	return out
}

func plainLists(lists []Allowlist) []plainList {
	var out []plainList
	for _, a := range lists {
		p := plainList{MatchAll: a.MatchAll, Target: a.RegexTarget, Commits: a.Commits, StopWords: a.StopWords}
		for _, re := range a.Paths {
			p.Paths = append(p.Paths, re.String())
		}
		for _, re := range a.Regexes {
			p.Regexes = append(p.Regexes, re.String())
		}
		out = append(out, p)
	}
	return out
}

// theyLoadAlone runs gitleaks' loader on the file in a process of its own.
func theyLoadAlone(t *testing.T, name string) (plainSet, error) {
	t.Helper()
	output := filepath.Join(t.TempDir(), "theirs.json")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTheyLoad$")
	cmd.Env = append(os.Environ(), theirInput+"="+name, theirOutput+"="+output)
	if log, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	text, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	var out their
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	if out.Error != "" {
		return out.Set, errors.New(out.Error)
	}
	return out.Set, nil
}

// What gitleaks' loader makes of a file, ours makes of it; what it refuses, or
// panics at, ours refuses.
func TestLoadLikeGitleaks(t *testing.T) {
	for name, text := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := map[string]string{"main.toml": text}
			for n, text := range bases {
				all[n] = text
			}
			main := filepath.Join(write(t, all), "main.toml")
			want, theirErr := theyLoadAlone(t, main)
			got, err := Load([]string{main}, Options{NoDefaults: true})
			if (err == nil) != (theirErr == nil) {
				t.Fatalf("gitleaks says %v, we say %v", theirErr, err)
			}
			if err != nil {
				if !strings.Contains(err.Error(), ".toml") {
					t.Errorf("the error does not name the file: %v", err)
				}
				return
			}
			if diff := cmp.Diff(want, plain(got), compareSets); diff != "" {
				t.Errorf("- gitleaks, + ours:\n%s", diff)
			}
		})
	}
}
