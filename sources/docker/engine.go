package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// engine is what is needed of a Docker daemon: five kinds of GET request.
type engine interface {
	Ping(ctx context.Context) error
	List(ctx context.Context) ([]summary, error)
	Inspect(ctx context.Context, id string) (details, error)
	// Events calls ready once when it is subscribed, then changed for each
	// event of a container, from since on. It blocks, and returns the error that
	// ended it.
	Events(ctx context.Context, since time.Time, ready func(), changed func(event)) error
	Logs(ctx context.Context, r request) (*response, error)
	// Root is asked for where logs are read from files only; "": not told.
	Root(ctx context.Context) string
	Close()
}

// keeping engines hold files of a log as long as they were not read.
type keeping interface {
	// taken is told that a message of the nth file was, and all before it.
	taken(id string, n int64)
	// forget is told that nobody reads a log any more.
	forget(id string)
	// last is how large the newest file is that is held of a log; false: none is.
	last(id string) (size int64, held bool)
}

// Errors that decide what to do; others are retried.
var (
	errGone        = errors.New("no such container")
	errUnsupported = errors.New("its logging driver cannot be read")
)

// summary is a container in a listing.
type summary struct {
	id, name string
	labels   map[string]string
}

// details is a container as inspected.
type details struct {
	summary
	tty     bool
	running bool
	driver  string
	options map[string]string // of the driver
	logPath string            // where the daemon writes the log; "": in no file
	env     []string          // full of secrets
}

// Format hides the environment from every verb. It is on the whole struct since
// fmt does not ask a field that is not exported.
func (details) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[secret]") }

// event is a change of a container.
type event struct {
	id string
	at time.Time
}

// request asks for logs of both streams.
type request struct {
	id     string
	since  time.Time // inclusive; zero: all that is held
	tail   int       // messages; negative: all
	follow bool
	tty    terminal
}

// terminal says how a container's output is framed.
type terminal uint8

const (
	noTerminal terminal = iota
	onTerminal
	bareTerminal // and its driver may drop the line end behind a line in pieces
)

// terminal is that of a container.
func (d *details) terminal() terminal {
	switch {
	case !d.tty:
		return noTerminal
	case d.driver == "local": // before version 23
		return bareTerminal
	}
	return onTerminal
}

// response is a log as it comes. Who has it closes it.
type response struct {
	decoder
	io.Closer
	date time.Time // the daemon's clock, in seconds; zero: not told
}

// decoder reads messages.
type decoder interface {
	// next waits for a message. Its text is good until the next call. The end
	// of the response is io.EOF; one in the middle is io.ErrUnexpectedEOF; what
	// the daemon could not read is a daemonError.
	next() (message, error)
	// pending says whether something was read that next has not given.
	pending() bool
}

// side is one of a container's streams.
type side uint8

const (
	stdout side = iota
	stderr
	sides
)

func (s side) String() string { return [...]string{"stdout", "stderr"}[s] }

// message is one entry of a log: a line, or a piece of one.
type message struct {
	side  side
	stamp int64  // Unix nanoseconds
	text  []byte // with its line end, if it has one
	part  whole
	file  int64 // of a log's files, in their order from 1 on; 0: not told
	hole  bool  // messages between the one before and this may be gone
}

// whole says whether a message is a piece of a line. Only NDJSON tells.
type whole uint8

const (
	partUnknown whole = iota
	partMore          // the line goes on
	partLast
)

// pieceSize is where a daemon cuts lines, in bytes of the container's output.
// Drivers with a limit of their own cut later, json-file's replacement of bad
// UTF-8 makes pieces longer: no piece but the last is shorter.
const pieceSize = 16 << 10

// maxMessage is the largest message, in bytes with its stamp: no driver's limit
// is above 1 MiB, and a stream that claims more is not a log.
const maxMessage = 2 << 20

// daemonError is what the daemon says in the middle of a log when it cannot read
// it. The text is not shown: it may quote the log.
type daemonError struct{}

func (daemonError) Error() string { return "the daemon could not read its own log" }
