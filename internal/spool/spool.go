// Package spool keeps records in a file until whoever wrote them is done with
// them: the disk behind a sink whose receiver is away.
//
// The promise: what Append wrote and Sync confirmed is there after a SIGKILL or
// a power cut, in the order of writing. Each record has a checksum; a torn tail
// is cut at Open, a damaged record in the middle is skipped and counted, and
// what stands behind it is kept. Folder 0700, files 0600. One process at a time
// holds a spool; the second is told who does.
//
// The limits: the spool does not know what its records mean. Who uses it says
// with Rewrite which are still wanted, and bounds the size with Size. Records
// are text: a byte 0xff, which UTF-8 never has, marks where one starts.
package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// Place is where a record stands in the file until the next Rewrite.
type Place struct {
	Offset int64 // of the record's head
	Len    int   // bytes of the record without its head
}

// Cost is what a record of n bytes takes in the file.
func Cost(n int) int64 { return int64(n) + headLen }

// Found says what Open had to repair.
type Found struct {
	Records int
	Cut     int64 // bytes of a torn tail
	Damaged int64 // bytes in the middle that are no record
}

// File is an open spool. It is safe for concurrent use.
type File struct {
	path string
	lock *os.File

	mu      sync.Mutex // protects all below
	f       *os.File
	size    int64
	written int64 // bytes ever appended: never goes back, unlike size
	err     error // for good: what is on disk is not known any more

	syncMu sync.Mutex // held during fsync; taken before mu
	synced int64      // as written counts
}

// ErrFull says that the disk had no room; nothing was written, and the same
// Append may be tried again.
var ErrFull = errors.New("no room on the disk of the spool")

// Open opens or makes the spool dir/name and gives each of its records to each,
// in order; the bytes are each's to keep.
func Open(dir, name string, each func(payload []byte, at Place) error) (*File, Found, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, Found{}, fmt.Errorf("make spool folder: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, Found{}, fmt.Errorf("close spool folder to others: %w", err)
	}
	path := filepath.Join(dir, name)
	lock, err := hold(path + ".lock")
	if err != nil {
		return nil, Found{}, err
	}
	f := &File{path: path, lock: lock}
	found, err := f.open(each)
	if err != nil {
		return nil, found, errors.Join(err, f.Close())
	}
	return f, found, nil
}

func (f *File) open(each func([]byte, Place) error) (Found, error) {
	// A Rewrite that was killed leaves its half behind; the old file counts.
	if err := os.Remove(f.next()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return Found{}, fmt.Errorf("clean spool: %w", err)
	}
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return Found{}, fmt.Errorf("open spool: %w", err)
	}
	f.f = file
	if err := file.Chmod(0o600); err != nil {
		return Found{}, fmt.Errorf("close spool to others: %w", err)
	}
	found, end, err := scan(file, each)
	if err != nil {
		return found, fmt.Errorf("read spool %s: %w", f.path, err)
	}
	if found.Cut > 0 {
		if err := file.Truncate(end); err != nil {
			return found, fmt.Errorf("cut torn end of spool: %w", err)
		}
	}
	f.size = end
	if err := errors.Join(file.Sync(), syncFolder(filepath.Dir(f.path))); err != nil {
		return found, fmt.Errorf("sync spool: %w", err)
	}
	return found, nil
}

// Append writes a record. It is durable once Sync(end) has returned nil.
func (f *File) Append(payload []byte) (at Place, end int64, err error) {
	if len(payload) == 0 || len(payload) > MaxRecord {
		return Place{}, 0, fmt.Errorf("spool record of %d bytes: want 1 to %d", len(payload), MaxRecord)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return Place{}, 0, f.err
	}
	at = Place{f.size, len(payload)}
	framed := frame(payload)
	if _, err := f.f.WriteAt(framed, f.size); err != nil {
		return Place{}, 0, f.undo(err)
	}
	f.size += int64(len(framed))
	f.written += int64(len(framed))
	return at, f.written, nil
}

// undo takes back half a record.
func (f *File) undo(err error) error {
	if terr := f.f.Truncate(f.size); terr != nil {
		f.err = fmt.Errorf("write spool: %w", errors.Join(err, terr))
		return f.err
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return fmt.Errorf("write spool: %w", err)
}

// Sync returns once everything up to end is durable. Callers that wait at the
// same time share one fsync. After an error nothing more is taken: the kernel
// may have dropped what it could not write, and would say nothing next time.
func (f *File) Sync(end int64) error {
	f.syncMu.Lock()
	defer f.syncMu.Unlock()
	if f.synced >= end {
		return nil
	}
	f.mu.Lock()
	file, written, err := f.f, f.written, f.err
	f.mu.Unlock()
	if err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		err = fmt.Errorf("sync spool: %w", err)
		f.mu.Lock()
		f.err = err
		f.mu.Unlock()
		return err
	}
	f.synced = written
	return nil
}

// Read returns a record. An error says that its bytes are no longer what was
// written.
func (f *File) Read(at Place) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return read(f.f, at)
}

// Size is the length of the file in bytes.
func (f *File) Size() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size
}

// Rewrite replaces the file by what fill adds, which may Read the old one: in
// one rename, after fsync, so that a crash leaves the old or the new. After an
// error the old one is as it was. Places of before are void after it.
func (f *File) Rewrite(fill func(read func(Place) ([]byte, error), add func([]byte) (Place, error)) error) error {
	f.syncMu.Lock()
	defer f.syncMu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	file, err := os.OpenFile(f.next(), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("rewrite spool: %w", err)
	}
	size, err := f.fill(file, fill)
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(f.next(), f.path)
	}
	if err != nil {
		return fmt.Errorf("rewrite spool: %w", errors.Join(err, file.Close(), os.Remove(f.next())))
	}
	old := f.f
	f.f, f.size, f.synced = file, size, f.written
	// The rename stands; if its folder can't be synced, a power cut may bring
	// back the old file, and what is appended from here on would be lost.
	if err := syncFolder(filepath.Dir(f.path)); err != nil {
		f.err = fmt.Errorf("sync spool folder: %w", err)
	}
	return errors.Join(f.err, old.Close())
}

func (f *File) fill(file *os.File, fill func(func(Place) ([]byte, error), func([]byte) (Place, error)) error) (size int64, err error) {
	w := &offsetWriter{f: file}
	add := func(payload []byte) (Place, error) {
		at := Place{w.at, len(payload)}
		_, err := w.Write(frame(payload))
		return at, err
	}
	if err := fill(func(at Place) ([]byte, error) { return read(f.f, at) }, add); err != nil {
		return 0, err
	}
	return w.at, w.flush()
}

// offsetWriter collects small records into large writes.
type offsetWriter struct {
	f   *os.File
	at  int64 // where the next byte will stand
	buf []byte
}

func (w *offsetWriter) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	w.at += int64(len(p))
	if len(w.buf) >= 1<<16 {
		return len(p), w.flush()
	}
	return len(p), nil
}

func (w *offsetWriter) flush() error {
	_, err := w.f.Write(w.buf)
	w.buf = w.buf[:0]
	return err
}

func (f *File) next() string { return f.path + ".next" }

// Close makes what was appended durable and lets go of the spool.
func (f *File) Close() error {
	var err error
	if f.f != nil {
		err = f.Sync(f.writtenSoFar())
		err = errors.Join(err, f.f.Close())
	}
	return errors.Join(err, f.lock.Close())
}

func (f *File) writtenSoFar() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.written
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
