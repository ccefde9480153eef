package report

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// File is a report on disk that appears whole or not at all: it is written
// beside its target under another name, and Commit puts it in the target's
// place after fsync. A process that is killed leaves the old target as it was.
//
// A target that is no regular file (/dev/stdout, a FIFO) can't be replaced and
// is written as it is. A symbolic link is followed, so that the link stays.
type File struct {
	*bufio.Writer
	f      *os.File
	target string
	direct bool // target is no regular file: nothing to rename
}

// Check says whether a report can be written to path: what Create would say,
// hours earlier, and without leaving anything behind.
func Check(path string) error {
	target, direct, err := resolve(path)
	if err != nil || direct {
		return err
	}
	f, err := openBeside(target, 0o666)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// Create starts a report at path. Errors say which folder is missing, or that
// the path is a folder.
func Create(path string) (*File, error) { return CreateUpTo(path, 0o666) }

// CreateUpTo is Create for a file that is not to have more permissions than most,
// if it is new.
func CreateUpTo(path string, most fs.FileMode) (*File, error) {
	target, direct, err := resolve(path)
	if err != nil {
		return nil, err
	}
	var f *os.File
	if direct {
		if f, err = os.OpenFile(target, os.O_WRONLY, 0); err != nil {
			return nil, fmt.Errorf("open report: %w", err)
		}
	} else if f, err = openBeside(target, most); err != nil {
		return nil, err
	}
	return &File{Writer: bufio.NewWriterSize(f, 1<<16), f: f, target: target, direct: direct}, nil
}

// Commit makes what was written durable and visible under the target's name.
// On an error the target is as it was before Create.
func (f *File) Commit() error {
	if err := f.Flush(); err != nil {
		f.Discard()
		return fmt.Errorf("write report %s: %w", f.target, err)
	}
	if f.direct {
		return f.f.Close()
	}
	if err := f.f.Sync(); err != nil {
		f.Discard()
		return fmt.Errorf("sync report %s: %w", f.target, err)
	}
	if err := f.f.Close(); err != nil {
		return errors.Join(fmt.Errorf("close report %s: %w", f.target, err), os.Remove(f.f.Name()))
	}
	if err := os.Rename(f.f.Name(), f.target); err != nil {
		return errors.Join(fmt.Errorf("put report in place: %w", err), os.Remove(f.f.Name()))
	}
	return syncFolder(filepath.Dir(f.target))
}

// Discard drops what was written; the target is as it was before Create.
// After Commit it must not be called.
func (f *File) Discard() {
	_ = f.f.Close() // the content is unwanted, so its fate is no error
	if !f.direct {
		_ = os.Remove(f.f.Name())
	}
}

// WriteFile writes a report in one go: what body writes becomes the file if
// body returns nil, and nothing does if not.
func WriteFile(path string, body func(*bufio.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	if err := body(f.Writer); err != nil {
		f.Discard()
		return fmt.Errorf("write report %s: %w", path, err)
	}
	return f.Commit()
}

// WriteArray writes a JSON array of n values, one a line.
func WriteArray(w *bufio.Writer, n int, value func(i int) any) error {
	line := []byte{'['}
	for i := range n {
		if i > 0 {
			line = append(line, ',')
		}
		var err error
		if line, err = AppendJSON(append(line, '\n'), value(i)); err != nil {
			return err
		}
		if _, err = w.Write(line); err != nil {
			return err
		}
		line = line[:0]
	}
	_, err := w.Write(append(line, ']'))
	return err
}

// resolve follows links and says whether the target must be written directly.
func resolve(path string) (target string, direct bool, err error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return "", false, fmt.Errorf("report %s: is a folder, name a file in it", path)
	case err == nil && !info.Mode().IsRegular():
		return path, true, nil
	case err == nil:
		target, err = filepath.EvalSymlinks(path)
		if err != nil {
			return "", false, fmt.Errorf("report: %w", err)
		}
		return target, false, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", false, fmt.Errorf("report: %w", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return "", false, noFolder(path)
	}
	return path, false, nil
}

func noFolder(path string) error {
	return fmt.Errorf("report %s: folder %s does not exist, make it first", path, filepath.Dir(path))
}

// OpenAppend opens a report that grows in place, for reading at its end and
// for appending; a new one is in its folder for good.
func OpenAppend(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noFolder(path)
	}
	if err != nil {
		return nil, fmt.Errorf("open report: %w", err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return f, err
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// openBeside opens a new file in target's folder, with the mode target has, or
// with what the umask leaves of mode: of 0666 for reports, which hold no secret,
// and which a later step of a CI job, under another user, has to read.
func openBeside(target string, mode fs.FileMode) (*os.File, error) {
	info, statErr := os.Stat(target)
	if statErr == nil {
		mode = info.Mode().Perm()
	}
	var suffix [8]byte
	if _, err := rand.Read(suffix[:]); err != nil {
		return nil, fmt.Errorf("name report: %w", err)
	}
	// A name of its own length: the target's may be as long as names can be.
	name := filepath.Join(filepath.Dir(target), ".sluice-"+hex.EncodeToString(suffix[:])+".tmp")
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, fmt.Errorf("create report %s: %w", target, err)
	}
	if statErr == nil {
		// The umask may have taken bits that the old report had.
		if err := f.Chmod(mode); err != nil {
			return nil, errors.Join(fmt.Errorf("create report %s: %w", target, err), f.Close(), os.Remove(name))
		}
	}
	return f, nil
}

// syncFolder makes a rename durable.
func syncFolder(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync folder %s: %w", name, err)
	}
	return nil
}
