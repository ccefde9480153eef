// Package docker reads the logs of containers through the Engine API.
//
// The promise: every line of the matched containers that the daemon still holds
// is emitted once and in its stream's order, across rotation, cut and hanging
// connections, and restarts of container and daemon; from Config.Marks on it is
// so across restarts of Sluice too. Where the daemon no longer holds what should
// come next, a Gap says so. Following never gives up: Run ends with its context.
//
// A batch's text is what the container wrote, as the daemon kept it: without
// the 8-byte frame headers and the time stamps, which are in Record.Time, with
// the 16 KiB pieces of a long line put together again. Daemons before 23 with
// the "local" driver drop the line end of a line in pieces, and an entry that a
// container left unfinished has none: behind both stands a "\n", unless it is
// the last entry of a log read in one pass. There are no byte offsets (Base is
// -1); Line counts a stream's lines where reading began with the first one held.
//
// Position is by the order of the daemon's file, not by time alone: Mark.Offset
// is the highest stamp in Unix nanoseconds, Mark.Sub how many messages of the
// stream were taken from the first one with that stamp on. Messages with equal
// stamps, and stamps that go back because a clock was set, are counted, not
// compared. What follow=1 delivers is believed only where it goes on in step;
// in any doubt a request without follow, which sees a whole snapshot of the
// files, decides. A silence long enough for a file to be filled and rotated away
// is such a doubt. Follow alone loses and doubles lines at rotation. With
// Config.File the daemon's own files are both snapshot and connection, and each is
// held open from when it is made until one behind it was read, so that rotation
// takes nothing: up to 256 MiB of what the daemon has removed.
//
// The limits: what a driver in non-blocking mode drops, and what rotation takes
// between two requests, is gone; the latter is reported, and so is a place that the
// daemon cannot read, as a killed one leaves it. What was rotated away before a
// container was seen first is not. json-file replaces
// bytes that are no UTF-8, and so does a daemon that sends NDJSON. A line over
// 1 MiB is cut as in internal/lines; its mark may name a piece that the cut
// divides, so that a crash there reads up to 16 KiB again. When the daemon's
// clock was set back by more than a second, whole logs are read again until it
// has caught up. On a terminal (TTY) nothing shows the end of a message that has
// no line end: an unfinished last line of one run is one line with the first of
// the next, its stamp between them. Where a driver drops the line end of pieces,
// the daemon is asked for each stamp in the text whether it is one of its own, a
// hundred times an answer. Only GET requests are made: /_ping, /version, /events,
// /containers/json, /containers/ID/json and /containers/ID/logs, and /info with
// Config.File, so a read-only socket proxy suffices.
package docker

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"time"

	"sluice/internal/record"
)

// Kind is what batches carry as Origin.Kind.
const Kind = "docker"

// Tail says how much of what a container had logged before is read, in messages
// of both its streams.
type Tail int

// All is the default; None leaves out what was logged before the first start.
const (
	All  Tail = 0
	None Tail = -1
)

// Config says which containers to read, and from where. Parse makes one.
type Config struct {
	// Name is a glob (path.Match) of container names; Labels are "key=value" or
	// "key", and all must hold.
	Name   string
	Labels []string
	// Since and Tail bound what is read of a container that is there at the
	// start and has no mark. Containers that come later are read whole.
	Since time.Time
	Tail  Tail
	// Follow reads until the context ends; else what the daemon holds is read
	// once.
	Follow bool
	// Marks are positions to go on from, as batches carried them in End.
	Marks []record.Mark
	// State is what Source.State gave when the marks were stored.
	State json.RawMessage
	// Env reads the environment: DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_TLS,
	// DOCKER_CERT_PATH, DOCKER_CONFIG, DOCKER_API_VERSION, HOME. nil: all empty.
	Env func(string) string
	// File reads logs of the json-file driver where the daemon writes them, in
	// Folder: the daemon's containers folder as it is mounted here; "": where the
	// daemon has it. Other logs, and those that are not there, are asked for.
	File   bool
	Folder string
	// Self is the id of the container that Sluice runs in, which is never read.
	// "": found out from /proc.
	Self string
	// OnEnv is told the environment of each container, "NAME=value", before a
	// line of it is emitted, once per container. The strings are secrets and are
	// not kept. May be called from several goroutines. nil: nobody asks.
	OnEnv func(container string, env []string)
	// OnGap is told what is missing. May be called from several goroutines.
	OnGap func(Gap)
	// Log gets what a user should know and nothing of a container's text.
	// nil: nobody.
	Log *slog.Logger
}

// Gap says that lines are missing: the daemon no longer had what follows After.
// How many is not known.
type Gap struct {
	Container string // name
	ID        string
	After     time.Time // stamp of the last line read; zero: unknown
	Before    time.Time // stamp of the first line behind the gap; zero: unknown
	Reason    string    // in words of ours
}

// String says between what the lines are missing.
func (g Gap) String() string {
	at := func(t time.Time) string {
		if t.IsZero() {
			return "an unknown time"
		}
		return t.UTC().Format(time.RFC3339Nano)
	}
	return "gap suspected between " + at(g.After) + " and " + at(g.Before) + ": " + g.Reason
}

// Stats counts while a source runs; read it any time.
type Stats struct {
	Containers atomic.Int64 // being read now
	Requests   atomic.Int64 // for logs
	Again      atomic.Int64 // messages that came again and were dropped
	Stalls     atomic.Int64 // follow connections that had gone silent
	Gaps       atomic.Int64
}

// Source reads containers. It is used for one Run.
type Source struct {
	cfg     Config
	log     *slog.Logger
	dial    func() (engine, error)
	marks   map[string]record.Mark // by Mark.Stream; read only
	listing listing
	stats   Stats
}

// New makes a source; nothing is connected before Run.
func New(cfg Config) *Source {
	if cfg.Env == nil {
		cfg.Env = func(string) string { return "" }
	}
	s := &Source{cfg: cfg, log: cfg.Log, marks: map[string]record.Mark{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for _, m := range cfg.Marks {
		s.marks[m.Stream] = m
	}
	s.listing.resume(cfg.State)
	s.dial = func() (engine, error) { return dial(cfg.Env) }
	return s
}

// Stats are this source's counters.
func (s *Source) Stats() *Stats { return &s.stats }

// Run emits the containers' lines. In one pass it returns an error if no
// container matches or one could not be read whole, which that container's last
// batch then says in Unread. Following, it returns only the error of ctx or of
// emit, or what no retry can mend: a wrong DOCKER_HOST, no permission.
func (s *Source) Run(ctx context.Context, emit func(record.Batch) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e, err := s.dial()
	if err != nil {
		return err
	}
	if s.cfg.File {
		e = newFolder(e, s.cfg.Folder, s.cfg.Follow, s.log)
	}
	defer e.Close()
	if s.cfg.Self == "" {
		s.cfg.Self = self()
	}
	if s.cfg.Follow {
		return s.follow(ctx, e, emit)
	}
	return s.once(ctx, e, emit)
}

// Commit returns nil: the daemon keeps no positions. Who stores marks gives them
// back in Config.Marks.
func (s *Source) Commit(context.Context, record.Mark) error { return nil }

func (s *Source) gap(g Gap) {
	s.stats.Gaps.Add(1)
	s.log.Warn("gap suspected", "container", record.Printable(g.Container), "after", g.After, "before", g.Before, "reason", g.Reason)
	if s.cfg.OnGap != nil {
		s.cfg.OnGap(g)
	}
}
