package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"sluice/internal/gate"
	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/internal/report"
	"sluice/rules"
	"sluice/sources"
	"sluice/sources/file"
	"sluice/sources/stdin"
)

// logProbe is gate.LogProbe over SOURCEs, with the pipeline and the detectors
// of scan.
type logProbe struct {
	open  func() ([]pipeline.Source, error)
	rules *rules.Set
	ends  map[record.Origin]record.Mark // where each stream ended when the run began
	files map[string]os.FileInfo        // what stood at the paths of files then

	told      map[string]string // of detection
	detection *detection
}

// newLogProbe reads SOURCEs for the gate. Errors are wrong use.
func newLogProbe(a *app, args []string) (gate.LogProbe, error) {
	if slices.Contains(args, "-") {
		return nil, usageError(errors.New("--logs -: standard input cannot be read twice"), "name a file, a folder or docker://NAME")
	}
	set, err := rules.Load(nil, rules.Options{})
	if err != nil {
		return nil, fmt.Errorf("load rules: %w", err)
	}
	o := sources.Options{Stdin: a.stdin, Log: a.log, Following: sources.Following{Env: a.env}}
	p := &logProbe{rules: set, open: func() ([]pipeline.Source, error) { return sources.Open(args, o) }}
	if _, err := p.open(); err != nil {
		return nil, usageError(err, "")
	}
	return p, nil
}

// Begin reads every source to its present end, without looking at what is there.
func (p *logProbe) Begin(ctx context.Context) error {
	list, err := p.open()
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errors.New("no source was found")
	}
	p.ends, p.files = map[record.Origin]record.Mark{}, map[string]os.FileInfo{}
	var mu sync.Mutex
	for _, s := range list {
		err := s.Run(ctx, func(b record.Batch) error {
			mu.Lock()
			defer mu.Unlock()
			p.ends[b.Origin] = b.End
			if _, seen := p.files[b.Origin.Name]; b.Origin.Kind == file.Kind && !seen {
				p.files[b.Origin.Name], _ = os.Stat(b.Origin.Name) // gone already: rotated
			}
			return ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Examine runs a text through the pipeline as if it had been read.
func (p *logProbe) Examine(ctx context.Context, text string, secrets map[string]string) ([]gate.Leak, error) {
	d, err := p.detect(secrets)
	if err != nil {
		return nil, err
	}
	found, stats := &leakSink{}, &pipeline.Stats{}
	if err := p.run(ctx, d, []pipeline.Source{stdin.New(stdin.Config{Input: strings.NewReader(text)})}, found, stats); err != nil {
		return nil, err
	}
	if n := stats.Withheld.Load(); n > 0 {
		return found.leaks, errors.New(report.Plural(n, "record was", "records were") + " withheld")
	}
	return found.leaks, nil
}

// Collect examines what was logged since Begin.
func (p *logProbe) Collect(ctx context.Context, markers []string, secrets map[string]string) (gate.LogReading, error) {
	d, err := p.detect(secrets)
	if err != nil {
		return gate.LogReading{}, err
	}
	list, err := p.open()
	if err != nil {
		return gate.LogReading{}, err
	}
	ends, unread := p.notRotated()
	since := &sinceBegin{ends: ends, markers: markers, streams: map[record.Origin]*gate.LogStream{}}
	for i, s := range list {
		list[i] = &newerSource{Source: s, since: since}
	}
	found, stats := &leakSink{}, &pipeline.Stats{}
	if err := p.run(ctx, d, list, found, stats); err != nil {
		return gate.LogReading{}, err
	}
	for _, u := range stats.Unread() {
		unread = append(unread, u.String())
	}
	if n := stats.Withheld.Load(); n > 0 {
		unread = append(unread, report.Plural(n, "record was", "records were")+" withheld")
	}
	r := gate.LogReading{Leaks: found.leaks, Unread: strings.Join(unread, "; ")}
	for _, s := range since.streams {
		r.Streams = append(r.Streams, *s)
	}
	slices.SortFunc(r.Streams, func(a, b gate.LogStream) int { return strings.Compare(a.Name, b.Name) })
	return r, nil
}

// notRotated is the marks that still mean something. A file that another took
// the place of, or that was cut, is new as a whole, and what it held in between
// is out of reach.
func (p *logProbe) notRotated() (ends map[record.Origin]record.Mark, rotated []string) {
	ends = maps.Clone(p.ends)
	for origin, end := range p.ends {
		before, isFile := p.files[origin.Name]
		if !isFile {
			continue
		}
		now, err := os.Stat(origin.Name)
		if err != nil || before == nil || !os.SameFile(before, now) || now.Size() < end.Offset {
			delete(ends, origin)
			rotated = append(rotated, streamName(origin)+" was rotated while the gate ran")
		}
	}
	slices.Sort(rotated)
	return ends, rotated
}

// detect is the detection that is told the secrets; it is kept while they stay
// the same, for the gate looks at the logs once a second.
func (p *logProbe) detect(secrets map[string]string) (*detection, error) {
	if p.detection != nil && maps.Equal(p.told, secrets) {
		return p.detection, nil
	}
	var told []namedSecret
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		told = append(told, namedSecret{name: name, value: record.NewSecret(secrets[name]), asked: true})
	}
	d, err := newDetection(detectionConfig{rules: p.rules, told: told})
	if err != nil {
		return nil, fmt.Errorf("prepare detectors: %w", err)
	}
	p.told, p.detection = maps.Clone(secrets), d
	return d, nil
}

func (p *logProbe) run(ctx context.Context, d *detection, list []pipeline.Source, sink pipeline.Sink, stats *pipeline.Stats) error {
	cfg := d.pipeline()
	cfg.Sources, cfg.Sink, cfg.Stats, cfg.Jobs = list, sink, stats, runtime.GOMAXPROCS(0)
	cfg.FindingsOnly = true
	return pipeline.Run(ctx, ctx, cfg)
}

// leakSink keeps what was found.
type leakSink struct {
	mu    sync.Mutex
	leaks []gate.Leak
}

func (s *leakSink) Write(_ context.Context, ds []record.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range ds {
		for j := range ds[i].Findings {
			f := &ds[i].Findings[j]
			s.leaks = append(s.leaks, gate.Leak{Rule: f.Rule, Name: f.Name, Severity: f.Severity.String(), Stream: streamName(f.Origin),
				Line: f.Pos.Line, Encoding: string(f.Encoding), Whole: f.Whole, Context: f.Context})
		}
	}
	return nil
}

func (s *leakSink) Close(context.Context) error { return nil }

// streamName is what a stream is called in the report.
func streamName(o record.Origin) string { return report.Place(o) }

// processName is what belongs to one process: a container's two streams, or
// files that differ in the word for the stream alone.
func processName(o record.Origin) string {
	return o.Kind + ":" + strings.NewReplacer("stderr", "stdout").Replace(o.Name)
}
