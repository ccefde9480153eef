package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/pipeline"
	"sluice/internal/report"
	"sluice/sinks"
	"sluice/sinks/clean"
	"sluice/sources"
)

func newRedactCommand(a *app) *cobra.Command {
	var f passFlags
	var live copyFlags
	var output string
	cmd := &cobra.Command{
		Use:   "redact [SOURCE...]",
		Short: "Pass logs on with every secret taken out",
		Long: "Reads files, folders, globs, archives or standard input (-) and writes them with [sluice:RULE:PRINT] in place of\n" +
			"every secret; all other bytes are unchanged. -o DIR/ keeps the tree, names, compression, mode and time; a new\n" +
			"-o FILE is readable for nobody who may not read the inputs.\n\n" +
			"Exit codes: 0 all passed on, 2 wrong use, 3 something was withheld or could not be read, 130 interrupted;\n" +
			"1 secrets found, with --fail-on only.",
		RunE: func(cmd *cobra.Command, args []string) error {
			args, err := sourceArgs(a, args)
			if err != nil {
				return err
			}
			if err := live.checkUse(cmd.Flags(), &f.kafka); err != nil {
				return err
			}
			f.detect.requiredMet = true
			if f.kafka.follow && f.kafka.to == "" {
				return live.follow(cmd.Context(), a, &f, args, output)
			}
			first, err := f.cleanTo(cmd.Context(), a, args, output)
			if err != nil {
				return err
			}
			if f.kafka.follow {
				return f.follow(cmd.Context(), a, args, first)
			}
			j, err := f.prepare(cmd.Context(), a, args)
			if err != nil {
				return err
			}
			if j.keysMissing != nil {
				j.stopProgress()
				return j.keysMissing // not a byte is passed on that was not examined as asked
			}
			o, err := f.options(a, j)
			if err != nil {
				return err
			}
			more, err := f.more(j, o)
			if err != nil {
				return err
			}
			j.sink = primary(first, more)
			return j.do(cmd.Context())
		},
	}
	f.register(cmd.Flags(), "")
	f.kafka.register(cmd.Flags())
	registerLag(cmd.Flags(), &f.maxLag)
	live.register(cmd.Flags())
	cmd.Flags().StringVarP(&output, "output", "o", "", "write clean bytes to `FILE`, or to DIR/ with the tree of the inputs")
	return cmd
}

// cleanTo makes the sink of the clean bytes.
func (f *passFlags) cleanTo(ctx context.Context, a *app, args []string, output string) (pipeline.Sink, error) {
	switch ours, err := f.kafka.checkCopy(a, &f.detect, args, output); {
	case err != nil:
		return nil, err
	case ours:
		return f.kafka.copies(ctx, a)
	case output == "":
		return clean.New(a.stdout), nil
	case isFolder(output):
		if len(args) == 1 && args[0] == sources.Stdin {
			return nil, usageError(errors.New("-o names a folder, and standard input has no name to write there"), "name a file: -o DIR/FILE")
		}
		tree := clean.NewTree(strings.TrimRight(output, "/"), commonFolder(args))
		f.archive.OnEntry = tree.Enter
		var err error
		if f.except, err = filepath.Abs(output); err != nil {
			return nil, incompleteError(fmt.Errorf("find the output folder: %w", err), "")
		}
		return tree, nil
	case len(args) > 1 || len(folders(args)) > 0:
		return nil, usageError(errors.New("several inputs cannot go to one file"), "name a folder: -o "+output+"/")
	}
	file, err := report.CreateUpTo(output, copyMode(args))
	if err != nil {
		return nil, usageError(err, "")
	}
	return sinks.Committing(clean.New(file), func() error {
		// Half a copy of a file looks like the whole; of a pipe there is no other.
		if f.job != nil && f.job.interrupted && args[0] != sources.Stdin {
			file.Discard()
			return nil
		}
		return file.Commit()
	}), nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return strings.HasSuffix(path, "/") || err == nil && info.IsDir()
}
