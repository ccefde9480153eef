package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sluice/internal/checkpoint"
	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/sources"
)

const (
	// copyFirst and copyEvery are how often a copy and its marks are made durable,
	// soon after the start, so that one that is killed again and again gets on,
	// and twice as long each time after it: so much is read again after a crash,
	// and cut off the copy before.
	copyFirst, copyEvery = 100 * time.Millisecond, time.Second
	// copyHead is how many first bytes tell a copy from another file.
	copyHead = 1 << 10
)

// copyFile is the sink of redact --follow -o FILE. One document holds the length
// of FILE and the marks of all that is in so much of it, so that FILE can be cut
// back to them: every line is in it once.
type copyFile struct {
	path  string
	file  *os.File
	is    func(fs.FileInfo) bool
	state *state
	log   *slog.Logger

	mu      sync.Mutex
	length  int64
	marks   map[string]map[string]record.Mark // by source and stream
	dirty   bool
	known   bool // a document says how long FILE is
	failed  error
	sources map[string]pipeline.Source

	begin  sync.Once  // the first save, before the first byte is written
	saving sync.Mutex // of what follows
	head   []byte     // first bytes, once there are copyHead
	states map[string]json.RawMessage
}

// openCopy takes FILE and cuts it to what the checkpoint says is in it. A new one
// gets at most the given mode.
func openCopy(path string, mode fs.FileMode, s *state, log *slog.Logger) (*copyFile, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, usageError(err, "")
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, mode)
	if err != nil {
		return nil, usageError(err, "")
	}
	c := &copyFile{
		path: abs, file: f, state: s, log: log, marks: map[string]map[string]record.Mark{},
		sources: map[string]pipeline.Source{}, states: map[string]json.RawMessage{},
	}
	err = c.take()
	if err == nil {
		c.is, err = sameFile(f)
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	for name, src := range s.doc.Sources {
		c.marks[name] = maps.Clone(src.Marks)
		if c.marks[name] == nil {
			c.marks[name] = map[string]record.Mark{}
		}
		c.states[name] = src.State
	}
	return c, nil
}

