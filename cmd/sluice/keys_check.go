package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sluice/internal/gateway"
	"sluice/internal/record"
	"sluice/internal/report"
)

func newKeysCheckCommand(a *app) *cobra.Command {
	var from gatewayFlags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say whether the key on standard input is alive, and whose",
		Long: "Reads one key, or the 64 hex digits of its SHA-256, from standard input. Only the hash\n" +
			"is sent to a gateway.\n\n" +
			"Exit codes: 0 not a live key (unknown, blocked, expired or deleted), 1 alive,\n" +
			"2 wrong use, 3 could not tell.",
		// The argument itself must not be repeated: it may be a key.
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return usageError(errors.New("keys check takes no arguments: a command line is visible to every user of the machine"),
				"pipe the key in, and change it if it was real: your shell's history may hold it")
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return from.check(cmd.Context(), a) },
	}
	from.register(cmd.Flags())
	return cmd
}

func (f *gatewayFlags) check(ctx context.Context, a *app) error {
	candidate, err := readCandidate(a)
	if err != nil {
		return err
	}
	access, missing := f.open(a)
	if missing != nil && !keysMissing(missing) {
		return missing
	}
	if missing == nil && len(access.clients) == 0 && len(access.fixed) == 0 {
		return nothingNamed()
	}
	hash, ok := gateway.ParseHash(candidate.Reveal())
	if !ok {
		hash = gateway.HashKey(candidate)
	}
	info, failed := access.find(ctx, hash)
	if info == nil && failed == nil && missing == nil && access.opens(hash) {
		// A master key is in no database, but all gateways just took it.
		info = &record.KeyInfo{Alias: gatewayKeyVariable + ", which opened the gateway just now", State: record.KeyLive}
	}
	switch {
	case info != nil && info.State == record.KeyLive:
		tellKey(a.stdout, info)
		return &exitError{code: exitFound}
	case interrupted(ctx):
		return &exitError{code: exitInterrupt, err: context.Cause(ctx)}
	case missing != nil || failed != nil: // one that could not be asked may know it alive
		return joinMissing([]error{missing, failed})
	case info != nil:
		tellKey(a.stdout, info)
	default:
		fmt.Fprintln(a.stdout, "unknown: no such key")
	}
	return nil
}

// opens says that the clients' own key has this hash.
func (g *gatewayAccess) opens(hash [32]byte) bool {
	return len(g.clients) > 0 && !g.credential.Empty() && gateway.HashKey(g.credential) == hash
}

// find asks the gateways one after the other and takes the most alive answer,
// a snapshot's only if no gateway knows the key.
func (g *gatewayAccess) find(ctx context.Context, hash [32]byte) (*record.KeyInfo, error) {
	var best *record.KeyInfo
	var errs []error
	for _, c := range g.clients {
		info, found, err := c.Find(ctx, hash)
		if err != nil {
			errs = append(errs, incompleteError(err, gateway.HintFor(err)))
		}
		if found && (best == nil || info.State == record.KeyLive) {
			best = info
		}
	}
	for _, s := range g.fixed {
		// The master key is in no gateway's database.
		if info, found := s.Lookup(hash); found && (best == nil || info.Master) {
			best = info
		}
	}
	return best, joinMissing(errs)
}

// tellKey says whose a key is, in one line.
func tellKey(w io.Writer, k *record.KeyInfo) {
	line := string(k.State) + ":"
	for _, field := range []struct{ name, value string }{
		{"", k.Alias}, {"", k.Name}, {"team ", team(k)}, {"owner ", k.UserID}, {"gateway ", k.Gateway},
		{"created ", keyTime(k.Created)}, {"expires ", keyTime(k.Expires)}, {"deleted ", keyTime(k.Deleted)},
	} {
		if field.value != "" {
			line += " " + field.name + report.Visible(field.value) + ","
		}
	}
	fmt.Fprintln(w, line[:len(line)-1])
}
