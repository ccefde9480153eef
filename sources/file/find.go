package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"sluice/internal/record"
)

// target is a file to be read.
type target struct {
	nth  int // its place among everything found, errors included
	name string
	root *os.Root // the folder it was found in; nil: it was named
	rel  string   // in root
	size int64    // when it was found
}

// finder turns paths into targets. Its methods keep what is wrong and go on.
type finder struct {
	ctx      context.Context // of the one Run that owns this value
	log      *slog.Logger
	except   string // absolute path of a folder that is not entered; "": none
	targets  []target
	failures []failure
	roots    []*os.Root
	seen     map[string]bool // by clean name
	size     int64
	skipped  int64
	nth      int
	hits     int // everything met, what was seen before and passed over too
}

// close ends access to what was found.
func (f *finder) close() {
	for _, r := range f.roots {
		_ = r.Close()
	}
}

// find adds what one path of the user stands for. A path that exists is not a
// glob, whatever characters it has.
func (f *finder) find(path string) {
	info, err := os.Stat(path)
	switch {
	case err == nil:
		f.named(path, info)
	case errors.Is(err, fs.ErrNotExist) && isGlob(path):
		f.glob(path)
	default:
		f.fail(path, err)
	}
}

// named adds a path that exists: links are followed.
func (f *finder) named(path string, info fs.FileInfo) {
	switch mode := info.Mode(); {
	case mode.IsDir():
		f.folder(path)
	case mode&fs.ModeSocket != 0:
		f.fail(path, errors.New("is a socket: name a file, a folder or a pipe"))
	default:
		size := info.Size()
		if !mode.IsRegular() {
			size = 0
		}
		f.add(target{name: path, size: size})
	}
}

// folder adds the files below a folder.
func (f *finder) folder(path string) {
	root, err := f.open(path)
	if err != nil {
		f.fail(path, err)
		return
	}
	f.walk(path, root, func(string) (take, enter bool) { return true, true })
}

// open opens a folder so that nothing outside of it can be reached through it,
// whoever swaps a folder for a link while we read.
func (f *finder) open(path string) (*os.Root, error) {
	root, err := os.OpenRoot(path)
	if err == nil {
		f.roots = append(f.roots, root)
	}
	return root, err
}

// walk adds the files below root for which judge says take. It enters the
// folders for which judge says enter; links only judge's caller may follow.
func (f *finder) walk(base string, root *os.Root, judge func(rel string) (take, enter bool)) {
	_ = fs.WalkDir(root.FS(), ".", func(rel string, d fs.DirEntry, err error) error {
		name := filepath.Join(base, rel)
		if f.ctx.Err() != nil {
			return fs.SkipAll
		}
		if err != nil {
			f.fail(name, err) // it is not entered then
			return nil
		}
		take, enter := judge(rel)
		switch {
		case d.IsDir() && rel != "." && f.excepted(name):
			f.log.Warn("not read: the copies go there", "path", record.Printable(name))
			return fs.SkipDir
		case d.IsDir() && rel != "." && !enter:
			return fs.SkipDir
		case d.IsDir() || !take:
		case d.Type().IsRegular():
			f.found(name, root, rel, d)
		default:
			f.skip(name, d.Type())
		}
		return nil
	})
}

func (f *finder) excepted(name string) bool {
	if f.except == "" {
		return false
	}
	abs, err := filepath.Abs(name)
	return err == nil && abs == f.except
}

func (f *finder) found(name string, root *os.Root, rel string, d fs.DirEntry) {
	info, err := d.Info()
	if err != nil {
		f.fail(name, err)
		return
	}
	f.add(target{name: name, root: root, rel: rel, size: info.Size()})
}

func (f *finder) add(t target) {
	f.hits++
	clean := filepath.Clean(t.name)
	if f.seen[clean] {
		return
	}
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	f.seen[clean] = true
	f.nth++
	t.nth = f.nth
	f.targets = append(f.targets, t)
	f.size += t.size
}

func (f *finder) fail(path string, err error) {
	f.hits++
	f.nth++
	f.failures = append(f.failures, failure{f.nth, explain(path, err)})
}

func (f *finder) skip(name string, kind fs.FileMode) {
	f.hits++
	f.skipped++
	f.log.Debug("passed over: not a regular file", "path", record.Printable(name), "kind", kind.String())
}

// explain is an error as its reader needs it: what, where, what to do.
func explain(path string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	path = record.Printable(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("read %s: %w: check the path", path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("read %s: %w: run as a user who may read it", path, err)
	}
	return fmt.Errorf("read %s: %w", path, err)
}
