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

	mu    sync.Mutex
	w     io.Writer
	file  *os.File // of Append: synced after each Write, cut back if one fails
	size  int64    // of file, whole lines
	err   error    // for good: half a line stands at the end
	lines []byte   // memory for those of a Write
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
	lines, err := encode(s.lines[:0], ds)
	if err != nil || len(lines) == 0 {
		return err
	}
	if cap(lines) <= maxLines {
		s.lines = lines
	}
	return s.put(lines)
}

// maxLines bounds the memory that is kept for the lines of the next Write, bytes.
const maxLines = 1 << 20

func encode(lines []byte, ds []record.Delivery) (_ []byte, err error) {
	for i := range ds {
		for j := range ds[i].Findings {
			lines, err = report.AppendFinding(lines, &ds[i].Findings[j])
			if err != nil {
				return nil, err
			}
			lines = append(lines, '\n')
		}
	}
	return lines, nil
}

// put writes whole lines. After a failure a file is cut back to the lines it
// had, so that the same Write can be tried again (a full disk is emptied some
// time); anything else is given up, for the next line would begin in the
// middle of another.
func (s *Sink) put(lines []byte) error {
	if s.err != nil {
		return s.err
	}
	_, err := s.w.Write(lines)
	if err == nil && s.file != nil {
		err = s.file.Sync()
	}
	if err == nil {
		s.size += int64(len(lines))
		return nil
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
		line, err := report.AppendJSON(nil, incomplete{Errors: s.run.ErrorList()})
		if err != nil {
			s.err = err
		} else {
			s.err = s.put(append(line, '\n'))
		}
	}
	return errors.Join(s.err, s.close(s.err == nil))
}
