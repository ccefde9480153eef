package sources

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"sluice/internal/logtime"
	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/sources/file"
	"sluice/sources/stdin"
)

// Files is the name of the source that reads all files that are followed.
const Files = "files"

// Following is what Options says to sources that follow.
type Following struct {
	// Resume gives the marks that a source of that name left, and what else it
	// asked to be kept. nil: nothing was kept.
	Resume  func(name string) ([]record.Mark, json.RawMessage)
	Backlog Backlog
	// OnGap is told what is missing of a place, in words of ours. nil: nobody.
	OnGap func(place, reason string)
	// OnEnv is told the environment of a container, "NAME=value", before a line
	// of it is read. nil: nobody asks.
	OnEnv func(container string, env []string)
	Env   func(string) string // of this process, for DOCKER_HOST and its kin
	// Never says that a file is not to be read, whatever names it: an output of
	// ours. nil: all are.
	Never func(fs.FileInfo) bool
}

// Backlog is what a first start reads of what is there: all (the zero value),
// nothing, or what was logged since a time.
type Backlog struct {
	None  bool
	Since time.Time
}

// ParseBacklog reads all, none, or since=TIME; when reads a TIME.
func ParseBacklog(text string, when func(string) (time.Time, error)) (b Backlog, err error) {
	since, isSince := strings.CutPrefix(text, "since=")
	switch {
	case text == "" || text == "all":
	case text == "none":
		b.None = true
	case isSince:
		b.Since, err = when(since)
	default:
		err = fmt.Errorf("%q: want all, none or since=TIME", text)
	}
	return b, err
}

// Named is a source under the name that its marks are kept by.
type Named struct {
	Name string
	pipeline.Source
}

// Follow makes the sources that args name, to be read for ever. All files are
// one source; order among sources has no meaning.
func Follow(args []string, o Options) ([]Named, error) {
	o.Follow = true
	resume := func(name string) ([]record.Mark, json.RawMessage) {
		if o.Resume == nil {
			return nil, nil
		}
		return o.Resume(name)
	}
	var out []Named
	var paths []string
	for _, arg := range args {
		switch scheme, _, isURI := strings.Cut(arg, "://"); {
		case arg == Stdin:
			out = append(out, Named{arg, stdin.New(stdin.Config{Input: o.Stdin, Archive: o.Archive})})
		case isURI:
			open, ok := schemes[scheme]
			if !ok {
				return nil, fmt.Errorf("source %s://…: no such kind of source", scheme)
			}
			o.marks, o.state = resume(arg)
			src, err := open(arg, o)
			if err != nil {
				return nil, err
			}
			out = append(out, Named{arg, src})
		default:
			paths = append(paths, arg)
		}
	}
	if len(paths) > 0 {
		cfg := file.Config{Paths: paths, Archive: o.Archive, Log: o.Log, Follow: true}
		cfg.Marks, cfg.State = resume(Files)
		cfg.Never = o.Never
		cfg.Backlog = file.Backlog{None: o.Backlog.None, Since: o.Backlog.Since, Time: logtime.Parse}
		if o.OnGap != nil {
			cfg.OnGap = func(g file.Gap) { o.OnGap(g.Path, fmt.Sprintf("behind byte %d: %s", g.Offset, g.Reason)) }
		}
		out = append(out, Named{Files, file.New(cfg)})
	}
	return out, nil
}
