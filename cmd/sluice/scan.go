package main

import (
	"github.com/spf13/cobra"

	"sluice/sinks/annotations"
)

func newScanCommand(a *app) *cobra.Command {
	var f passFlags
	var format, output string
	cmd := &cobra.Command{
		Use:   "scan [SOURCE...]",
		Short: "Report every secret in logs, one pass",
		Long: "Reads files, folders, globs, archives or standard input (-) once and reports every secret in them.\n\n" +
			"Exit codes: 0 clean, 1 secrets found, 2 wrong use, 3 something could not be read or examined, 130 interrupted.",
		RunE: func(cmd *cobra.Command, args []string) error {
			args, err := sourceArgs(a, args)
			if err != nil {
				return err
			}
			j, err := f.prepare(cmd.Context(), a, args)
			if err != nil {
				return err
			}
			if err := f.scanTo(a, j, format, output); err != nil {
				return err
			}
			return j.do(cmd.Context())
		},
	}
	f.register(cmd.Flags(), "low")
	cmd.Flags().BoolVar(&f.detect.honorAllow, "honor-allow-comments", false, "let gitleaks:allow on a line hide what is there; for files whose writer you trust")
	cmd.Flags().StringVar(&format, "format", "text", "text, jsonl or gitleaks-json")
	cmd.Flags().StringVarP(&output, "output", "o", "", "write findings to `FILE`")
	return cmd
}

// scanTo gives the job its sinks.
func (f *passFlags) scanTo(a *app, j *job, format, output string) error {
	o, err := f.options(a, j)
	if err != nil {
		return err
	}
	o.Color = f.out.color(a)
	more, err := f.more(j, o)
	if err != nil {
		return err
	}
	if kind := annotations.Detect(a.lookupEnv); kind != annotations.None {
		w := a.stdout
		if format != "text" && output == "" {
			w = a.stderr // build servers read commands there too, and stdout is for a program
		}
		more = append(more, annotations.New(w, annotations.Options{Kind: kind, Root: o.Root, Run: j.run}))
	}
	first, err := f.out.findings(format, output, a.stdout, o)
	if err != nil {
		return err
	}
	j.sink, j.findingsOnly = primary(first, more), true
	return nil
}
