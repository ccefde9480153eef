package docker

import (
	"fmt"

	"github.com/docker/go-units"
)

// enough is what a container's log should hold, in bytes, so that a burst is not
// rotated away before it is read: a driver writes 20 MB/s.
const enough = 20 << 20

// shortRetention says what is wrong with a container's rotation; "": nothing.
func shortRetention(d details) string {
	size, files := int64(0), int64(1) // json-file: one file without a limit
	switch d.driver {
	case "json-file":
	case "local":
		size, files = 20<<20, 5
	default:
		return "" // held in the daemon's cache, or elsewhere
	}
	if v := d.options["max-size"]; v != "" && v != "-1" {
		n, err := units.FromHumanSize(v)
		if err != nil {
			return ""
		}
		size = n
	}
	if v := d.options["max-file"]; v != "" {
		var n int64
		if _, err := fmt.Sscan(v, &n); err != nil {
			return ""
		}
		files = n
	}
	if size <= 0 || files > 1 && size*files >= enough {
		return ""
	}
	return fmt.Sprintf("the daemon keeps %d file(s) of %s of its log: what is printed in a burst can be rotated away before it is read; "+
		"set max-size=10m and max-file=3 or more", files, units.HumanSize(float64(size)))
}
