package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/report"
	"sluice/rules"
)

// adviceForAll is for rules whose file does not say what to do.
const adviceForAll = "Revoke the credential where it was issued, issue another, and look there for what was done with it since the log was written. " +
	"Then find what prints it."

func newRulesExplainCommand(a *app) *cobra.Command {
	var flags ruleFlags
	cmd := &cobra.Command{
		Use:   "explain RULE",
		Short: "What a rule means, how it finds, what to do when it fires",
		Args:  oneArgument("rule", "sluice rules list names them all", 1),
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := flags.load(a)
			if err != nil {
				return err
			}
			if r := set.ByID(args[0]); r != nil {
				return explainPattern(a.stdout, r)
			}
			for _, row := range comparedRules() {
				if row.ID == args[0] {
					return explainCompared(a.stdout, row)
				}
			}
			return usageError(fmt.Errorf("there is no rule %q", args[0]), nearest(args[0], ruleRows(set)))
		},
	}
	flags.register(cmd.Flags())
	return cmd
}

// nearest is a hint at rules whose id has the word in it.
func nearest(word string, rows []ruleRow) string {
	const most = 8
	var ids []string
	for _, r := range rows {
		if strings.Contains(r.ID, strings.ToLower(word)) && len(ids) < most {
			ids = append(ids, r.ID)
		}
	}
	if len(ids) == 0 {
		return "sluice rules list names them all"
	}
	return "there is " + report.Visible(strings.Join(ids, ", "))
}

func explainCompared(w io.Writer, r ruleRow) error {
	_, err := fmt.Fprintf(w, "%s (%s, %s)\n%s\n\nIt has no expression: what stands in the log is compared to values and hashes that are known.\n\nWhen it fires:\n  %s\n",
		r.ID, r.Severity, r.Origin, r.Description, r.Help)
	return err
}

// explainPattern writes what a rule file says of a rule, in words. All of it
// may come from a user's file.
func explainPattern(w io.Writer, r *rules.Rule) error {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-10s %s\n", name, report.Visible(fmt.Sprintf(format, args...)))
	}
	fmt.Fprintf(&b, "%s (%s, %s)\n%s\n\n", report.Visible(r.ID), r.Severity, report.Visible(r.Origin), report.Visible(r.Description))
	if r.Pattern != "" {
		line("regex", "%s", r.Pattern)
		line("secret", "%s", secretOf(r))
	}
	if r.Path != nil {
		line("path", "%s", r.Path)
		if r.Pattern == "" {
			line("secret", "all of a file of such a name")
		}
	}
	if r.Entropy != 0 {
		line("entropy", "more than %g bits a character", r.Entropy)
	}
	if len(r.Keywords) > 0 {
		line("keywords", "one of: %s", strings.Join(distinct(r.Keywords), " "))
	}
	if len(r.Tags) > 0 {
		line("tags", "%s", strings.Join(r.Tags, " "))
	}
	for _, q := range r.Required {
		line("requires", "%s", requiredOf(q))
	}
	explainLists(line, r.Allowlists)
	if examples := rules.ExamplesOf(r.ID); len(examples) > 0 && r.Origin == "gateway" {
		b.WriteString("\nExamples (the secret in «», values made up):\n")
		for _, e := range examples {
			line(map[bool]string{false: "fires", true: "silent"}[e.Not], "%s", e.Template())
		}
	}
	advice := r.Help
	if advice == "" {
		advice = adviceForAll
	}
	fmt.Fprintf(&b, "\nWhen it fires:\n  %s\n", report.Visible(advice))
	_, err := io.WriteString(w, b.String())
	return err
}

func secretOf(r *rules.Rule) string {
	switch {
	case r.SecretGroup > 0:
		return fmt.Sprintf("group %d", r.SecretGroup)
	case r.Regexp().NumSubexp() > 0:
		return "the first group that is not empty"
	}
	return "the whole match"
}

func requiredOf(q rules.Required) string {
	text := "rule " + q.RuleID
	if q.WithinLines != nil {
		text += fmt.Sprintf(" within %d lines", *q.WithinLines)
	}
	if q.WithinColumns != nil {
		text += fmt.Sprintf(" within %d columns", *q.WithinColumns)
	}
	return text
}

func explainLists(line func(name, format string, args ...any), lists []rules.Allowlist) {
	for _, l := range lists {
		name := l.Description
		if name == "" {
			name = "no description"
		}
		join := "any of"
		if l.MatchAll {
			join = "all of"
		}
		line("silent if", "%s (%s)", name, join)
		target := map[string]string{"": "the secret", "match": "the match", "line": "the line"}[l.RegexTarget]
		for _, p := range l.Patterns {
			line("", "%s is like %s", target, p)
		}
		for _, p := range l.Paths {
			line("", "the path is like %s", p)
		}
		if n := len(l.StopWords); n > 0 {
			line("", "the secret has one of %d words in it, such as %q", n, l.StopWords[0])
		}
		if n := len(l.Commits); n > 0 {
			line("", "it is in one of %d commits", n)
		}
	}
}
