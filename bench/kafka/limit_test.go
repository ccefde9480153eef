package kafka

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// period is that of a quota, in microseconds.
const period = 100_000

// quota is a control group that has a part of one core, no more, and no less as
// long as others can be made to wait.
type quota struct{ dir string }

// newQuota makes a group with a part of a core for a test, under the first
// version of control groups or the second. It needs the rights for that.
func newQuota(t *testing.T, part float64) (*quota, error) {
	name := fmt.Sprintf("sluice-bench-%d-%d", os.Getpid(), os.Getuid())
	limit := int(part * period)
	for _, way := range []struct{ root, most, limit, weight, first string }{
		{"/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", strconv.Itoa(limit), "cpu.shares", "65536"},
		{"/sys/fs/cgroup", "cpu.max", fmt.Sprint(limit, " ", period), "cpu.weight", "10000"},
	} {
		for i := range 100 {
			q := &quota{filepath.Join(way.root, fmt.Sprint(name, "-", i))}
			if err := os.Mkdir(q.dir, 0o755); errors.Is(err, os.ErrExist) {
				continue
			} else if err != nil {
				break
			}
			t.Cleanup(func() { _ = os.Remove(q.dir) }) // it is not empty while a process lives
			if q.set(way.most, way.limit) == nil && q.set(way.weight, way.first) == nil {
				return q, nil
			}
			break
		}
	}
	return nil, errors.New("no control group with a quota can be made here")
}

func (q *quota) set(file, text string) error {
	return os.WriteFile(filepath.Join(q.dir, file), []byte(text), 0o600)
}

// put makes a command run in the group from its first instruction on.
func (q *quota) put(cmd *exec.Cmd) {
	cmd.Args = append([]string{"sh", "-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(q.dir, "cgroup.procs"), cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
}
