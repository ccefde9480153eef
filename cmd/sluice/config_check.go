package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sluice/internal/gate/checks"
)

// twoReplicas are enough for all checks to be known.
const twoReplicas = 2

func newConfigCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Check a configuration file"}
	cmd.AddCommand(&cobra.Command{
		Use:   "check [FILE]",
		Short: "Say whether a configuration file is right, and where it is not",
		Args:  cobra.MaximumNArgs(1),
		// The file is the argument here, so it must not be read as configuration.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(cmd *cobra.Command, args []string) error {
			path, _ := cmd.Flags().GetString("config")
			if path == "" {
				path = a.env("SLUICE_CONFIG")
			}
			if len(args) == 1 {
				path = args[0]
			}
			if path == "" {
				return usageError(errors.New("no configuration file named"), "sluice config check FILE")
			}
			s, err := readSettings(path, cmd.Root())
			if err == nil {
				err = s.try(cmd.Root())
			}
			if err == nil {
				_, err = waiversIn(path, checks.All(twoReplicas))
			}
			if err != nil {
				return usageError(err, "")
			}
			fmt.Fprintf(a.stdout, "%s: %d settings, all known\n", path, len(s.values))
			return nil
		},
	})
	return cmd
}

// try gives the values to the flags of all commands, and says which take none
// of them. Whether a named file exists is a run's to find out.
func (s settings) try(root *cobra.Command) error {
	var errs []error
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		flags := cmd.Flags()
		flags.AddFlagSet(cmd.PersistentFlags())
		flags.VisitAll(func(f *pflag.Flag) {
			v, ok := s.values[settingName(f.Name)]
			if !ok {
				return
			}
			err := set(flags, f, v.values, v.at)
			if err != nil && !slices.ContainsFunc(errs, func(e error) bool { return e.Error() == err.Error() }) {
				errs = append(errs, err)
			}
		})
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
	return errors.Join(errs...)
}
