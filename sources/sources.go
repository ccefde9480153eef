// Package sources is the table of sources: what a SOURCE on the command line
// names, and what makes it. Rows stay "kind: constructor"; logic belongs to
// the packages.
package sources

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"sluice/internal/kafkaclient"
	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/sources/archive"
	"sluice/sources/docker"
	"sluice/sources/file"
	"sluice/sources/kafka"
	"sluice/sources/stdin"
)

// Stdin is the SOURCE that names standard input.
const Stdin = "-"

// Options is what a source may need.
type Options struct {
	Stdin   io.Reader
	Archive archive.Config
	Except  string // absolute path of a folder that is not read: the command's own output; "": none
	Log     *slog.Logger
	Follow  bool            // go on where the source ends now
	Range   Range           // of the transport's time, for sources that can use it; Within does the rest
	Kafka   kafkaclient.Env // where names, passwords and certificates come from
	Following

	marks []record.Mark   // of the source that is being made: where it goes on
	state json.RawMessage // of the same: what else it asked to be kept
}

// schemes are the kinds that KIND://… names.
var schemes = map[string]func(uri string, o Options) (pipeline.Source, error){
	docker.Kind: openDocker,
	"kafka": func(uri string, o Options) (pipeline.Source, error) {
		return kafka.Open(uri, o.Kafka, kafka.Config{Follow: o.Follow, Since: o.Range.Since, Until: o.Range.Until, Log: o.Log})
	},
}

// Open makes the sources that args name, in their order. Files that follow one
// another are one source.
func Open(args []string, o Options) ([]pipeline.Source, error) {
	var out []pipeline.Source
	var paths []string
	flush := func() {
		if len(paths) > 0 {
			out = append(out, file.New(file.Config{Paths: paths, Except: o.Except, Archive: o.Archive, Log: o.Log}))
			paths = nil
		}
	}
	for _, arg := range args {
		scheme, _, isURI := strings.Cut(arg, "://")
		switch {
		case arg == Stdin:
			flush()
			out = append(out, stdin.New(stdin.Config{Input: o.Stdin, Archive: o.Archive}))
		case isURI:
			flush()
			open, ok := schemes[scheme]
			if !ok {
				return nil, fmt.Errorf("source %s://…: no such kind of source", scheme)
			}
			src, err := open(arg, o)
			if err != nil {
				return nil, err
			}
			out = append(out, src)
		default:
			paths = append(paths, arg)
		}
	}
	flush()
	return out, nil
}

// openDocker makes a source of containers. What the URI says of a first start
// counts before the backlog of all sources.
func openDocker(uri string, o Options) (pipeline.Source, error) {
	cfg, err := docker.Parse(uri)
	if err != nil {
		return nil, err
	}
	cfg.Marks, cfg.State = o.marks, o.state
	cfg.Follow, cfg.Env, cfg.OnEnv, cfg.Log = o.Follow, o.Env, o.OnEnv, o.Log
	if cfg.Since.IsZero() && cfg.Tail == docker.All {
		cfg.Since = o.Backlog.Since
		if o.Backlog.None {
			cfg.Tail = docker.None
		}
	}
	if o.OnGap != nil {
		cfg.OnGap = func(g docker.Gap) { o.OnGap(g.Container, g.String()) }
	}
	return docker.New(cfg), nil
}
