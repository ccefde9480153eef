// Package jsonl writes findings as JSON, one object a line, one line per
// occurrence and never fewer.
//
// The promise: each line is report.Object and is written in one call, so that
// a reader of a pipe or of a growing file never sees half an object. A run
// that ends incomplete says so in a last line of another shape,
//
//	{"complete":false,"errors":["…"]}
//
// which is the only line without "rule"; a complete run adds nothing.
//
// The limits: a name that is not UTF-8 has U+FFFD for its bad bytes; control
// and invisible characters are \u escapes.
package jsonl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"sluice/internal/record"
	"sluice/internal/report"
)

// Sink writes findings. It is safe for concurrent use.
type Sink struct {
	run   *report.Run
	close func(ok bool) error // ok: every line was written

	mu   sync.Mutex
	w    io.Writer
	file *os.File // of Append: synced after each Write, cut back if one fails
	size int64    // of file, whole lines
	err  error    // for good: half a line stands at the end

	lines   []byte // gathered, not written
	written int64  // of this Write, bytes
}

// New writes to w, which stays the caller's to close. run is read at Close and
// may be nil: then there is no last line.
func New(w io.Writer, run *report.Run) *Sink {
	return &Sink{w: w, run: run, close: func(bool) error { return nil }}
}

// Create writes to a file that appears at path, whole, at Close.
func Create(path string, run *report.Run) (*Sink, error) {
	f, err := report.Create(path)
	if err != nil {
		return nil, err
	}
	return &Sink{w: f, run: run, close: func(ok bool) error {
		if !ok {
			f.Discard()
			return nil
		}
		return f.Commit()
	}}, nil
}

// Append adds to the file at path, for a run that follows a log and has no
// end to wait for: Write returns once the lines are on disk. Half a line that
// a crash left at the end is cut off first; its finding was never acknowledged
// and is read again.
func Append(path string, run *report.Run) (*Sink, error) {
	f, err := report.OpenAppend(path)
	if err != nil {
		return nil, err
	}
	s := &Sink{w: f, run: run, close: func(bool) error { return f.Close() }}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		s.file = f
		s.size, err = cutTornLine(f, info.Size())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open report %s: %w", path, err), f.Close())
	}
	return s, nil
}

// Write writes a line for every finding of ds.
func (s *Sink) Write(ctx context.Context, ds []record.Delivery) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(func() error {
		for i := range ds {
			for j := range ds[i].Findings {
				if err := s.line(&ds[i].Findings[j]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// atOnce is how many bytes of lines are gathered for one call of the writer.
const atOnce = 256 << 10

// line adds the line of f.
func (s *Sink) line(f *record.Finding) (err error) {
	if s.err != nil {
		return s.err
	}
	if s.lines, err = report.AppendFinding(s.lines, f); err != nil {
		return err
	}
	s.lines = append(s.lines, '\n')
	if len(s.lines) >= atOnce {
		return s.flush()
	}
	return nil
}

// flush writes the lines that were gathered.
func (s *Sink) flush() error {
	if len(s.lines) == 0 {
		return nil
	}
	_, err := s.w.Write(s.lines)
	s.written += int64(len(s.lines))
	s.lines = s.lines[:0]
	return err
}

// put writes the lines that add gathers. After a failure a file is cut back to the
// lines it had, so that the same Write can be tried again (a full disk is emptied
// some time); anything else is given up, for the next line would begin in the
// middle of another.
func (s *Sink) put(add func() error) error {
	s.lines, s.written = s.lines[:0], 0
	err := add()
	if err == nil {
		err = s.flush()
	}
	if err == nil && s.file != nil && s.written > 0 {
		err = s.file.Sync()
	}
	if err == nil {
		s.size += s.written
		return nil
	}
	if s.err != nil {
		return err
	}
	err = fmt.Errorf("write findings: %w", err)
	if s.file == nil || s.file.Truncate(s.size) != nil {
		s.err = err
	}
	return err
}

// incomplete is the last line of a run that did not examine everything.
type incomplete struct {
	Complete bool     `json:"complete"`
	Errors   []string `json:"errors"`
}

// Close writes the last line if the run is incomplete, and puts a created
// file in its place.
func (s *Sink) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil && !s.run.Complete && s.err == nil {
		s.err = s.put(func() (err error) {
			s.lines, err = report.AppendJSON(s.lines, incomplete{Errors: s.run.ErrorList()})
			s.lines = append(s.lines, '\n')
			return err
		})
	}
	return errors.Join(s.err, s.close(s.err == nil))
}
