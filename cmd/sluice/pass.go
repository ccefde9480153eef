package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sluice/internal/pipeline"
	"sluice/internal/report"
	"sluice/sinks"
	"sluice/sources"
	"sluice/sources/archive"
)

// passFlags are what scan and redact have in common: one pass over sources.
type passFlags struct {
	detect     detectFlags
	gateway    gatewayFlags
	out        sinkFlags
	archive    archive.Config
	jobs       int
	noProgress bool
	since      string
	until      string
	kafka      kafkaFlags
	maxLag     time.Duration // when following
	except     string        // folder of the copies, not to be read; "": none
	job        *job          // once it is prepared
}

func (f *passFlags) register(flags *pflag.FlagSet, failOn string) {
	f.detect.register(flags)
	f.gateway.register(flags)
	f.out.register(flags, failOn)
	flags.IntVar(&f.archive.Depth, "max-archive-depth", archive.DefaultDepth, "layers of compression and archives to open")
	flags.Int64Var(&f.archive.Total, "max-archive-bytes", archive.DefaultTotal, "bytes that one input may unpack to")
	flags.Int64Var(&f.archive.Ratio, "max-archive-ratio", archive.DefaultRatio, "bytes that one byte of an archive may unpack to")
	flags.IntVar(&f.jobs, "jobs", 0, "workers; 0: one a core")
	flags.BoolVar(&f.noProgress, "no-progress", false, "no progress bar, even on a terminal")
	flags.StringVar(&f.since, "since", "", "only what was logged at `TIME` or later: RFC 3339, a date, or a duration before now (24h)")
	flags.StringVar(&f.until, "until", "", "only what was logged before `TIME`; end, which is the default: as far as the source goes now")
}

// prepare makes the job but for its sink. What could not be had and does not
// end the job at once is in job.run.Errors.
func (f *passFlags) prepare(ctx context.Context, a *app, args []string) (*job, error) {
	j := &job{run: newRun(), stats: &pipeline.Stats{}, jobs: f.jobs}
	f.job = j
	if err := f.checkNumbers(); err != nil {
		return nil, err
	}
	var err error
	if j.threshold, err = f.out.threshold(); err != nil {
		return nil, err
	}
	span, err := f.span(time.Now())
	if err != nil {
		return nil, err
	}
	if err := f.detect.checkKafka(a, args); err != nil {
		return nil, err
	}
	access, missing := f.gateway.open(a)
	if missing != nil && !keysMissing(missing) {
		return nil, missing
	}
	keys, fetched := access.fetch(ctx)
	if fetched != nil && !keysMissing(fetched) {
		return nil, fetched
	}
	j.keysMissing = joinMissing([]error{missing, fetched})
	startPass(a)
	if j.detection, err = f.detect.load(a, folders(args), keys, access.master); err != nil {
		return nil, err
	}
	continuePass(a, keys.Len())
	j.detection.learnCredential(access)
	j.detection.ask = access.resolver(nil)
	j.sources, err = sources.Open(args, sources.Options{
		Stdin: a.stdin, Archive: f.archive, Except: f.except, Log: a.log, Range: span, Kafka: kafkaEnv(a),
		Following: sources.Following{Env: a.env, OnEnv: f.detect.environments(j.detection)},
	})
	if err != nil {
		return nil, usageError(err, "")
	}
	j.stopProgress = showProgress(a, j.sources, f.noProgress)
	for i := range j.sources {
		j.sources[i] = sources.Within(j.sources[i], span)
	}
	return j, nil
}

// options is what sinks need of a job.
func (f *passFlags) options(a *app, j *job) (sinks.Options, error) {
	root, err := os.Getwd()
	if err != nil {
		return sinks.Options{}, incompleteError(fmt.Errorf("find the current folder: %w", err), "")
	}
	return sinks.Options{
		Run: j.run, Version: version(), Rules: j.detection.rules, Root: root, Commit: a.env("CI_COMMIT_SHA"),
		Log: a.log, Follow: f.kafka.follow, Kafka: kafkaEnv(a),
	}, nil
}

// more makes the sinks beside the first one.
func (f *passFlags) more(j *job, o sinks.Options) ([]pipeline.Sink, error) {
	more, err := f.out.open(o)
	if err != nil {
		return nil, err
	}
	if path := f.detect.writeBaseline; path != "" {
		if err := report.Check(path); err != nil {
			return nil, usageError(err, "")
		}
		more = append(more, newBaselineSink(path, j.detection.current.Load().known.baseline))
	}
	return more, nil
}

// checkNumbers finds those that mean nothing.
func (f *passFlags) checkNumbers() error {
	return cmp.Or(
		atLeast("--jobs", int64(f.jobs), 0),
		atLeast("--max-archive-depth", int64(f.archive.Depth), 1),
		atLeast("--max-archive-bytes", f.archive.Total, 1),
		atLeast("--max-archive-ratio", f.archive.Ratio, 1),
	)
}

func atLeast(flag string, value, least int64) error {
	if value >= least {
		return nil
	}
	return usageError(fmt.Errorf("%s: %d: want %d or more", flag, value, least), "")
}

func (f *passFlags) span(now time.Time) (r sources.Range, err error) {
	for _, end := range []struct {
		flag, text string
		to         *time.Time
	}{{"--since", f.since, &r.Since}, {"--until", f.until, &r.Until}} {
		if end.text == "" || end.flag == "--until" && end.text == "end" {
			continue
		}
		if *end.to, err = parseTime(end.text, now); err != nil {
			return r, usageError(fmt.Errorf("%s: %w", end.flag, err), "")
		}
	}
	if !r.Since.IsZero() && !r.Until.IsZero() && !r.Since.Before(r.Until) {
		return r, usageError(errors.New("--until: not after --since, so nothing lies between"), "")
	}
	return r, nil
}

// parseTime reads RFC 3339, a date, or a duration before now.
func parseTime(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: want 2026-01-21T09:14:03Z, 2026-01-21, or 24h for a day ago", text)
}

// sourceArgs is what to read when nothing is named.
func sourceArgs(a *app, args []string) ([]string, error) {
	if len(args) > 0 {
		return args, nil
	}
	if a.stdinTerminal {
		return nil, usageError(errors.New("nothing to read: no SOURCE named, and standard input is a terminal"),
			"name a file, a folder or a glob, or pipe a log in")
	}
	return []string{sources.Stdin}, nil
}

// folders are the sources that are folders.
func folders(args []string) (out []string) {
	for _, arg := range args {
		if info, err := os.Stat(arg); err == nil && info.IsDir() {
			out = append(out, arg)
		}
	}
	return out
}

// commonFolder is the deepest folder that holds all files that args name.
func commonFolder(args []string) string {
	var common []string
	for i, arg := range args {
		dir := filepath.Clean(arg)
		if at := strings.IndexAny(dir, "*?["); at >= 0 {
			dir = filepath.Dir(dir[:at] + "x")
		} else if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			dir = filepath.Dir(dir)
		}
		parts := strings.Split(dir, string(filepath.Separator))
		if i == 0 {
			common = parts
			continue
		}
		n := 0
		for n < len(common) && n < len(parts) && common[n] == parts[n] {
			n++
		}
		common = common[:n]
	}
	switch {
	case len(common) == 1 && common[0] == "":
		return string(filepath.Separator)
	case len(common) == 0:
		return "."
	}
	return strings.Join(common, string(filepath.Separator))
}
