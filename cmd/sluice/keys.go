package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/gateway"
	"sluice/internal/record"
	"sluice/internal/report"
)

func newKeysCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "What keys are alive; never a key itself",
	}
	cmd.AddCommand(newKeysListCommand(a), newKeysExportCommand(a), newKeysCheckCommand(a))
	return cmd
}

// nothingNamed is wrong use: there is nowhere to know keys from.
func nothingNamed() error {
	return usageError(errors.New("no gateway and no snapshot of keys named"), "name one: --gateway URL (SLUICE_GATEWAY), or --keys FILE")
}

func newKeysListCommand(a *app) *cobra.Command {
	var from gatewayFlags
	var format string
	var states []string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the keys with owner, team and state",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			write, ok := map[string]func(io.Writer, []record.KeyInfo) error{"text": keysText, "jsonl": keysJSONL}[format]
			if !ok {
				return usageError(fmt.Errorf("format %q: want text or jsonl", format), "")
			}
			if err := checkStates(states); err != nil {
				return err
			}
			keys, missing, err := from.known(cmd.Context(), a)
			if err != nil {
				return err
			}
			if err := write(a.stdout, sortedKeys(keys, states)); err != nil {
				return incompleteError(fmt.Errorf("write the keys: %w", err), "")
			}
			if n := keys.Skipped(); n > 0 {
				fmt.Fprintf(a.stderr, "sluice: %s left out: no SHA-256 where the gateway keeps it\n", report.Plural(int64(n), "key is", "keys are"))
			}
			return missing
		},
	}
	from.register(cmd.Flags())
	cmd.Flags().StringVar(&format, "format", "text", "text or jsonl")
	cmd.Flags().StringSliceVar(&states, "state", nil, "only these `STATES`: live, blocked, expired, deleted")
	return cmd
}

// known is load for commands that are about the keys: to name nothing is wrong
// use, and what is missing is told after what is there was shown.
func (f *gatewayFlags) known(ctx context.Context, a *app) (keys *gateway.Snapshot, missing, err error) {
	if !f.named() && a.env("LITELLM_MASTER_KEY") == "" && f.masterFile == "" && f.masterHash == "" {
		return nil, nil, nothingNamed()
	}
	keys, _, err = f.load(ctx, a)
	if keysMissing(err) {
		return keys, err, nil
	}
	return keys, nil, err
}

func checkStates(states []string) error {
	for _, s := range states {
		switch record.KeyState(s) {
		case record.KeyLive, record.KeyBlocked, record.KeyExpired, record.KeyDeleted:
		default:
			return usageError(fmt.Errorf("state %q: want live, blocked, expired or deleted", s), "")
		}
	}
	return nil
}

// sortedKeys is the keys in the order a reader looks for them.
func sortedKeys(keys *gateway.Snapshot, states []string) []record.KeyInfo {
	var all []record.KeyInfo
	for _, k := range keys.All() {
		if len(states) == 0 || slices.Contains(states, string(k.State)) {
			all = append(all, k)
		}
	}
	slices.SortStableFunc(all, func(a, b record.KeyInfo) int {
		return cmp.Or(cmp.Compare(a.Gateway, b.Gateway), cmp.Compare(team(&a), team(&b)),
			cmp.Compare(a.Alias, b.Alias), a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name))
	})
	return all
}

func team(k *record.KeyInfo) string { return cmp.Or(k.TeamAlias, k.TeamID) }

func keysText(w io.Writer, keys []record.KeyInfo) error {
	out := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(out, "ALIAS\tKEY\tTEAM\tOWNER\tSTATE\tCREATED\tEXPIRES\tGATEWAY")
	or := func(s string) string { return cmp.Or(report.Visible(s), "-") }
	for i := range keys {
		k := &keys[i]
		expires := keyTime(k.Expires)
		if k.State == record.KeyDeleted && !k.Deleted.IsZero() {
			expires = "deleted " + keyTime(k.Deleted)
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", or(k.Alias), or(k.Name), or(team(k)), or(k.UserID),
			k.State, or(keyTime(k.Created)), or(expires), or(k.Gateway))
	}
	return out.Flush()
}

func keyTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// keyLine is a key in jsonl, with the names that findings use.
type keyLine struct {
	Alias     string `json:"alias,omitempty"`
	Name      string `json:"name,omitempty"`
	TeamID    string `json:"team_id,omitempty"`
	TeamAlias string `json:"team_alias,omitempty"`
	UserID    string `json:"user_id,omitempty"`
	State     string `json:"state"`
	Master    bool   `json:"master,omitempty"`
	Created   string `json:"created,omitempty"`
	Expires   string `json:"expires,omitempty"`
	Deleted   string `json:"deleted,omitempty"`
	Gateway   string `json:"gateway,omitempty"`
}

func keysJSONL(w io.Writer, keys []record.KeyInfo) error {
	out := bufio.NewWriter(w)
	var line []byte
	for i := range keys {
		k := &keys[i]
		var err error
		line, err = report.AppendJSON(line[:0], keyLine{
			Alias: k.Alias, Name: k.Name, TeamID: k.TeamID, TeamAlias: k.TeamAlias, UserID: k.UserID, State: string(k.State),
			Master: k.Master, Created: keyTime(k.Created), Expires: keyTime(k.Expires), Deleted: keyTime(k.Deleted), Gateway: k.Gateway,
		})
		if err != nil {
			return err
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return out.Flush()
}

func newKeysExportCommand(a *app) *cobra.Command {
	var from gatewayFlags
	var output, old string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write a snapshot of the keys (hashes and names) for --keys",
		Long: "Writes hashes, names, times and states, for use where the gateway is out of reach.\n" +
			"With --merge, keys of an older snapshot stay known, so that an archive is judged by\n" +
			"what was alive then. The file holds no key, but the hash of a master key that a\n" +
			"person made up can be guessed at: keep it as you keep a password file.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, missing, err := from.known(cmd.Context(), a)
			if err = cmp.Or(err, missing); err != nil {
				return err // a snapshot of a part would pass for the whole
			}
			if old != "" {
				before, err := gateway.Load(old, time.Now())
				if err != nil {
					return incompleteError(err, "leave --merge out to begin a new snapshot")
				}
				keys = keys.Accumulate(before)
			}
			if output == "" || output == "-" {
				err = keys.Encode(a.stdout)
			} else {
				err = keys.Save(output)
			}
			if err != nil {
				return incompleteError(err, "")
			}
			fmt.Fprintf(a.stderr, "sluice: %s exported\n", report.Plural(int64(keys.Len()), "key", "keys"))
			return nil
		},
	}
	from.register(cmd.Flags())
	cmd.Flags().StringVarP(&output, "output", "o", "", "write to `FILE`, in one step and for its owner only, instead of standard output")
	cmd.Flags().StringVar(&old, "merge", "", "keep what this older snapshot `FILE` knows")
	return cmd
}

// maxCandidate bounds what keys check reads: far more than a key has.
const maxCandidate = 64 << 10

// readCandidate reads one key or hash from standard input.
func readCandidate(a *app) (record.Secret, error) {
	const hint = "pipe it in: sluice keys check < FILE"
	if a.stdinTerminal {
		return record.Secret{}, usageError(errors.New("standard input is a terminal, where a key would be seen"), hint)
	}
	text, err := io.ReadAll(io.LimitReader(a.stdin, maxCandidate+1))
	candidate := strings.TrimRight(string(text), "\r\n")
	switch {
	case err != nil:
		return record.Secret{}, incompleteError(fmt.Errorf("read standard input: %w", err), "")
	case len(text) > maxCandidate:
		return record.Secret{}, usageError(errors.New("standard input is over 64 KiB: no key"), "sluice scan looks for keys in text")
	case candidate == "":
		return record.Secret{}, usageError(errors.New("standard input is empty"), hint)
	case strings.ContainsAny(candidate, "\r\n"):
		return record.Secret{}, usageError(errors.New("standard input holds more than one line"), "sluice scan looks for keys in text")
	}
	return record.NewSecret(candidate), nil
}
