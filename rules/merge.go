package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/record"
)

// maxExtend is gitleaks' limit: a file, what it extends, and what that extends;
// an extend of the third has no effect.
const maxExtend = 2

// resolve reads a file and lays it over what it extends, and that over ground:
// as it is, or with gitleaks' default rules if a file of the chain asks for
// them. Allowlists of an extended file that target rules by id are lost in
// gitleaks, and so here, with a warning.
func resolve(f File, ground *layer, depth int) (*layer, error) {
	text, err := f.text()
	if err != nil {
		return nil, err
	}
	l, err := parse(f.Name, text)
	if err != nil {
		return nil, err
	}
	if err := l.requiredHere(); err != nil {
		return nil, err
	}
	if depth > 0 && len(l.targeted) > 0 {
		l.warn("allowlists with targetRules have no effect in a file that is extended")
		l.targeted = nil
	}
	base := ground
	switch {
	case depth == maxExtend:
		if l.extend.UseDefault || l.extend.Path != "" {
			l.warn("extend has no effect: at most %d files deep", maxExtend+1)
		}
	case l.extend.UseDefault && l.extend.Path != "":
		return nil, l.fileError("", "extend", errors.New("path and useDefault exclude each other"))
	case l.extend.UseDefault:
		base, err = withGitleaks(ground)
	case l.extend.Path != "":
		base, err = resolve(File{Name: l.extend.Path}, ground, depth+1)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: extend: %w", f.Name, err)
	}
	return cover(l, base), nil
}

// requiredHere wants each required rule in the same file, as gitleaks does.
func (l *layer) requiredHere() error {
	for _, r := range l.rules {
		for _, q := range r.Required {
			if !slices.ContainsFunc(l.rules, func(o Rule) bool { return o.ID == q.RuleID }) {
				return l.fileError(r.ID, "required", fmt.Errorf("rule %q is not in this file", clip(q.RuleID)))
			}
		}
	}
	return nil
}

// cover lays top over base: what gitleaks' extend makes of a rule that both
// have. Neither is changed.
func cover(top, base *layer) *layer {
	out := &layer{
		origin:   top.origin,
		rules:    slices.Clone(top.rules),
		allow:    slices.Concat(top.allow, base.allow),
		targeted: slices.Concat(base.targeted, top.targeted),
		warnings: slices.Concat(base.warnings, top.warnings),
		gitleaks: top.gitleaks || base.gitleaks,
	}
	index := make(map[string]int, len(top.rules)+len(base.rules))
	for i, r := range top.rules {
		index[r.ID] = i
	}
	known := make(map[string]bool, len(base.rules))
	for _, r := range base.rules {
		known[r.ID] = true
		if slices.Contains(top.extend.DisabledRules, r.ID) {
			continue
		}
		if i, ok := index[r.ID]; ok {
			out.rules[i] = coverRule(out.rules[i], r)
			continue
		}
		out.rules = append(out.rules, r)
	}
	for _, id := range top.extend.DisabledRules {
		if !known[id] {
			out.warn("extend.disabledRules: there is no rule %s", id)
		}
	}
	return out
}

// coverRule is base with what top says: scalars win, lists grow, and required
// rules and skipReport stay the base's, as in gitleaks.
func coverRule(top, base Rule) Rule {
	out := base
	out.Origin = top.Origin
	if top.Description != "" {
		out.Description = top.Description
	}
	if top.Entropy != 0 {
		out.Entropy = top.Entropy
	}
	if top.SecretGroup != 0 {
		out.SecretGroup = top.SecretGroup
	}
	if top.Pattern != "" {
		out.Pattern, out.compile, out.tree = top.Pattern, top.compile, top.tree
	}
	if top.Path != nil {
		out.Path = top.Path
	}
	if top.Severity != record.SeverityNone {
		out.Severity = top.Severity
	}
	if top.Help != "" {
		out.Help = top.Help
	}
	out.Tags = slices.Concat(base.Tags, top.Tags)
	out.Keywords = slices.Concat(base.Keywords, top.Keywords)
	out.Allowlists = slices.Concat(base.Allowlists, top.Allowlists)
	return out
}

// finish checks the whole and makes it a set.
func finish(l *layer) (*Set, error) {
	index := make(map[string]int, len(l.rules))
	for i := range l.rules {
		r := &l.rules[i]
		if err := l.validate(r); err != nil {
			return nil, err
		}
		index[r.ID] = i
	}
	for _, t := range l.targeted {
		i, ok := index[t.ruleID]
		if !ok {
			if t.origin == originGateway { // ours may lie over any file's rules
				continue
			}
			return nil, (&layer{origin: t.origin}).fileError("", "allowlists", fmt.Errorf("target rule %q does not exist", clip(t.ruleID)))
		}
		r := &l.rules[i]
		r.Allowlists = append(slices.Clip(r.Allowlists), t.list)
	}
	s := &Set{Rules: slices.Clone(l.rules), Allowlists: l.allow, Warnings: l.warnings}
	slices.SortStableFunc(s.Rules, func(a, b Rule) int { return generic(a) - generic(b) })
	for i := range s.Rules {
		s.Rules[i].Severity = severity(s.Rules[i])
	}
	return s, nil
}

// validate is gitleaks' last look at a rule, when all layers are one.
func (l *layer) validate(r *Rule) error {
	origin := &layer{origin: r.Origin}
	switch {
	case strings.TrimSpace(r.ID) == "":
		return origin.fileError("", "rules", fmt.Errorf("a rule without id (description %q)", clip(r.Description)))
	case r.Pattern == "" && r.Path == nil:
		return origin.fileError(r.ID, "regex", errors.New("neither regex nor path is given: it can match nothing"))
	case r.Pattern == "" || r.SecretGroup == 0:
		return nil
	}
	tree, err := r.Tree()
	if err != nil {
		return origin.fileError(r.ID, "regex", err)
	}
	if groups := tree.MaxCap(); r.SecretGroup > groups {
		return origin.fileError(r.ID, "secretGroup", fmt.Errorf("%d, but regex has %d groups", r.SecretGroup, groups))
	}
	return nil
}

// generic puts the rules that gitleaks calls generic behind the others: a
// specific rule names a secret better.
func generic(r Rule) int {
	if strings.Contains(strings.ToLower(r.ID), "generic") {
		return 1
	}
	return 0
}

// severity is what the rule says; gitleaks' say nothing: high, and medium for
// the one that knows no more than a name and an entropy.
func severity(r Rule) record.Severity {
	switch {
	case r.Severity != record.SeverityNone:
		return r.Severity
	case generic(r) == 1:
		return record.SeverityMedium
	}
	return record.SeverityHigh
}
