//go:build unix

package lines

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Interruptible gives a reader of r whose Read returns ctx's error when ctx
// ends, also while r is a pipe or a terminal that nobody writes to. No byte is
// lost to it: what was not read is still in the pipe. Call stop when no Read is
// under way and none will follow. A reader that is no *os.File is returned as it
// is: it ends at its next byte.
func Interruptible(ctx context.Context, r io.Reader) (reader io.Reader, stop func(), err error) {
	f, ok := r.(*os.File)
	if !ok {
		return r, func() {}, nil
	}
	woken, wake, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	ran := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(ran)
		_ = wake.Close() // seen by poll as the end of woken
	})
	stop = func() {
		if cancel() {
			_ = wake.Close()
		} else {
			<-ran
		}
		_ = woken.Close()
	}
	return &polled{ctx: ctx, file: f, woken: woken}, stop, nil
}

// polled waits in poll(2) and not in read(2), which nothing can end. The file
// stays in the mode it has: O_NONBLOCK on a terminal would be set for the shell
// too.
type polled struct {
	ctx         context.Context // of the one Run that owns this reader
	file, woken *os.File
}

func (p *polled) Read(b []byte) (int, error) {
	if err := p.wait(); err != nil {
		return 0, err
	}
	return p.file.Read(b)
}

func (p *polled) wait() error {
	file, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	woken, err := p.woken.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	outer := file.Control(func(fd uintptr) {
		failed = woken.Control(func(wokenFd uintptr) {
			fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(wokenFd), Events: unix.POLLIN}}
			for {
				// An error leaves it to Read to say what is wrong.
				if _, err := unix.Poll(fds, -1); !errors.Is(err, unix.EINTR) {
					return
				}
			}
		})
	})
	if err := errors.Join(outer, failed); err != nil {
		return err
	}
	return p.ctx.Err()
}
