package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/report"
	"sluice/rules"
)

// exampleSeeds is how many made-up values an example with templates is tried
// with.
const exampleSeeds = 16

const rulesTestHelp = `Checks rule files and runs examples against them.

A FILE that ends in .toml is a rule file, laid over the defaults as --rules
does; any other holds examples, one a line:

  want my-rule: X-Token: «tok_{alnum:24}»     it fires, with just this secret
  want not my-rule: X-Token: tok_short        it stays silent
  want none: nothing to see                   no rule at all fires

{hex:N} {HEX:N} {digits:N} {lower:N} {upper:N} {alnum:N} {base64:N}
{base64url:N} {uuid} are made up, several times for each example; {nl} and
{esc} are a line end and an escape. Lines that begin with # are comments.

Without a rule file, the rules that come with Sluice and their own examples are
run. Exit codes: 0 all as wanted, 1 an example is not, 2 a file is wrong or a
rule can match nothing or costs too much.`

func newRulesTestCommand(a *app) *cobra.Command {
	var flags ruleFlags
	cmd := &cobra.Command{
		Use:   "test [FILE...]",
		Short: "Check rule files, and run examples against them",
		Long:  rulesTestHelp,
		RunE: func(_ *cobra.Command, args []string) error {
			t := ruleTest{app: a}
			for _, name := range args {
				if strings.HasSuffix(name, ".toml") {
					flags.files = append(flags.files, name)
				} else {
					t.examples = append(t.examples, name)
				}
			}
			var err error
			if t.set, err = flags.load(a); err != nil {
				return err
			}
			t.own = len(flags.files) > 0
			return t.run()
		},
	}
	flags.register(cmd.Flags())
	return cmd
}

// ruleTest is one run of rules test.
type ruleTest struct {
	app      *app
	set      *rules.Set
	own      bool     // rules of the user's are there
	examples []string // files

	ran, failed int
}

func (t *ruleTest) run() error {
	fatal := 0
	for _, p := range t.set.Check("") {
		kind := "warning"
		if p.Fatal {
			kind = "error"
			fatal++
		}
		fmt.Fprintf(t.app.stdout, "%s: rule %s: %s\n", kind, report.Visible(p.Rule), report.Visible(p.Text))
	}
	for _, name := range t.examples {
		text, err := os.ReadFile(name)
		if err != nil {
			return usageError(fmt.Errorf("read examples: %w", err), "")
		}
		list, err := rules.ParseExamples(string(text))
		if err != nil {
			return usageError(fmt.Errorf("%s: %w", name, err), "sluice rules test --help shows the form")
		}
		t.try(name, list)
	}
	if !t.own && len(t.examples) == 0 {
		for i := range t.set.Rules {
			id := t.set.Rules[i].ID
			t.try(id, rules.ExamplesOf(id))
		}
	}
	fmt.Fprintf(t.app.stdout, "%d rules, %d examples, %d not as wanted\n", len(t.set.Rules), t.ran, t.failed)
	switch {
	case fatal > 0:
		return usageError(errors.New("a rule is useless or costs too much"), "")
	case t.failed > 0:
		return &exitError{code: exitFound}
	}
	return nil
}

func (t *ruleTest) try(name string, list []rules.Example) {
	for _, e := range list {
		t.ran++
		for seed := range uint64(exampleSeeds) {
			if err := e.Run(t.set, seed); err != nil {
				t.failed++
				fmt.Fprintf(t.app.stdout, "%s:%d: %s\n", report.Visible(name), e.Line, report.Visible(err.Error()))
				break
			}
		}
	}
}
