package docker

import (
	"bufio"
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
	path string
	file *os.File
	at   int64 // bytes of file that were read
}

const (
	// soonest and latest bound the pause before a file that did not grow is
	// looked at again.
	soonest = 5 * time.Millisecond
	latest  = 100 * time.Millisecond
)

func tailFile(ctx context.Context, path string) (*fileTail, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, pathless(err)
	}
	t := &fileTail{ctx: ctx, path: path, file: f}
	if t.at, err = lastLine(f); err == nil {
		_, err = f.Seek(t.at, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, pathless(err)
	}
	t.r = bufio.NewReaderSize(t, fileBuffer)
	return t, nil
}

// lastLine is where the line begins that is being written: behind the last line
// end, at most a buffer before the file's end.
func lastLine(f *os.File) (int64, error) {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	from := max(end-fileBuffer, 0)
	buf := make([]byte, end-from)
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
	n, err := t.file.Read(p)
	t.at += int64(n)
	return n, err
}

// Close closes the file.
func (t *fileTail) Close() error { return t.file.Close() }

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
// file that became shorter, or that is not the one before the newest, is lost
// sight of: who follows reads what lies between in another way.
func (t *fileTail) turn() (moved bool, err error) {
	same, err := isAt(t.file, t.path)
	if err != nil {
		return false, io.ErrUnexpectedEOF // between two names
	}
	info, err := t.file.Stat()
	if err != nil || info.Size() < t.at {
		return false, io.ErrUnexpectedEOF
	}
	if same || info.Size() > t.at {
		return info.Size() > t.at, nil
	}
	next, err := openLog(t.path)
	if err != nil || len(next.files) < 2 || len(t.buf) > 0 && t.buf[len(t.buf)-1] != '\n' {
		next.close()
		return false, io.ErrUnexpectedEOF
	}
	before, err := next.files[1].Stat()
	if err != nil || !os.SameFile(before, info) {
		next.close()
		return false, io.ErrUnexpectedEOF
	}
	_ = t.file.Close()
	t.file, t.at = next.files[0], 0
	next.files = next.files[1:]
	next.close()
	t.r.Reset(t)
	return true, nil
}
