package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// defaultListen is where health asks unless it is told.
const defaultListen = "127.0.0.1:9464"

// healthTimeout is less than the five seconds that health checks commonly wait.
const healthTimeout = 4 * time.Second

// maxHealthBody bounds what is shown of an answer, in bytes.
const maxHealthBody = 4 << 10

func newHealthCommand(a *app) *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a running sluice whether it is ready",
		Long:  "Asks /readyz of a sluice that runs with --listen on this machine. Exit codes: 0 ready, 1 not ready (the reasons are printed), 3 nobody answers.",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return health(cmd.Context(), a, listen)
		},
	}
	registerListen(cmd.Flags(), &listen, defaultListen)
	return cmd
}

func registerListen(flags *pflag.FlagSet, listen *string, value string) {
	flags.StringVar(listen, "listen", value, "`ADDR` of /metrics, /livez, /readyz")
	fromEnv(flags, "listen", "SLUICE_LISTEN")
}

func health(ctx context.Context, a *app, listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return usageError(fmt.Errorf("--listen: %w", err), "HOST:PORT, or :PORT for every address")
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return usageError(err, "")
	}
	resp, err := (&http.Client{Transport: &http.Transport{}}).Do(req) // no proxy: it is this machine
	if err != nil {
		return incompleteError(errors.New("nobody answers at "+listen), "is sluice watch or exec running with --listen?")
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxHealthBody))
	if err != nil {
		return incompleteError(fmt.Errorf("read /readyz: %w", err), "")
	}
	fmt.Fprintf(a.stdout, "%s", body)
	if resp.StatusCode != http.StatusOK {
		return &exitError{code: exitFound}
	}
	return nil
}
