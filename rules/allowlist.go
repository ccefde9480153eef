package rules

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/zricethezav/gitleaks/v8/config"
)

// allowlistText is an allowlist as a file has it; gitleaks' own type has no
// exported name.
type allowlistText struct {
	description, condition string
	commits, paths         []string
	target                 string
	regexes, stopWords     []string
}

// addGlobal reads the allowlists of the top level: those for all rules and
// those that name theirs.
func (l *layer) addGlobal(vc *config.ViperConfig) error {
	lists := vc.Allowlists
	old := vc.AllowList //lint:ignore SA1019 gitleaks reads the old form still, its own default rules have it
	if old != nil {
		if len(lists) > 0 {
			return l.fileError("", "allowlist", errors.New("the old form [allowlist] cannot stand beside [[allowlists]]"))
		}
		if !l.embedded() {
			l.warn("[allowlist] is the old form, use [[allowlists]]")
		}
		lists = append(lists, old)
	}
	for _, a := range lists {
		list, err := l.allowlist("", &allowlistText{a.Description, a.Condition, a.Commits, a.Paths, a.RegexTarget, a.Regexes, a.StopWords})
		if err != nil {
			return err
		}
		if len(a.TargetRules) == 0 {
			l.allow = append(l.allow, list)
		}
		for _, id := range a.TargetRules {
			l.targeted = append(l.targeted, targeted{id, l.origin, list})
		}
	}
	return nil
}

func (l *layer) allowlist(rule string, t *allowlistText) (Allowlist, error) {
	fail := func(field string, err error) (Allowlist, error) {
		return Allowlist{}, l.fileError(rule, "allowlist: "+field, err)
	}
	a := Allowlist{Description: t.description, RegexTarget: t.target, Patterns: slices.Clone(t.regexes)}
	switch strings.ToUpper(t.condition) {
	case "AND", "&&":
		a.MatchAll = true
	case "", "OR", "||":
	default:
		return fail("condition", fmt.Errorf("%q: want \"AND\" or \"OR\"", clip(t.condition)))
	}
	switch t.target {
	case "", "match", "line":
	case "secret":
		a.RegexTarget = ""
	default:
		return fail("regexTarget", fmt.Errorf("%q: want \"secret\", \"match\" or \"line\"", clip(t.target)))
	}
	var err error
	if a.Regexes, err = l.join(t.regexes); err != nil {
		return fail("regexes", err)
	}
	if a.Paths, err = l.join(t.paths); err != nil {
		return fail("paths", err)
	}
	a.Commits = distinct(t.commits, strings.TrimSpace)
	a.StopWords = distinct(t.stopWords, nil)
	if len(a.Commits)+len(a.Paths)+len(a.Regexes)+len(a.StopWords) == 0 {
		return fail("content", errors.New("it needs one at least of commits, paths, regexes and stopwords"))
	}
	return a, nil
}

// join compiles the expressions one by one, for the error, and then as
// gitleaks runs them. Expressions that compile alone may be too large together,
// where gitleaks panics.
func (l *layer) join(patterns []string) ([]*Expression, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	for i, p := range patterns {
		if l.embedded() {
			break // known to compile
		}
		if _, err := compile(p); err != nil {
			return nil, fmt.Errorf("number %d: %w", i+1, err)
		}
	}
	all, err := l.newExpression("(?:" + strings.Join(patterns, "|") + ")")
	if err != nil {
		return nil, fmt.Errorf("taken together: %w", err)
	}
	return []*Expression{all}, nil
}

// distinct lower-cases, sorts and drops what is there twice.
func distinct(words []string, also func(string) string) []string {
	out := lower(words)
	for i := range out {
		if also != nil {
			out[i] = also(out[i])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// understood is the version of gitleaks whose rule files we read.
var understood = [3]int{8, 30, 1}

// minVersion warns of a file that says it needs a later gitleaks.
func (l *layer) minVersion(text string) error {
	if text == "" {
		return nil
	}
	var want [3]int
	parts := strings.Split(strings.TrimPrefix(text, "v"), ".")
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || i >= len(want) || n < 0 {
			return l.fileError("", "minVersion", fmt.Errorf("%q is no version", clip(text)))
		}
		want[i] = n
	}
	if slices.Compare(want[:], understood[:]) > 0 {
		l.warn("minVersion %s is later than gitleaks 8.30.1, whose rule files are understood", text)
	}
	return nil
}

// anyPathAllowed says whether the path alone is a reason.
func anyPathAllowed(lists []Allowlist, path string) bool {
	for _, a := range lists {
		if path == "" || len(a.Paths) == 0 || (a.MatchAll && len(a.Regexes)+len(a.StopWords)+len(a.Commits) > 0) {
			continue
		}
		if a.Paths[0].MatchString(path) {
			return true
		}
	}
	return false
}

// allowed says whether one of the lists excuses what was found. A commit is
// never known here.
func allowed(lists []Allowlist, secret, match, line, path string) bool {
	for i := range lists {
		if lists[i].allows(secret, match, line, path) {
			return true
		}
	}
	return false
}

func (a *Allowlist) allows(secret, match, line, path string) bool {
	target := secret
	switch a.RegexTarget {
	case "match":
		target = match
	case "line":
		target = line
	}
	byRegex := len(a.Regexes) > 0 && target != "" && a.Regexes[0].MatchString(target)
	byWord := len(a.StopWords) > 0 && containsAny(strings.ToLower(secret), a.StopWords)
	if !a.MatchAll {
		return byRegex || byWord
	}
	return len(a.Commits) == 0 &&
		(len(a.Paths) == 0 || (path != "" && a.Paths[0].MatchString(path))) &&
		(len(a.Regexes) == 0 || byRegex) && (len(a.StopWords) == 0 || byWord)
}

func containsAny(s string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s, w) })
}
