package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/sinks"
	"sluice/sinks/jsonl"
	"sluice/sources"
)

// watchFlags are those of watch.
type watchFlags struct {
	passFlags
	format, output string
	stateDir       string
	listen         string
	backlog        string
	canary         time.Duration
}

func newWatchCommand(a *app) *cobra.Command {
	var f watchFlags
	cmd := &cobra.Command{
		Use:   "watch [SOURCE...]",
		Short: "Follow logs for ever and report every secret in them",
		Long: "Follows files and globs through rotation, containers (docker://NAME-GLOB) and topics (kafka://HOST/TOPIC) and reports\n" +
			"every secret. With --state-dir it goes on where it stopped, also after a crash. It reports and does not change what\n" +
			"is stored: what docker logs holds stays raw. sluice exec redacts before anyone stores.\n\n" +
			"SIGTERM or SIGINT: what was read is delivered, at most 10 s; a second one ends at once. SIGHUP: rules, secrets files,\n" +
			"baseline and ignore file are read again; on an error the old ones stay.\n\n" +
			"Exit codes: 0 stopped cleanly, 2 wrong use, 3 something could not be read or delivered; 1 secrets found, with --fail-on only.",
		RunE: func(cmd *cobra.Command, args []string) error {
			args, err := sourceArgs(a, args)
			if err != nil {
				return err
			}
			return f.watch(cmd, a, args)
		},
	}
	flags := cmd.Flags()
	f.detect.register(flags)
	f.gateway.register(flags)
	f.out.register(flags, "")
	flags.StringVar(&f.format, "format", "text", "text or jsonl, to standard output")
	flags.StringVarP(&f.output, "output", "o", "", "append findings to `FILE` as jsonl, instead of standard output")
	flags.StringVar(&f.stateDir, "state-dir", "", "`DIR` of ours alone that keeps positions and the key of the prints")
	fromEnv(flags, "state-dir", "SLUICE_STATE_DIR")
	registerListen(flags, &f.listen, "")
	registerLag(flags, &f.maxLag)
	flags.StringVar(&f.backlog, "backlog", "all", "what a first start reads of what is there: all, none, or since=`TIME`")
	flags.DurationVar(&f.canary, "canary", 0, "so often, send a harmless false key through each --gateway's log and want it back as a finding; 0: never")
	flags.IntVar(&f.jobs, "jobs", 0, "workers; 0: one a core")
	return cmd
}

// check finds wrong use before anything is opened.
func (f *watchFlags) check() error {
	switch {
	case f.canary != 0 && f.canary < minCanary:
		return usageError(fmt.Errorf("--canary %v: want %v or more", f.canary, minCanary), "")
	case f.canary != 0 && len(f.gateway.urls) == 0:
		return usageError(errors.New("--canary needs a --gateway to send through"), "")
	case f.detect.writeBaseline != "":
		return usageError(errors.New("--write-baseline: watch has no end to write it at"), "make one with sluice scan")
	case f.format != "text" && f.format != "jsonl":
		return usageError(fmt.Errorf("--format %q: watch writes text or jsonl", f.format), "")
	}
	return nil
}

// watch follows until it is told to stop.
func (f *watchFlags) watch(cmd *cobra.Command, a *app, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	if err := f.detect.checkKafka(a, args); err != nil {
		return err
	}
	backlog, err := sources.ParseBacklog(f.backlog, func(text string) (time.Time, error) { return parseTime(text, time.Now()) })
	if err != nil {
		return usageError(fmt.Errorf("--backlog: %w", err), "")
	}
	if err := defaultLevel(cmd.Flags(), a, "info"); err != nil { // the hourly word is below a warning
		return err
	}
	s, err := openState(f.stateDir, a.log)
	if err != nil {
		return err
	}
	if f.stateDir == "" {
		a.log.Warn("without --state-dir a restart reads everything again")
	}
	err = f.run(cmd.Context(), a, s, args, backlog)
	if closed := s.close(); err == nil && closed != nil {
		err = incompleteError(closed, "")
	}
	return err
}

func (f *watchFlags) run(ctx context.Context, a *app, s *state, args []string, backlog sources.Backlog) error {
	w, err := newFollowing(a, &f.passFlags, s)
	if err != nil {
		return err
	}
	if err := f.addSinks(a, w); err != nil {
		return err
	}
	if f.canary > 0 {
		w.addCanary(f.canary)
	}
	o := w.sourceOptions(ctx, a, &f.passFlags, backlog)
	o.Never = f.writes
	if err := w.addSources(args, o, s.track); err != nil {
		return err
	}
	return w.follow(ctx, f.listen, false)
}

// addSinks makes the sinks; those whose report is one document are refused.
func (f *watchFlags) addSinks(a *app, w *following) error {
	o, err := f.options(a, w.job)
	if err != nil {
		return err
	}
	o.Follow, o.State, o.Color = true, f.stateDir, f.out.color(a)
	more, err := f.out.open(o)
	if err != nil {
		return err
	}
	first, err := sinks.Format(f.format, a.stdout, o)
	if err == nil && f.output != "" {
		first, err = jsonl.Append(f.output, w.job.run)
	}
	if err != nil {
		return usageError(err, "")
	}
	w.findingsOnly = true
	w.addSink(first, more)
	w.watchSinks(more)
	return nil
}

// writes says that a file is one of our own outputs: a findings file in a folder
// that is followed would be read for ever.
func (f *watchFlags) writes(info fs.FileInfo) bool {
	paths := []string{f.output}
	for _, uri := range f.out.sinks {
		if _, path, ok := strings.Cut(uri, ":"); ok {
			paths = append(paths, path)
		}
	}
	return slices.ContainsFunc(paths, func(path string) bool {
		own, err := os.Stat(path)
		return err == nil && os.SameFile(own, info)
	})
}
