package main

import (
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/internal/report"
	"sluice/sinks"
)

// sinkFlags say where findings go.
type sinkFlags struct {
	sarif   string
	sinks   []string
	failOn  string
	noColor bool
}

func (f *sinkFlags) register(flags *pflag.FlagSet, failOn string) {
	flags.StringVar(&f.sarif, "sarif", "", "write a SARIF 2.1.0 report to `FILE`")
	flags.StringArrayVar(&f.sinks, "sink", nil, "another sink, `KIND:PATH` (jsonl, sarif, junit, html, gitlab), webhook:URL or kafka://…/TOPIC; repeatable")
	flags.StringVar(&f.failOn, "fail-on", failOn, "lowest `SEVERITY` that ends with exit code 1: info, low, medium, high, critical")
	flags.BoolVar(&f.noColor, "no-color", false, "no colour, even on a terminal")
}

// threshold is the lowest severity to fail on; none: never.
func (f *sinkFlags) threshold() (record.Severity, error) {
	if f.failOn == "" {
		return record.SeverityNone, nil
	}
	s, err := record.ParseSeverity(f.failOn)
	if err != nil {
		return 0, usageError(fmt.Errorf("--fail-on: %w", err), "")
	}
	return s, nil
}

// color says whether people's text on stdout may have colour.
func (f *sinkFlags) color(a *app) bool {
	return a.stdoutTerminal && !f.noColor && a.env("NO_COLOR") == "" && a.env("TERM") != "dumb"
}

// open makes the sinks beside the primary one.
func (f *sinkFlags) open(o sinks.Options) ([]pipeline.Sink, error) {
	uris := f.sinks
	if f.sarif != "" {
		uris = append([]string{"sarif:" + f.sarif}, uris...)
	}
	var out []pipeline.Sink
	for _, uri := range uris {
		s, err := sinks.Open(uri, o)
		if err != nil {
			return nil, sinkError(err)
		}
		out = append(out, s)
	}
	return out, nil
}

// findings makes the sink of --format, to a file or to standard output.
func (f *sinkFlags) findings(format, path string, stdout io.Writer, o sinks.Options) (pipeline.Sink, error) {
	if path == "" {
		s, err := sinks.Format(format, stdout, o)
		if err != nil {
			return nil, usageError(err, "")
		}
		return s, nil
	}
	o.Color = false
	file, err := report.Create(path)
	if err != nil {
		return nil, usageError(err, "")
	}
	s, err := sinks.Format(format, file, o)
	if err != nil {
		file.Discard()
		return nil, usageError(err, "")
	}
	return sinks.Committing(s, file.Commit), nil
}
