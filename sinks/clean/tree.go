package clean

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sluice/internal/record"
	"sluice/internal/report"
)

// withheld stands for what was not examined.
const withheld = "[sluice:withheld:0000000000000000]\n"

// Tree writes every stream to a folder, under the path it was read from. The
// source tells it of each stream with Enter before the stream's first batch;
// deliveries come in the order of reading (pipeline.Config.Ordered).
//
// What could not be read of a stream stands in its file as a withheld line;
// an archive is made anew around its redacted members.
type Tree struct {
	dir, base string

	mu      sync.Mutex
	entries []record.Entry // told of and not yet reached by a delivery
	cur     *output        // the file that is being written; nil: none
	stream  string         // of the last delivery
	paths   map[string]bool
	ok      bool // the last stream has ended: what is open may be put in place
}

// NewTree writes below dir what was read below base, the folder that holds all
// inputs.
func NewTree(dir, base string) *Tree {
	return &Tree{dir: dir, base: base, paths: map[string]bool{}, ok: true}
}

// Enter tells of a stream that will be delivered, or of a member without
// content.
func (t *Tree) Enter(e record.Entry) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entries = append(t.entries, e)
	return nil
}

// Write writes the clean bytes of ds.
func (t *Tree) Write(_ context.Context, ds []record.Delivery) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range ds {
		if err := t.deliver(&ds[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tree) deliver(d *record.Delivery) error {
	if t.cur == nil || d.End.Stream != t.stream {
		if err := t.advance(d.End.Stream); err != nil {
			return err
		}
	}
	t.ok = d.Final
	text := d.Clean
	if d.Unread != "" {
		text = append(append([]byte(nil), text...), withheld...)
	}
	if _, err := t.cur.Write(text); err != nil {
		return fmt.Errorf("write %s: %w", t.cur.target, err)
	}
	return nil
}

// advance opens what the source told of, up to the stream that comes now.
func (t *Tree) advance(stream string) error {
	for len(t.entries) > 0 {
		e := t.entries[0]
		t.entries = t.entries[1:]
		if err := t.open(e); err != nil {
			return err
		}
		if e.Stream == stream {
			t.stream = stream
			return nil
		}
	}
	return fmt.Errorf("stream %s was delivered without a word of where it belongs", record.Printable(stream))
}

// open makes e the place that is written to: another file, or the next member
// of the archive that is open.
func (t *Tree) open(e record.Entry) error {
	target, err := t.target(e.Path)
	if err != nil {
		return err
	}
	if t.cur == nil || t.cur.target != target {
		if err := t.commit(); err != nil {
			return err
		}
		if t.cur, err = t.create(target, e); err != nil {
			return err
		}
	}
	return t.cur.enter(e)
}

// target is where the file at path goes. It never leaves the folder.
func (t *Tree) target(path string) (string, error) {
	rel, err := filepath.Rel(t.base, path)
	if err != nil || rel == "." || !filepath.IsLocal(rel) {
		rel = strings.TrimLeft(filepath.Clean("/"+path), "/")
	}
	if rel == "" || !filepath.IsLocal(rel) {
		return "", fmt.Errorf("%s has no name to write below %s", record.Printable(path), t.dir)
	}
	return filepath.Join(t.dir, rel), nil
}

func (t *Tree) create(target string, e record.Entry) (*output, error) {
	if t.paths[target] {
		return nil, fmt.Errorf("two inputs would both be written to %s: redact them to two folders", target)
	}
	t.paths[target] = true
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	if in, err := os.Stat(e.Path); err == nil {
		if out, err := os.Stat(target); err == nil && os.SameFile(in, out) {
			return nil, fmt.Errorf("%s would be written over itself: name another folder", record.Printable(e.Path))
		}
	}
	f, err := report.Create(target)
	if err != nil {
		return nil, err
	}
	return &output{target: target, path: e.Path, file: f}, nil
}

// commit puts the open file in its place, with the mode and time of its input.
func (t *Tree) commit() error {
	if t.cur == nil {
		return nil
	}
	o := t.cur
	t.cur = nil
	if !t.ok {
		o.discard()
		return nil
	}
	if err := o.finish(); err != nil {
		o.discard()
		return fmt.Errorf("write %s: %w", o.target, err)
	}
	if err := o.file.Commit(); err != nil {
		return err
	}
	return dress(o)
}

// dress gives the file the mode and times that its input has.
func dress(o *output) error {
	info, err := os.Stat(o.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it was deleted while it was read: its clean bytes stay
	}
	if err != nil {
		return fmt.Errorf("mode of %s: %w", o.target, err)
	}
	if err := os.Chmod(o.target, info.Mode().Perm()); err != nil {
		return fmt.Errorf("mode of %s: %w", o.target, err)
	}
	if err := os.Chtimes(o.target, time.Time{}, info.ModTime()); err != nil {
		return fmt.Errorf("time of %s: %w", o.target, err)
	}
	return nil
}

// Close puts the last file in its place if its stream has ended, and drops it
// if not: nothing half-written stays.
func (t *Tree) Close(context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ok && t.cur != nil {
		for _, e := range t.entries { // members without content behind the last one
			if e.Stream == "" {
				if err := t.open(e); err != nil {
					return errors.Join(err, t.commit())
				}
			}
		}
	}
	return t.commit()
}
