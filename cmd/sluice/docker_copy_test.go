//go:build unix

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The copy of a container's log has every line once and in its stream's order,
// whatever ends the process that writes it.
func TestRealDockerCopyIsKilled(t *testing.T) {
	e := dockerEngine(t)
	for _, driver := range []string{"json-file", "local"} {
		t.Run(driver, func(t *testing.T) {
			id, name := e.create(t, driver, "50m", 5, "-lines=100000000", "-pace=300us", "-both", "-stamp")
			e.start(t, id)
			dir := t.TempDir()
			out := filepath.Join(dir, "copy.log")
			seed := uint64(time.Now().UnixNano())
			random := rand.New(rand.NewPCG(seed, 1))
			begin := func() *containerCopy {
				return startContainerCopy(t, "redact", "--follow", "--state-dir", filepath.Join(dir, "state"), "-o", out, "docker://"+name)
			}
			size := int64(0)
			for range chaosRounds(t, 6) {
				if random.IntN(3) == 0 {
					e.restart(t, id)
				}
				c := begin()
				size = c.waitSize(out, size+random.Int64N(400_000))
				c.end([]syscall.Signal{syscall.SIGKILL, syscall.SIGKILL, syscall.SIGTERM}[random.IntN(3)])
			}
			e.stop(t, id)
			want, total := e.held(t, id), int64(0)
			for _, stream := range want {
				for _, line := range stream {
					total += int64(len(line)) + 1
				}
			}
			c := begin()
			c.waitSize(out, total)
			c.end(syscall.SIGTERM)
			t.Logf("seed %d: %d and %d lines", seed, len(want[0]), len(want[1]))
			compareCopy(t, out, want)
		})
	}
}

// containerCopy is a process that writes a copy.
type containerCopy struct {
	t     *testing.T
	cmd   *exec.Cmd
	said  bytes.Buffer
	ended chan struct{} // closed behind its end; said may be read then
}

func startContainerCopy(t *testing.T, args ...string) *containerCopy {
	t.Helper()
	c := &containerCopy{t: t, cmd: ownProcess(t, args...), ended: make(chan struct{})}
	c.cmd.Env = append(c.cmd.Env, "DOCKER_HOST="+os.Getenv("DOCKER_HOST"))
	c.cmd.Stderr = &c.said
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.ended)
		_ = c.cmd.Wait() // the copy says it
	}()
	t.Cleanup(func() { c.end(syscall.SIGKILL) })
	return c
}

func (c *containerCopy) end(how syscall.Signal) {
	_ = c.cmd.Process.Signal(how)
	<-c.ended
}

// waitSize waits until a file has so many bytes, and returns how many it has.
func (c *containerCopy) waitSize(path string, size int64) int64 {
	c.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		info, err := os.Stat(path)
		if err == nil && info.Size() >= size {
			return info.Size()
		}
		select {
		case <-tick.C:
		case <-c.ended:
			c.t.Fatalf("it ended by itself: %s", c.said.String())
		case <-deadline:
			c.t.Fatalf("%s has not grown to %d bytes: %v", filepath.Base(path), size, info)
		}
	}
}

// compareCopy compares the lines of a copy with those of both streams: odd
// numbers are standard error's.
func compareCopy(t *testing.T, path string, want [2][]string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got [2][]string
	for line := range strings.Lines(string(text)) {
		var run, n int
		if _, err := fmt.Sscan(line, &run, &n); err != nil {
			t.Fatalf("a line %.40q", line)
		}
		got[n%2] = append(got[n%2], strings.TrimSuffix(line, "\n"))
	}
	for stream := range want {
		for i := range max(len(got[stream]), len(want[stream])) {
			if i >= len(got[stream]) || i >= len(want[stream]) || got[stream][i] != want[stream][i] {
				t.Fatalf("stream %d: %d lines, want %d; they differ at line %d", stream, len(got[stream]), len(want[stream]), i)
			}
		}
	}
}
