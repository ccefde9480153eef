//go:build unix

package docker

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"
)

// socketRefuses says what to do if this process may not use the socket at path;
// nil: it may, or the trouble is another.
func socketRefuses(path string) error {
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = c.Close()
		return nil
	}
	if !errors.Is(err, fs.ErrPermission) {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("%w: %s is in a folder that user %d may not enter", errPermission, path, os.Getuid())
	}
	group := "its group"
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		group = fmt.Sprint(st.Gid)
	}
	return fmt.Errorf("%w: %s belongs to group %s, and user %d is not in it: "+
		"add `group_add: [\"%s\"]` to the service (docker run --group-add %s), or name a read-only socket proxy in DOCKER_HOST",
		errPermission, path, group, os.Getuid(), group, group)
}
