// Package detectors is the table of detectors: the order in which they give a
// name to what several of them found, and the rules that each brings.
package detectors

import (
	"sluice/detectors/known"
	"sluice/detectors/pattern"
	"sluice/detectors/virtualkey"
	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/rules"
)

// InOrder is the detectors by precedence: a secret that was told by name, then
// one that a gateway knows, then the same in other encodings and in part once
// it was seen whole, then one that has a shape. live is a *virtualkey.Detector,
// or what is wrapped around one.
func InOrder(told *known.Detector, live pipeline.Detector, learnt *known.Detector, shape *pattern.Detector) []pipeline.Detector {
	return []pipeline.Detector{told, live, learnt, shape}
}

// Rule is what the rest of the program needs to know of a rule.
type Rule struct {
	ID, Description, Help string
	Severity              record.Severity
	Tags                  []string
	// Exact rules match a value by itself or its hash, never by its form.
	Exact bool
	// Strong says that the form of its secrets has 80 bits or more, so that an
	// unkeyed hash of one helps nobody to guess it.
	Strong bool
}

// Exact are the rules of the detectors that compare values and hashes.
func Exact() []Rule {
	var out []Rule
	for _, r := range virtualkey.Rules() {
		// A part of a key leaves fewer bits than its form has.
		out = append(out, Rule{r.ID, r.Description, r.Help, r.Severity, nil, true, r.ID != virtualkey.RulePartial})
	}
	for _, r := range known.Rules() {
		out = append(out, Rule{r.ID, r.Description, r.Help, r.Severity, nil, true, false})
	}
	return out
}

// Rules are the rules of all detectors, each id once, exact ones first.
func Rules(set *rules.Set) []Rule {
	out := Exact()
	for i := range set.Rules {
		r := &set.Rules[i]
		out = append(out, Rule{r.ID, r.Description, r.Help, r.Severity, r.Tags, false, r.FormBits() >= rules.StrongBits})
	}
	return out
}
