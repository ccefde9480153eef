package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sluice/detectors"
	"sluice/internal/record"
	"sluice/internal/report"
	"sluice/rules"
)

// ruleFlags say which rules a command is about.
type ruleFlags struct {
	files      []string
	noDefaults bool
}

func (f *ruleFlags) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.files, "rules", nil, "gitleaks-format rule `FILE`, laid over the defaults; repeatable")
	flags.BoolVar(&f.noDefaults, "no-default-rules", false, "leave gitleaks' and Sluice's own rules out")
}

// load reads the rules. What GITLEAKS_CONFIG or GITLEAKS_CONFIG_TOML name
// stands in place of gitleaks' defaults.
func (f *ruleFlags) load(a *app) (*rules.Set, error) {
	found, err := rules.Find("", a.env)
	if err != nil {
		return nil, usageError(err, "")
	}
	set, err := rules.Load(f.files, rules.Options{NoDefaults: f.noDefaults, Gitleaks: found})
	if err != nil {
		return nil, usageError(err, "sluice rules test FILE says more about a rule file")
	}
	for _, w := range set.Warnings {
		fmt.Fprintf(a.stderr, "sluice: warning: %s\n", report.Visible(w))
	}
	return set, nil
}

func newRulesCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "rules", Short: "The rules: which there are, what one means, and whether yours work"}
	cmd.AddCommand(newRulesListCommand(a), newRulesExplainCommand(a), newRulesTestCommand(a))
	return cmd
}

// ruleRow is a rule as the list shows it.
type ruleRow struct {
	ID          string          `json:"id"`
	Severity    record.Severity `json:"severity"`
	Origin      string          `json:"origin"`
	Description string          `json:"description"`
	Keywords    []string        `json:"keywords,omitempty"`
	Tags        []string        `json:"tags,omitempty"`
	Help        string          `json:"help,omitempty"`
}

// ownOrigin marks the rules that are no patterns: a value or a hash is compared.
const ownOrigin = "sluice"

// comparedRules are those of the detectors that know values and keys.
func comparedRules() []ruleRow {
	var rows []ruleRow
	for _, r := range detectors.Exact() {
		rows = append(rows, ruleRow{ID: r.ID, Severity: r.Severity, Origin: ownOrigin, Description: r.Description, Help: r.Help})
	}
	return rows
}

func ruleRows(set *rules.Set) []ruleRow {
	rows := comparedRules()
	for i := range set.Rules {
		r := &set.Rules[i]
		rows = append(rows, ruleRow{ID: r.ID, Severity: r.Severity, Origin: r.Origin, Description: r.Description,
			Keywords: distinct(r.Keywords), Tags: r.Tags, Help: r.Help})
	}
	return rows
}

func newRulesListCommand(a *app) *cobra.Command {
	var flags ruleFlags
	var format string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Every rule: id, severity, where it comes from, what it is for",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			if format != "text" && format != "jsonl" {
				return usageError(fmt.Errorf("--format %q: want text or jsonl", format), "")
			}
			set, err := flags.load(a)
			if err != nil {
				return err
			}
			if format == "jsonl" {
				return writeRulesJSON(a.stdout, ruleRows(set))
			}
			return writeRulesText(a.stdout, ruleRows(set))
		},
	}
	flags.register(cmd.Flags())
	cmd.Flags().StringVar(&format, "format", "text", "text or jsonl")
	return cmd
}

func writeRulesJSON(w io.Writer, rows []ruleRow) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for _, r := range rows {
		if err := out.Encode(r); err != nil {
			return fmt.Errorf("write rules: %w", err)
		}
	}
	return nil
}

func writeRulesText(w io.Writer, rows []ruleRow) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RULE\tSEVERITY\tORIGIN\tKEYWORDS\tDESCRIPTION")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", report.Visible(r.ID), r.Severity, report.Visible(r.Origin),
			report.Visible(someOf(r.Keywords)), report.Visible(r.Description))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write rules: %w", err)
	}
	return nil
}

// someOf keeps a line of the table readable; explain and jsonl have them all.
func someOf(words []string) string {
	const most = 3
	if len(words) > most {
		return strings.Join(words[:most], " ") + " …"
	}
	return strings.Join(words, " ")
}

// distinct keeps the order. A rule that covers another repeats its keywords.
func distinct(words []string) []string {
	var out []string
	for _, w := range words {
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}
