package file

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// notifier is an inotify descriptor. fsnotify, which other followers use, is told
// of each write to a file: that is what they spend most of their time on. A watch
// that ends with its first event tells of a log at rest and costs a busy one
// nothing.
type notifier struct{ file *os.File }

func newNotifier() (*notifier, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if errors.Is(err, unix.EMFILE) {
		return nil, fmt.Errorf("inotify: %w: the user has too many of them (fs.inotify.max_user_instances), or the process too many files", err)
	}
	if err != nil {
		return nil, fmt.Errorf("inotify: %w", err)
	}
	return &notifier{os.NewFile(uintptr(fd), "inotify")}, nil
}

func (n *notifier) close() { _ = n.file.Close() } // it holds nothing

// folder tells of names that come and go in a folder.
func (n *notifier) folder(dir string) (watch, error) {
	return n.add(dir, unix.IN_CREATE|unix.IN_MOVED_TO|unix.IN_MOVED_FROM|unix.IN_DELETE|unix.IN_MOVE_SELF|unix.IN_ONLYDIR)
}

// once tells of the first thing that happens to a file from now on.
func (n *notifier) once(path string) (watch, error) {
	return n.add(path, unix.IN_MODIFY|unix.IN_ATTRIB|unix.IN_MOVE_SELF|unix.IN_ONESHOT)
}

func (n *notifier) add(path string, mask uint32) (w watch, err error) {
	err = n.control(func(fd int) error {
		got, err := unix.InotifyAddWatch(fd, path, mask)
		w = watch(got)
		return err
	})
	if errors.Is(err, unix.ENOSPC) {
		return 0, fmt.Errorf("inotify: the user may watch no more files (fs.inotify.max_user_watches): %w", errNoWatches)
	}
	return w, err
}

func (n *notifier) drop(w watch) {
	_ = n.control(func(fd int) error { // one that has ended already is no trouble
		_, err := unix.InotifyRmWatch(fd, uint32(w))
		return err
	})
}

// control keeps the descriptor open while f uses it.
func (n *notifier) control(f func(fd int) error) error {
	raw, err := n.file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// read sends what happens until ctx ends or the notifier is closed.
func (n *notifier) read(ctx context.Context, to chan<- []event) {
	buf := make([]byte, 64<<10)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
		size, err := n.file.Read(buf)
		if err != nil {
			return // closed
		}
		select {
		case to <- parseEvents(buf[:size]):
		case <-ctx.Done():
			return
		}
		pause.Reset(notifyEvery)
	}
}

// parseEvents reads what the kernel wrote: watch, mask, cookie and length of the
// name, four bytes each, and the name, padded with NULs.
func parseEvents(b []byte) (events []event) {
	for len(b) >= unix.SizeofInotifyEvent {
		mask := binary.NativeEndian.Uint32(b[4:])
		size := int(binary.NativeEndian.Uint32(b[12:]))
		e := event{watch: watch(binary.NativeEndian.Uint32(b)), is: changed}
		b = b[unix.SizeofInotifyEvent:]
		if size > len(b) {
			break // the kernel writes whole events
		}
		name, _, _ := bytes.Cut(b[:size], []byte{0})
		e.name, b = string(name), b[size:]
		switch {
		case mask&unix.IN_Q_OVERFLOW != 0:
			e.is = overflow
		case mask&(unix.IN_IGNORED|unix.IN_UNMOUNT) != 0:
			e.is = watchEnded
		case mask&unix.IN_MOVE_SELF != 0:
			e.is = folderMoved
		}
		events = append(events, e)
	}
	return events
}
