package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// pipeSize is what a pipe holds where the system lets it, bytes: a child that
// prints a flood fills the usual 64 KiB faster than a busy machine turns to us.
const pipeSize = 1 << 20

// widen makes a pipe hold more. One that does not is a pipe all the same.
func widen(f *os.File) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) })
}
