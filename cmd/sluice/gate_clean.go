package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sluice/internal/gate"
)

func newGateCleanCommand(a *app) *cobra.Command {
	var f gateFlags
	var run string
	cmd := &cobra.Command{
		Use:   "clean",
		Short: "Remove what killed runs of the gate left at the gateway",
		Long:  "Removes every key, team, user, end user, tag and budget whose name begins with sluice-gate-. A run that is still going on loses its objects too; --run takes one run's alone.",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := gate.Config{Scrub: &gate.Scrubber{}}
			var err error
			if cfg.Gateway, cfg.TLS, err = f.target(); err != nil {
				return err
			}
			if cfg.Master, err = f.master(a); err != nil {
				return err
			}
			if cfg.Master.Empty() {
				return incompleteError(errors.New("no master key was given"), "set LITELLM_MASTER_KEY, or use --master-key-file")
			}
			done, err := gate.Clean(cmd.Context(), cfg, run)
			for _, name := range done.Found {
				fmt.Fprintln(a.stdout, cfg.Scrub.Text(name))
			}
			if err != nil {
				return incompleteError(errors.New(cfg.Scrub.Text(err.Error())), "")
			}
			if len(done.Left) > 0 {
				return incompleteError(fmt.Errorf("%d of %d objects could not be removed", len(done.Left), len(done.Found)), "")
			}
			fmt.Fprintf(a.stderr, "%d objects removed\n", len(done.Found))
			return nil
		},
	}
	f.registerGateway(cmd)
	cmd.Flags().StringVar(&run, "run", "", "only what the run of this `ID` left")
	return cmd
}
