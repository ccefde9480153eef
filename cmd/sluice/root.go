package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// run is the whole program: it returns the exit code.
func run(args []string, a *app) int {
	root := newRootCommand(a)
	root.SetArgs(args)
	ctx, stop := withSignals(context.Background())
	defer stop()
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitClean
	}
	var e *exitError
	if !errors.As(err, &e) {
		e = &exitError{code: exitUsage, err: err, hint: seeHelp(cmd)}
	}
	if e.err != nil {
		printError(a.stderr, e)
	}
	return e.code
}

func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "sluice",
		Short:         "Finds and takes out the secrets an LLM gateway prints",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetIn(a.stdin)
	root.Version = version()
	root.PersistentFlags().String("config", "", "YAML `FILE` with values for flags (SLUICE_CONFIG)")
	var logs logFlags
	logs.register(root.PersistentFlags())
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := fill(cmd, a); err != nil {
			return err
		}
		return logs.open(a)
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError(plainFlagError(err), seeHelp(cmd))
	})
	root.SetHelpCommand(newHelpCommand(root))
	root.AddCommand(newScanCommand(a), newWatchCommand(a), newRedactCommand(a), newGateCommand(a), newConfigCommand(a), newDemoCommand(a), newRulesCommand(a), newKeysCommand(a), newExecCommand(a), newHealthCommand(a))
	root.InitDefaultCompletionCmd()
	refuseStrangers(root)
	addHelp(root)
	return root
}

// printError writes what the user reads of an error: the program's name, what
// went wrong, and on a line of its own what to do about it.
func printError(w io.Writer, e *exitError) {
	fmt.Fprintf(w, "sluice: %v\n", e.err)
	if e.hint != "" {
		fmt.Fprintf(w, "sluice: hint: %s\n", e.hint)
	}
}
