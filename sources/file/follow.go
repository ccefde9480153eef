package file

import (
	"encoding/json"
	"io/fs"
	"sync/atomic"
	"time"

	"sluice/internal/record"
)

// Following is what a Config says of files that are followed for ever.
//
// A stream (Mark.Stream, the path as it was given or found) is one log: whatever
// rotation does, the files that were under the path one after the other are its
// generations, read in order. Mark.Epoch names the generation by the hash of its
// first bytes, Mark.Offset is the byte in it, unpacked where it was packed
// meanwhile, and Mark.Sub is a hash of the last bytes before, 0 if unknown.
type Following struct {
	// Marks are positions to go on from, as batches carried them in End, of
	// whatever streams: a stream that has one is no first start. State is what
	// Source.State gave when they were stored. Without it what was rotated
	// meanwhile is told by its time of change. It has to be stored once Run has
	// begun, also while there are no marks: until then each start is a first one.
	Marks []record.Mark
	State json.RawMessage
	// Backlog says what is read of a file that is there at the first start.
	Backlog Backlog
	// OnGap is told of what should have been read and is not there any more. It
	// may be called from several goroutines. nil: nobody.
	OnGap func(Gap)
	// Never says that a file is not to be read, whatever its name: an output of
	// ours in a folder that is followed. nil: all are.
	Never func(fs.FileInfo) bool
	// OnlyLook leaves the system's notifications alone.
	OnlyLook bool
	// MaxOpen is how many files are kept open; 0: DefaultOpen. What is over is
	// opened for each read, and found by its content if it was rotated meanwhile.
	MaxOpen int
}

// DefaultOpen is the MaxOpen where none is given: half of what a process may
// open by default.
const DefaultOpen = 512

// Backlog is what a first start reads: all there is of the logs, their rotated
// generations included (the zero value), nothing, or what was logged since a
// time. Files that appear later are read whole.
type Backlog struct {
	None  bool
	Since time.Time // zero: no bound
	// Time is the time that a line gives itself; used with Since. A file without
	// any such line is read whole if it was changed at Since or later.
	Time func(line []byte) (time.Time, bool)
}

// Gap says that bytes were not read: they were not there any more, or cannot be
// unpacked. How many is mostly not known.
type Gap struct {
	Path   string // the log, as Origin.Name
	Offset int64  // the last byte read of the generation that is missing
	Reason string // in words of ours
}

// Stats counts while a source follows; read it any time.
type Stats struct {
	Files     atomic.Int64 // logs that are there
	Open      atomic.Int64 // descriptors
	Rotations atomic.Int64
	Gaps      atomic.Int64
	Behind    atomic.Int64 // bytes that were there at the last look and not read
}

// State is what a later Source needs beside the marks: which generations were
// read, by hashes of their first and last bytes. It may be called at any time.
// It has to be taken at the moment at which the marks are that it is stored
// with, or later. nil: the source does not follow.
func (s *Source) State() json.RawMessage {
	if s.follower == nil {
		return nil
	}
	return s.follower.state()
}

// Keep says that a stored mark of this stream is of use. Marks of logs that are
// gone for good can be dropped, or a checkpoint grows for ever.
func (s *Source) Keep(stream string) bool { return s.follower == nil || s.follower.keep(stream) }

// Trouble says in a sentence each what cannot be read at the moment and is
// tried again: no permission, an error of the disk. A path that is not there
// is none. Empty: all is well.
func (s *Source) Trouble() []string {
	if s.follower == nil {
		return nil
	}
	return s.follower.trouble()
}

// Stats are this source's counters; nil if it does not follow.
func (s *Source) Stats() *Stats {
	if s.follower == nil {
		return nil
	}
	return &s.follower.stats
}
