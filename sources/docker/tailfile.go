package docker

import (
	"context"
	"io"
	"os"
	"time"
)

// fileTail follows a json-file log from its end. It ends where it cannot be sure
// that nothing lies between what it has read and what is there.
type fileTail struct {
	fileDecoder
	ctx  context.Context // of its request
	log  *keeper
	file *generation
	at   int64 // bytes of file that were read
}

func tailFile(ctx context.Context, log *keeper) (*fileTail, error) {
	if err := log.look(); err != nil {
		return nil, pathless(err)
	}
	newest, err := log.newest()
	if err != nil {
		return nil, err
	}
	t := &fileTail{ctx: ctx, log: log}
	if err := t.begin(newest); err != nil {
		log.done(newest)
		return nil, pathless(err)
	}
	return t, nil
}

// begin goes on at the end of the last line of a file.
func (t *fileTail) begin(newest *generation) (err error) {
	t.file = newest
	t.at, err = lastLine(newest.File)
	t.fileDecoder = newFileDecoder([]part{{Reader: t, n: newest.n}})
	return err
}

// lastLine is where the line begins that is being written: behind the last line
// end, at most a buffer before the file's end.
func lastLine(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	from := max(info.Size()-fileBuffer, 0)
	buf := make([]byte, info.Size()-from)
	n, err := f.ReadAt(buf, from)
	if err != nil && err != io.EOF {
		return 0, err
	}
	for n > 0 && buf[n-1] != '\n' {
		n--
	}
	return from + int64(n), nil
}

// Read is of the file that is read now.
func (t *fileTail) Read(p []byte) (int, error) {
	n, err := t.file.ReadAt(p, t.at)
	t.at += int64(n)
	return n, err
}

// Close is the end of its use of the file.
func (t *fileTail) Close() error {
	t.log.done(t.file)
	return nil
}

// next waits for a message.
func (t *fileTail) next() (message, error) {
	for pause := soonest; ; pause = min(2*pause, latest) {
		m, err := t.fileDecoder.next()
		if err != io.EOF {
			return m, err
		}
		moved, err := t.turn()
		if err != nil {
			return message{}, err
		}
		if moved {
			continue
		}
		timer := time.NewTimer(pause)
		select {
		case <-t.ctx.Done():
			timer.Stop()
			return message{}, t.ctx.Err()
		case <-timer.C:
		}
	}
}

// turn goes on to the next file, if this one was rotated and read to its end. A
// file that became shorter, or that has not all of the next line, is lost sight
// of: who follows reads what lies between in another way.
func (t *fileTail) turn() (moved bool, err error) {
	if t.log.look() != nil {
		return false, io.ErrUnexpectedEOF // removed
	}
	next := t.log.next(t.file) // before the size is asked: behind it nothing is written
	info, err := t.file.Stat()
	switch {
	case err == nil && info.Size() == t.at && next == nil:
		return false, nil
	case err == nil && info.Size() > t.at:
		if next != nil {
			t.log.done(next)
		}
		return true, nil
	case err != nil || info.Size() < t.at || next.hole || next.n != t.file.n+1 || !t.atLine():
		if next != nil {
			t.log.done(next)
		}
		return false, io.ErrUnexpectedEOF
	}
	t.log.done(t.file)
	t.file, t.at = next, 0
	t.follow(part{Reader: t, n: next.n})
	return true, nil
}
