package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sluice/internal/gate/provider"
)

func newGateProviderCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "provider [ADDR]",
		Short: "Run the built-in provider alone, for the commands of a report",
		Long: "Runs the model provider that --provider-mock starts, on a loopback address, until it is interrupted: the curls that a report prints\n" +
			"for checks of the provider need it. Prints what a gateway's configuration needs.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			address := provider.DefaultAddress
			if len(args) > 0 {
				address = args[0]
			}
			mock, err := provider.Start(address)
			if err != nil {
				return incompleteError(err, "name a free one: sluice gate provider 127.0.0.1:PORT")
			}
			defer mock.Close()
			fmt.Fprint(a.stdout, provider.Config(mock.Address()))
			<-cmd.Context().Done()
			return nil
		},
	}
}
