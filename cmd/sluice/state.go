package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"sluice/internal/checkpoint"
	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/sources"
)

const (
	// saveEvery is how much a crash may cost at most: what was delivered in this
	// time is read again.
	saveEvery = time.Second
	// printKeyName is the file of the print key in a state folder.
	printKeyName = "print.key"
)

// state is the state folder of a command that follows: the marks of all
// sources, saved each second and at the end, and the key of the prints.
type state struct {
	store *checkpoint.Store // nil: no folder, nothing outlives the process
	log   *slog.Logger

	mu      sync.Mutex
	doc     checkpoint.Document
	tracked map[string]pipeline.Source
	dirty   bool
	failed  error // of the last save; nil: it was good
}

// openState takes a folder, or none for "".
func openState(dir string, log *slog.Logger) (*state, error) {
	s := &state{log: log, tracked: map[string]pipeline.Source{}}
	if dir == "" {
		return s, nil
	}
	store, err := checkpoint.Open(dir)
	if err != nil {
		return nil, incompleteError(err, "")
	}
	doc, warnings, err := store.Load()
	if err != nil {
		return nil, incompleteError(errors.Join(err, store.Close()), "")
	}
	for _, w := range warnings {
		log.Warn(w)
	}
	s.store, s.doc = store, doc
	return s, nil
}

// resume is where a source of that name stood.
func (s *state) resume(name string) (marks []record.Mark, own json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.doc.Sources[name]
	return slices.Collect(maps.Values(was.Marks)), was.State
}

// stateful sources have more to keep than marks; selective ones say whose marks
// are of use.
type (
	stateful  interface{ State() json.RawMessage }
	selective interface{ Keep(stream string) bool }
)

// trackedSource notes the marks of a source that were delivered.
type trackedSource struct {
	pipeline.Source
	name  string
	state *state
}

// track notes what is delivered of a source from now on.
func (s *state) track(n sources.Named) pipeline.Source {
	name, src := n.Name, n.Source
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tracked[name] = src
	if s.doc.Sources == nil {
		s.doc.Sources = map[string]checkpoint.Source{}
	}
	was := s.doc.Sources[name]
	was.Marks = maps.Clone(was.Marks)
	if was.Marks == nil {
		was.Marks = map[string]record.Mark{}
	}
	s.doc.Sources[name] = was
	return trackedSource{src, name, s}
}

// Commit tells the source first: a mark that it refuses is not kept.
func (t trackedSource) Commit(ctx context.Context, at record.Mark) error {
	if err := t.Source.Commit(ctx, at); err != nil {
		return err
	}
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	t.state.doc.Sources[t.name].Marks[at.Stream] = at
	t.state.dirty = true
	return nil
}

// run saves what has changed each second until ctx ends.
func (s *state) run(ctx context.Context) {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.save()
		}
	}
}

// save writes the marks if anything has changed. A disk that refuses is told once
// an outage; the marks are kept and tried again.
func (s *state) save() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store == nil {
		return
	}
	for name, src := range s.tracked {
		s.ask(name, src)
	}
	if !s.dirty {
		return
	}
	err := s.store.Save(s.doc)
	if err == nil {
		s.dirty = false
	} else if s.failed == nil {
		s.log.Error("save positions", "err", err)
	}
	s.failed = err
}

// ask takes from a source what it needs beside marks, and drops the marks of
// streams that it will not read again. It wants s.mu held.
func (s *state) ask(name string, src pipeline.Source) {
	was := s.doc.Sources[name]
	if own, ok := src.(stateful); ok {
		now := own.State()
		s.dirty = s.dirty || !bytes.Equal(now, was.State)
		was.State = now
	}
	if keeper, ok := src.(selective); ok {
		maps.DeleteFunc(was.Marks, func(stream string, _ record.Mark) bool { return !keeper.Keep(stream) })
	}
	s.doc.Sources[name] = was
}

// unready says that marks cannot be stored.
func (s *state) unready() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return []string{"positions cannot be saved: " + s.failed.Error()}
	}
	return nil
}

// close saves a last time and lets go of the folder.
func (s *state) close() error {
	if s.store == nil {
		return nil
	}
	s.save()
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.failed, s.store.Close())
}

// printKey is the key of the folder, made at its first use: prints of one
// secret are equal over restarts. nil without a folder.
func (s *state) printKey() ([]byte, error) {
	if s.store == nil {
		return nil, nil
	}
	path := filepath.Join(s.store.Dir(), printKeyName)
	key, err := os.ReadFile(path)
	switch key = bytes.TrimSpace(key); {
	case err == nil && len(key) >= minPrintKey:
		return key, nil
	case err == nil:
		return nil, incompleteError(fmt.Errorf("print key in %s has %d bytes, want %d or more", path, len(key), minPrintKey), "put it back, or delete it: prints will differ from those before")
	case !errors.Is(err, fs.ErrNotExist):
		return nil, incompleteError(fmt.Errorf("read print key: %w", err), "")
	}
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return nil, fmt.Errorf("make a print key: %w", err)
	}
	key = []byte(hex.EncodeToString(random))
	if err := writeWhole(path, append(key, '\n')); err != nil {
		return nil, incompleteError(fmt.Errorf("keep print key: %w", err), "")
	}
	return key, nil
}

// writeWhole makes a file of ours alone that is there whole or not at all.
func writeWhole(path string, text []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
