// Package rules holds what a pattern rule is, reads gitleaks' rule files into
// it, and ships Sluice's own (gateway.toml).
//
// The promise: a rule file that gitleaks 8.30.1 accepts means here what it
// means there; loading keeps no state between two calls, so that two sets in
// one process, or a reload, never disturb each other; an error names file,
// rule and field, and no text makes loading panic.
//
// The limits: extend.url is unknown to gitleaks and to us; extend.path is
// relative to the working directory, as there. Two keys of a rule are ours,
// and gitleaks passes over them: severity (info, low, medium, high, critical)
// and help (what to do when it leaks).
package rules

import (
	"regexp"
	"regexp/syntax"

	"sluice/internal/record"
)

// Set is a loaded configuration. It is read-only once loaded and safe for
// concurrent use.
type Set struct {
	Rules      []Rule // in a fixed order: as loaded, generic ones last
	Allowlists []Allowlist
	Warnings   []string // unknown fields, deprecated forms, keywords a rule can never need
}

// ByID returns the rule of that name, or nil. The rule is the set's.
func (s *Set) ByID(id string) *Rule {
	for i := range s.Rules {
		if s.Rules[i].ID == id {
			return &s.Rules[i]
		}
	}
	return nil
}

// Rule is one pattern, with gitleaks' fields.
type Rule struct {
	ID, Description string
	// Regex is set when a rule is built by hand; of a loaded rule it is nil, and
	// Regexp compiles Pattern when first asked: 222 rules cost 9 ms, which a
	// start-up that scans three lines need not pay.
	Regex       *regexp.Regexp
	Path        *Expression
	Pattern     string // source of Regex; "" for a rule of paths only
	SecretGroup int
	Entropy     float64
	Keywords    []string // lower case; none: the rule runs on everything
	Tags        []string
	Allowlists  []Allowlist
	Required    []Required
	SkipReport  bool
	Severity    record.Severity
	Origin      string // "gitleaks", "gateway" or the file's path
	Help        string // what to do when it leaks; "" if the rule does not say

	compile func() *regexp.Regexp // of Pattern, once; shared by copies of the rule
	tree    func() (*syntax.Regexp, error)
}

// Regexp is the rule's expression, compiled at most once; nil for a rule of
// paths only. Safe for concurrent use.
func (r *Rule) Regexp() *regexp.Regexp {
	if r.Regex != nil || r.compile == nil {
		return r.Regex
	}
	return r.compile()
}

// Tree is the rule's expression as a tree, parsed at most once for all that ask:
// parsing is a fifth of a start-up. It must not be changed. Safe for concurrent use.
func (r *Rule) Tree() (*syntax.Regexp, error) {
	switch {
	case r.Regex != nil:
		return syntax.Parse(r.Regex.String(), syntax.Perl)
	case r.tree == nil:
		return syntax.Parse(r.Pattern, syntax.Perl)
	}
	return r.tree()
}

// Required is another rule that has to match near this one.
type Required struct {
	RuleID        string
	WithinLines   *int
	WithinColumns *int
}

// Allowlist is a reason not to report.
//
// Paths and Regexes hold one expression each at most: gitleaks joins those of a
// list with | before it matches, so that an (?i) in one holds for those after
// it, and we keep what it runs. Patterns are the expressions as written.
type Allowlist struct {
	Description string
	MatchAll    bool // condition AND
	Commits     []string
	Paths       []*Expression
	Regexes     []*Expression
	RegexTarget string // "" secret, "match", "line"
	StopWords   []string
	Patterns    []string // of Regexes, as in the file
}
