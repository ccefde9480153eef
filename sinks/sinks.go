// Package sinks is the table of sinks: what --sink, --format and -o name, and
// what makes it. Rows stay "kind: constructor"; logic belongs to the packages.
package sinks

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sort"
	"strings"

	"sluice/internal/kafkaclient"
	"sluice/internal/pipeline"
	"sluice/internal/report"
	"sluice/sinks/gitlab"
	"sluice/sinks/gitleaks"
	"sluice/sinks/html"
	"sluice/sinks/jsonl"
	"sluice/sinks/junit"
	"sluice/sinks/kafka"
	"sluice/sinks/sarif"
	"sluice/sinks/stdout"
	"sluice/sinks/webhook"
)

// Options is what every sink may need.
type Options struct {
	Run     *report.Run
	Rules   []report.Rule
	Root    string // absolute path of the folder that reports name files from
	Commit  string // of the source that a CI job runs for; "": none
	Color   bool
	Width   int
	Log     *slog.Logger    // nil: nobody is told of what is survived
	Follow  bool            // the run has no end: what fails for a while is tried again until it does not
	State   string          // folder that outlives the process, for what waits to be delivered; "": none
	Version string          // of Sluice; "": not told
	Kafka   kafkaclient.Env // where names, passwords and certificates come from
}

// files are the kinds that --sink KIND:PATH names; a URI's path begins with //.
var files = map[string]func(path string, o Options) (pipeline.Sink, error){
	"jsonl": func(path string, o Options) (pipeline.Sink, error) {
		if o.Follow {
			return jsonl.Append(path, o.Run)
		}
		return jsonl.Create(path, o.Run)
	},
	"sarif": func(path string, o Options) (pipeline.Sink, error) {
		return sarif.New(path, sarif.Options{Rules: o.Rules, Run: o.Run, Root: o.Root})
	},
	"junit": func(path string, o Options) (pipeline.Sink, error) {
		return junit.New(path, junit.Options{Rules: o.Rules, Run: o.Run})
	},
	"html": func(path string, o Options) (pipeline.Sink, error) {
		return html.New(path, html.Options{Rules: o.Rules, Run: o.Run})
	},
	"gitlab": func(path string, o Options) (pipeline.Sink, error) {
		return gitlab.New(path, gitlab.Options{Rules: o.Rules, Run: o.Run, Root: o.Root, Commit: o.Commit})
	},
	"kafka": func(path string, o Options) (pipeline.Sink, error) {
		return kafka.OpenFindings("kafka:"+path, o.Kafka, kafka.Config{Log: o.Log, Follow: o.Follow})
	},
	"webhook": func(path string, o Options) (pipeline.Sink, error) {
		return webhook.Open(path, webhook.Env{State: o.State, Follow: o.Follow, Version: o.Version, Rules: o.Rules, Log: o.Log})
	},
	"gitleaks": func(path string, o Options) (pipeline.Sink, error) {
		return gitleaks.Create(path, gitleaks.Options{Rules: o.Rules, Run: o.Run})
	},
}

// documents are the kinds that are one document, written at the end.
var documents = map[string]bool{"sarif": true, "junit": true, "html": true, "gitlab": true, "gitleaks": true}

// streams are the kinds that --format names.
var streams = map[string]func(w io.Writer, o Options) pipeline.Sink{
	"text": func(w io.Writer, o Options) pipeline.Sink {
		return stdout.New(w, stdout.Options{Color: o.Color, Width: o.Width, Rules: o.Rules, Run: o.Run})
	},
	"jsonl": func(w io.Writer, o Options) pipeline.Sink { return jsonl.New(w, o.Run) },
	"gitleaks-json": func(w io.Writer, o Options) pipeline.Sink {
		return gitleaks.New(w, gitleaks.Options{Rules: o.Rules, Run: o.Run})
	},
}

// ErrUnknown says that a kind is none of the table's.
var ErrUnknown = errors.New("unknown kind of sink")

// Open makes the sink that a URI names, KIND:PATH.
func Open(uri string, o Options) (pipeline.Sink, error) {
	kind, path, _ := strings.Cut(uri, ":")
	open, ok := files[kind]
	switch { // a URL may be the credential: it is not repeated
	case kind == "http" || kind == "https":
		return nil, fmt.Errorf("sink %s://…: %w; a receiver of findings is webhook:URL", kind, ErrUnknown)
	case !ok:
		return nil, fmt.Errorf("sink %q: %w: want KIND:PATH; kinds are %s", kind, ErrUnknown, names(files))
	case path == "":
		return nil, fmt.Errorf("sink %q: where to? want %s:PATH", uri, kind)
	}
	if o.Follow && documents[kind] {
		return nil, fmt.Errorf("sink %q: a report that is written when the run ends, and this one has no end; jsonl grows with the findings", uri)
	}
	return open(path, o)
}

// Format makes the sink that writes a format to w.
func Format(format string, w io.Writer, o Options) (pipeline.Sink, error) {
	open, ok := streams[format]
	if !ok {
		return nil, fmt.Errorf("format %q: want one of %s", format, names(streams))
	}
	return open(w, o), nil
}

func names[V any](m map[string]V) string {
	list := make([]string, 0, len(m))
	for name := range m {
		list = append(list, name)
	}
	sort.Strings(list)
	return strings.Join(list, ", ")
}
