package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
)

// What the heap of a pass grows into has the advice, unless the collector is the
// user's, and keeps it once the memory that it was given for is collected.
func TestHeapIsAdvised(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage/enabled"); err != nil {
		t.Skip("this system has no pages of two megabytes:", err)
	}
	without, with := advised(t, "GOGC=100"), advised(t)
	if more := with - without; more < heapStart {
		t.Errorf("%d bytes are advised, and %d without: want %d more", with, without, heapStart)
	}
}

// advised is how much of the memory of a pass that has passed a line on has the
// advice, bytes: the runtime gives it to some of its own.
func advised(t *testing.T, env ...string) (bytes int) {
	t.Helper()
	cmd := ownProcess(t, "redact")
	cmd.Env = append(cmd.Env, env...)
	const line = "a line\n"
	measured := make(chan struct{})
	cmd.Stdin = io.MultiReader(strings.NewReader(line), waiting(measured))
	out := &reaching{at: int64(len(line)), reached: make(chan struct{})}
	cmd.Stdout = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-out.reached
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", cmd.Process.Pid))
	close(measured)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip("the system does not tell what is mapped:", err)
	}
	size := 0
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "Size":
			kib, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(value, "kB")))
			size = kib << 10
		case "VmFlags":
			if strings.Contains(value+" ", " hg ") {
				bytes += size
			}
		}
	}
	return bytes
}