// take locks FILE and finds out whether it is the one that was written last.
func (c *copyFile) take() error {
	info, err := c.file.Stat()
	switch {
	case err != nil:
		return usageError(err, "")
	case !info.Mode().IsRegular():
		return usageError(fmt.Errorf("-o %s is no regular file, which --follow needs to cut it back after a crash", c.path), "leave -o out to write to standard output")
	}
	if err := lockFile(c.file); err != nil {
		return incompleteError(fmt.Errorf("-o %s: %w", c.path, err), "stop the process that writes it, or name another file")
	}
	size := info.Size()
	was := c.state.doc.Output
	if size == 0 {
		if was != nil && was.Length > 0 {
			c.log.Warn("the copy is empty or new: what was copied before is not in it", "path", c.path)
		}
		return nil
	}
	if was == nil || was.Path != c.path {
		return usageError(fmt.Errorf("-o %s is not empty, and was not written with this state folder", c.path), "name a new file, or move this one away")
	}
	head := make([]byte, min(int64(was.HeadLen), size))
	if _, err := c.file.ReadAt(head, 0); err != nil && err != io.EOF {
		return incompleteError(err, "")
	}
	if size < was.Length || hashOf(head) != was.Head {
		return incompleteError(fmt.Errorf("-o %s is not as it was left: it is shorter, or another file", c.path), "name a new file, or move this one away")
	}
	if size > was.Length {
		c.log.Info("the copy is cut back to what is known to be in it", "bytes", size-was.Length)
	}
	if err := c.file.Truncate(was.Length); err != nil {
		return incompleteError(fmt.Errorf("cut %s back: %w", c.path, err), "")
	}
	c.length = was.Length
	if _, err := c.file.Seek(c.length, io.SeekStart); err != nil {
		return incompleteError(err, "")
	}
	return nil
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Write appends clean bytes and notes the marks behind them, both or neither: a
// Write that fails ends the run, and what it left is cut off at the next start.
func (c *copyFile) Write(_ context.Context, ds []record.Delivery) error {
	var text []byte
	if len(ds) == 1 {
		text = ds[0].Clean
	} else {
		parts := make([][]byte, len(ds))
		for i := range ds {
			parts[i] = ds[i].Clean
		}
		text = bytes.Join(parts, nil)
	}
	c.begin.Do(func() {
		if err := c.save(); err != nil {
			c.fail(err)
		}
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil {
		return c.failed
	}
	if n, err := c.file.Write(text); err != nil {
		c.failed = fmt.Errorf("write copy: %w (%d of %d bytes)", err, n, len(text))
		return c.failed
	}
	c.length += int64(len(text))
	for i := range ds {
		at := ds[i].End
		name, stream, ok := strings.Cut(at.Stream, streamOf)
		if !ok {
			continue // findings that became known later have no place in a log
		}
		at.Stream = stream
		if c.marks[name] == nil {
			c.marks[name] = map[string]record.Mark{}
		}
		c.marks[name][stream] = at
	}
	c.dirty = true
	return nil
}

func (c *copyFile) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = err
}

// Close leaves the last save to who has ended the run.
func (c *copyFile) Close(context.Context) error { return nil }

func (c *copyFile) close() { _ = c.file.Close() } // it was synced by save

// streamOf stands between the name of a source and its stream in marks on their
// way to the sink, which has to know both.
const streamOf = "\x00"

// copiedSource is a source whose streams carry its name.
type copiedSource struct {
	pipeline.Source
	name string
}

func (c *copyFile) track(n sources.Named) pipeline.Source {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sources[n.Name] = n.Source
	return copiedSource{n.Source, n.Name}
}

func (s copiedSource) Run(ctx context.Context, emit func(record.Batch) error) error {
	return s.Source.Run(ctx, func(b record.Batch) error {
		b.End.Stream = s.name + streamOf + b.End.Stream
		return emit(b)
	})
}

func (s copiedSource) Commit(ctx context.Context, at record.Mark) error {
	at.Stream = strings.TrimPrefix(at.Stream, s.name+streamOf)
	return s.Source.Commit(ctx, at)
}

// run saves until ctx ends.
func (c *copyFile) run(ctx context.Context) {
	for pause := copyFirst; ; pause = min(2*pause, copyEvery) {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			if err := c.save(); err != nil {
				c.log.Error("save the copy", "err", err)
			}
		}
	}
}

// save makes durable what is in FILE and then says so: the marks are never ahead
// of it.
func (c *copyFile) save() error {
	c.saving.Lock()
	defer c.saving.Unlock()
	if c.state.store == nil {
		return nil
	}
	c.mu.Lock()
	changed, failed, length := c.dirty || !c.known, c.failed, c.length
	doc := checkpoint.Document{Sources: map[string]checkpoint.Source{}}
	for name, marks := range c.marks {
		doc.Sources[name] = checkpoint.Source{Marks: maps.Clone(marks)}
	}
	c.dirty, c.known = false, true
	known := maps.Clone(c.sources)
	c.mu.Unlock()
	if c.addStates(&doc, known) {
		changed = true
	}
	if !changed {
		return failed
	}
	err := c.store(doc, length)
	if err != nil {
		c.mu.Lock()
		c.dirty = true
		c.mu.Unlock()
	}
	return errors.Join(failed, err)
}

// addStates asks the sources what they need beside marks, which were taken
// before, and drops marks that are of no use.
func (c *copyFile) addStates(doc *checkpoint.Document, known map[string]pipeline.Source) (changed bool) {
	for name, src := range known {
		if s, ok := src.(stateful); ok {
			own := s.State()
			changed = changed || !bytes.Equal(own, c.states[name])
			c.states[name] = own
		}
		if s, ok := src.(selective); ok {
			for stream := range doc.Sources[name].Marks {
				if !s.Keep(stream) {
					delete(doc.Sources[name].Marks, stream)
				}
			}
		}
	}
	for name, own := range c.states {
		src := doc.Sources[name]
		src.State = own
		doc.Sources[name] = src
	}
	return changed
}

func (c *copyFile) store(doc checkpoint.Document, length int64) error {
	if err := c.file.Sync(); err != nil {
		return fmt.Errorf("sync copy: %w", err)
	}
	head := c.head
	if head == nil {
		head = make([]byte, min(length, copyHead))
		if _, err := c.file.ReadAt(head, 0); err != nil && err != io.EOF {
			return fmt.Errorf("read copy: %w", err)
		}
		if len(head) == copyHead {
			c.head = head
		}
	}
	doc.Output = &checkpoint.Output{Path: c.path, Length: length, HeadLen: len(head), Head: hashOf(head)}
	return c.state.store.Save(doc)
}

// unready says that the copy cannot be written.
func (c *copyFile) unready() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil {
		return []string{c.failed.Error()}
	}
	return nil
}
