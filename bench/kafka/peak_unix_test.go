//go:build unix

package kafka

import (
	"os"
	"syscall"
)

// peakOf is the most memory that a process had, in KiB on Linux.
func peakOf(s *os.ProcessState) int64 {
	if u, ok := s.SysUsage().(*syscall.Rusage); ok {
		return int64(u.Maxrss)
	}
	return 0
}
