package kafka

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is what Linux counts processor time in, whatever its clock runs at.
const tick = 10 * time.Millisecond

// processorOf is the processor time of a process so far, 0 if it is not known.
func processorOf(pid string) time.Duration {
	text, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if pid == "" || err != nil {
		return 0
	}
	// The name, in brackets, may hold anything; the times are fields 14 and 15.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, uerr := strconv.Atoi(fields[11])
	system, serr := strconv.Atoi(fields[12])
	if uerr != nil || serr != nil {
		return 0
	}
	return time.Duration(user+system) * tick
}
