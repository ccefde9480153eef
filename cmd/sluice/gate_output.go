package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"sluice/internal/gate"
	"sluice/internal/gate/matrix"
	"sluice/internal/record"
	"sluice/internal/report"
)

// gateOutput says where the report goes and in which forms.
type gateOutput struct {
	format, path, sarif, failOn string
	sinks                       []string
}

func (o *gateOutput) register(flags *pflag.FlagSet) {
	flags.StringVar(&o.format, "format", "text", strings.Join(matrix.Formats(), ", "))
	flags.StringVarP(&o.path, "output", "o", "", "write the report to `FILE`")
	flags.StringVar(&o.sarif, "sarif", "", "write a SARIF 2.1.0 report to `FILE`")
	flags.StringArrayVar(&o.sinks, "sink", nil, "another report, `FORMAT:PATH`; repeatable")
	flags.StringVar(&o.failOn, "fail-on", "low", "lowest `SEVERITY` of a failed check that ends with exit code 1")
}

// gateFile is a report to be written to a file.
type gateFile struct{ format, path string }

func (o *gateOutput) files() []gateFile {
	var files []gateFile
	if o.path != "" {
		files = append(files, gateFile{o.format, o.path})
	}
	if o.sarif != "" {
		files = append(files, gateFile{"sarif", o.sarif})
	}
	for _, uri := range o.sinks {
		format, path, _ := strings.Cut(uri, ":")
		files = append(files, gateFile{format, path})
	}
	return files
}

// check finds what is wrong with the outputs before anything is sent.
func (o *gateOutput) check() (record.Severity, error) {
	threshold, err := record.ParseSeverity(o.failOn)
	if err != nil {
		return 0, usageError(fmt.Errorf("--fail-on: %w", err), "")
	}
	for _, f := range append(o.files(), gateFile{format: o.format, path: "-"}) {
		if !slices.Contains(matrix.Formats(), f.format) || f.path == "" {
			return 0, usageError(fmt.Errorf("report %q: want FORMAT:PATH, with one of the formats %s", f.format+":"+f.path, strings.Join(matrix.Formats(), ", ")), "")
		}
		if f.path != "-" {
			if err := report.Check(f.path); err != nil {
				return 0, usageError(err, "")
			}
		}
	}
	return threshold, nil
}

func (o *gateOutput) write(stdout io.Writer, r *gate.Report, scrub *gate.Scrubber) error {
	for _, f := range o.files() {
		if err := report.WriteFile(f.path, func(w *bufio.Writer) error { return matrix.Write(w, f.format, r, scrub) }); err != nil {
			return err
		}
	}
	if o.path != "" {
		return nil
	}
	return matrix.Write(stdout, o.format, r, scrub)
}
