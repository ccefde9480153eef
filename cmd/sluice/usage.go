package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// longestEcho is what is repeated of a word that is no command: a longer one may
// be a key that was put in the wrong place.
const longestEcho = 16

// seeHelp is the hint that names the help of a command.
func seeHelp(cmd *cobra.Command) string { return "see " + cmd.CommandPath() + " --help" }

// noArguments is cobra.NoArgs but for repeating the argument, which may be a key.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError(fmt.Errorf("%s takes no arguments", strings.TrimPrefix(cmd.CommandPath(), "sluice ")), seeHelp(cmd))
}

// oneArgument is cobra's ExactArgs(1) and MinimumNArgs(1) in words: what it is
// that is missing, and where a command takes no more, that there is more.
func oneArgument(what, hint string, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		name := strings.TrimPrefix(cmd.CommandPath(), "sluice ")
		switch {
		case len(args) == 0:
			return usageError(fmt.Errorf("%s: no %s named", name, what), hint)
		case len(args) > most:
			return usageError(fmt.Errorf("%s takes one %s", name, what), seeHelp(cmd))
		}
		return nil
	}
}

// refuseStrangers makes every command that only holds others refuse a word that
// names none of them, and no word at all. Left alone it would print its help and
// end with 0, as if the job were done.
func refuseStrangers(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		refuseStrangers(sub)
	}
	if !cmd.HasSubCommands() || cmd.Runnable() {
		return
	}
	cmd.DisableFlagsInUseLine = true
	cmd.Args = knownCommand
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !cmd.HasParent() {
			return cmd.Help()
		}
		var names []string
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				names = append(names, sub.Name())
			}
		}
		last := len(names) - 1
		want := strings.TrimPrefix(strings.Join(names[:last], ", ")+" or "+names[last], " or ")
		return usageError(fmt.Errorf("%s: want %s", cmd.Name(), want), seeHelp(cmd))
	}
}

func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	word := fmt.Sprintf("%q", args[0])
	if len(args[0]) > longestEcho {
		word = "that word"
	}
	hint := seeHelp(cmd)
	cmd.SuggestionsMinimumDistance = 2 // letters; without it nothing is near
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + cmd.CommandPath() + " " + strings.Join(near, " or ") + "?"
	}
	return usageError(fmt.Errorf("%s has no command %s", cmd.CommandPath(), word), hint)
}

// newHelpCommand is cobra's, but what it does not know is wrong use.
func newHelpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Tell of a command",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return knownCommand(cmd, rest)
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}

// plainFlagError says what a flag wants instead of what the parser of its type
// calls it.
func plainFlagError(err error) error {
	var wrong *pflag.InvalidValueError
	if !errors.As(err, &wrong) {
		return err
	}
	want := map[string]string{
		"int": "a whole number", "int64": "a whole number", "float64": "a number", "bool": "true or false",
		"duration": "a time such as 30s, 5m or 24h",
	}[wrong.GetFlag().Value.Type()]
	if want == "" {
		return err
	}
	return fmt.Errorf("--%s: %q: want %s", wrong.GetFlag().Name, wrong.GetValue(), want)
}
