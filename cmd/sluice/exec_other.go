//go:build !unix

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func newExecCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:   "exec -- CMD [ARG...]",
		Short: "Run the gateway, its output redacted (not on this system)",
		RunE: func(*cobra.Command, []string) error {
			return usageError(errors.New("exec needs a Unix system"), "pipe the gateway's output through sluice redact")
		},
	}
}
