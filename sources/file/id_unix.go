//go:build unix

package file

import (
	"io/fs"
	"syscall"
)

// fileID tells a file from others as long as it is held open: its number is
// given to the next one when it is gone.
type fileID struct{ Dev, Ino uint64 }

func idOf(info fs.FileInfo) fileID {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{}
	}
	return fileID{uint64(st.Dev), uint64(st.Ino)} //nolint:unconvert // the types differ between systems
}

// linked says whether the file still has a name.
func linked(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return !ok || st.Nlink > 0
}

const noFollow = syscall.O_NOFOLLOW
