package file

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"

	"sluice/internal/lines"
	"sluice/internal/record"
	"sluice/sources/archive"
)

// read reads one target. err is what could not be read of it; fatal ends all.
func (s *Source) read(ctx context.Context, t target, emit func(record.Batch) error) (err, fatal error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.current.Store(&t.name)
	file, info, err := t.open()
	if err != nil {
		return explain(t.name, err), nil
	}
	defer file.Close()
	switch mode := info.Mode(); {
	case mode.IsRegular():
	case t.root != nil || mode.IsDir():
		return explain(t.name, fmt.Errorf("is no longer a file")), nil
	}
	cfg := s.cfg.Archive
	if tell := cfg.OnEntry; tell != nil {
		cfg.OnEntry = func(e archive.Entry) error {
			fatal = tell(e)
			return fatal
		}
	}
	in, stop, err := s.input(ctx, t, file, info)
	if err != nil {
		return explain(t.name, err), nil
	}
	defer stop()
	err = archive.Expand(ctx, in, cfg, func(b record.Batch) error {
		fatal = emit(b)
		return fatal
	})
	if fatal == nil {
		fatal = ctx.Err()
	}
	if fatal == nil && err == nil && info.Mode().IsRegular() {
		s.sayGrown(t.name, file, info.Size())
	}
	return err, fatal
}

// open opens without waiting: for the writer of a pipe, the first read waits.
func (t target) open() (*os.File, fs.FileInfo, error) {
	const flags = os.O_RDONLY | syscall.O_NONBLOCK
	var file *os.File
	var err error
	if t.root != nil {
		file, err = t.root.OpenFile(t.rel, flags, 0)
	} else {
		file, err = os.OpenFile(t.name, flags, 0)
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// input is what archive reads. A regular file ends at the size it has now; a
// file without size (those of /proc) at its end.
func (s *Source) input(ctx context.Context, t target, file *os.File, info fs.FileInfo) (archive.Input, func(), error) {
	in := archive.Input{Entry: archive.Entry{
		Origin: record.Origin{Kind: Kind, Name: t.name},
		Stream: t.name, Path: t.name, Mode: info.Mode(), ModTime: info.ModTime(),
	}}
	if !info.Mode().IsRegular() {
		r, stop, err := lines.Interruptible(ctx, file)
		in.Reader = &bounded{src: r, done: &s.done}
		return in, stop, err
	}
	in.Reader = &bounded{src: file, left: info.Size(), sized: info.Size() > 0, done: &s.done}
	if in.Size = info.Size(); in.Size > 0 {
		in.At = &countedAt{file, &s.done}
	}
	return in, func() {}, nil
}

// bounded reads a file up to its size. It is an error when that is not there
// any more.
type bounded struct {
	src   io.Reader
	left  int64
	sized bool // else left means nothing
	done  *atomic.Int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.sized && b.left == 0 {
		return 0, io.EOF
	}
	if b.sized {
		p = p[:min(int64(len(p)), b.left)]
	}
	n, err := b.src.Read(p)
	b.done.Add(int64(n))
	if b.sized {
		if b.left -= int64(n); err == io.EOF && b.left > 0 {
			err = shrunk{b.left}
		}
	}
	return n, err
}

// shrunk is a file that was cut while it was read: rotated by copying, or
// written anew.
type shrunk struct{ missing int64 }

func (s shrunk) Error() string {
	return fmt.Sprintf("the file got shorter while it was read: %d bytes were not examined; read it again", s.missing)
}

func (s shrunk) Unread() string { return "the file got shorter while it was read" }

// countedAt counts what random access reads.
type countedAt struct {
	src  io.ReaderAt
	done *atomic.Int64
}

func (c *countedAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.src.ReadAt(p, off)
	c.done.Add(int64(n))
	return n, err
}

// sayGrown tells of bytes that came behind the size we read up to.
func (s *Source) sayGrown(name string, file *os.File, size int64) {
	if now, err := file.Stat(); err == nil && now.Size() > size && size > 0 {
		s.cfg.Log.Info("the file grew while it was read; it was read up to its size at the start",
			"path", record.Printable(name), "bytes", size, "more", now.Size()-size)
	}
}
