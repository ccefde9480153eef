package docker

import (
	"os"
	"regexp"
	"strings"
)

var (
	fullID  = regexp.MustCompile(`[0-9a-f]{64}`)
	shortID = regexp.MustCompile(`^[0-9a-f]{12}$`)
)

// self is the id of the container that this process runs in, or the twelve
// characters of it that are its host name; "": in none.
func self() string {
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	groups, _ := os.ReadFile("/proc/self/cgroup")
	_, err := os.Stat("/.dockerenv")
	host, _ := os.Hostname()
	return selfFrom(string(mounts), string(groups), err == nil, host)
}

// selfFrom reads mountinfo, where a daemon mounts its containers/ID/hostname
// over /etc/hostname, and version 1 control groups, which are named for the id.
// A host name tells only inside a container: others may choose it.
func selfFrom(mountinfo, cgroup string, container bool, host string) string {
	for _, line := range strings.Split(mountinfo, "\n") {
		f := strings.Fields(line)
		if len(f) < 5 || f[4] != "/etc/hostname" && f[4] != "/etc/hosts" && f[4] != "/etc/resolv.conf" {
			continue
		}
		if _, rest, ok := strings.Cut(f[3], "containers/"); ok {
			if id := fullID.FindString(rest); id != "" {
				return id
			}
		}
	}
	for _, line := range strings.Split(cgroup, "\n") {
		if i := strings.LastIndex(line, "docker"); i >= 0 {
			if id := fullID.FindString(line[i:]); id != "" {
				return id
			}
		}
	}
	if container && shortID.MatchString(host) {
		return host
	}
	return ""
}

// isSelf says whether id is the container that Sluice runs in.
func (s *Source) isSelf(id string) bool {
	return s.cfg.Self != "" && strings.HasPrefix(id, s.cfg.Self)
}
