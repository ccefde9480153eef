package docker

import (
	"fmt"
	"time"

	"github.com/docker/go-units"
)

// enough is what a container's log should hold, in bytes, so that a burst is not
// rotated away before it is read: a driver writes 20 MB/s.
const enough = 20 << 20

// retention is how many files of what size a daemon keeps of a log; size 0: one
// file without a limit, or none that can be told.
func retention(d details) (size, files int64) {
	files = 1
	switch d.driver {
	case "json-file":
	case "local":
		size, files = 20<<20, 5
	default:
		return 0, 0 // held in the daemon's cache, or elsewhere
	}
	if v := d.options["max-size"]; v != "" && v != "-1" {
		n, err := units.FromHumanSize(v)
		if err != nil {
			return 0, 0
		}
		size = n
	}
	if v := d.options["max-file"]; v != "" {
		var n int64
		if _, err := fmt.Sscan(v, &n); err != nil {
			return 0, 0
		}
		files = n
	}
	return max(size, 0), files
}

// shortRetention says what is wrong with a container's rotation; "": nothing.
func shortRetention(d details) string {
	size, files := retention(d)
	if size == 0 || files > 1 && size*files >= enough {
		return ""
	}
	return fmt.Sprintf("the daemon keeps %d file(s) of %s of its log: what is printed in a burst can be rotated away before it is read; "+
		"set max-size=10m and max-file=3 or more", files, units.HumanSize(float64(size)))
}

const (
	// quickest is how fast a daemon fills a small file, in bytes per second:
	// 336 MB/s was measured on two busy cores. steadiest is for what is larger
	// than a pipe, of which a tenth of that was.
	quickest  = 1 << 30
	steadiest = 256 << 20
	// smallFile is below what any silence of a log is doubted; a larger file is
	// filled behind a follower's back by a busy container only.
	smallFile = 2 << 20
)

// jumpOf is how long it takes to fill a file of a log, at least: a follow
// connection that is silent for so long, in the log's time, may have skipped one.
// 0: no file is ever skipped.
func jumpOf(size int64) time.Duration {
	rate := float64(steadiest)
	if size < smallFile {
		rate = quickest
	}
	return time.Duration(float64(size) / rate * float64(time.Second))
}
