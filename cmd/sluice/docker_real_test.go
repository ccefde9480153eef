//go:build unix

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	moby "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// realDocker is an engine that runs containers with the printer of
// sources/docker.
type realDocker struct {
	*client.Client
	image string
}

// dockerEngine gives the engine of DOCKER_HOST, or of the default socket where
// SLUICE_REQUIRE names docker; else it skips.
func dockerEngine(t *testing.T) *realDocker {
	t.Helper()
	required := strings.Contains(","+os.Getenv("SLUICE_REQUIRE")+",", ",docker,")
	switch {
	case testing.Short():
		t.Skip("takes seconds")
	case !required && os.Getenv("DOCKER_HOST") == "":
		t.Skip("no engine is named: set DOCKER_HOST, or SLUICE_REQUIRE=docker for the default socket")
	}
	c, err := client.New(client.FromEnv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.Ping(t.Context(), client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		t.Fatal(err)
	}
	e := &realDocker{c, fmt.Sprintf("sluice-watch-test-%d:printer", os.Getpid())}
	e.importPrinter(t)
	return e
}

// chaosRounds is how often something random is done: a few times each day, as
// often as promised with SLUICE_TEST_CHAOS=50.
func chaosRounds(t *testing.T, daily int) int {
	t.Helper()
	text := os.Getenv("SLUICE_TEST_CHAOS")
	if text == "" {
		return daily
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("SLUICE_TEST_CHAOS: %v", err)
	}
	return n
}

// importPrinter makes an image of one program: nothing can be pulled.
func (e *realDocker) importPrinter(t *testing.T) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "printer")
	build := exec.Command("go", "build", "-o", binary, "../../sources/docker/testdata/printer")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the printer: %v: %s", err, out)
	}
	text, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	if err := w.WriteHeader(&tar.Header{Name: "printer", Mode: 0o755, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(text)
	_ = w.Close()
	name, tag, _ := strings.Cut(e.image, ":")
	r, err := e.ImageImport(t.Context(), client.ImageImportSource{Source: &layer, SourceName: "-"}, name, client.ImageImportOptions{Tag: tag})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = e.ImageRemove(context.Background(), e.image, client.ImageRemoveOptions{Force: true})
	})
}

// create makes a container that prints when it is started.
func (e *realDocker) create(t *testing.T, driver, size string, files int, args ...string) (id, name string) {
	t.Helper()
	name = strings.ToLower(strings.NewReplacer("/", "-").Replace(fmt.Sprintf("%s-%d", t.Name(), os.Getpid())))
	r, err := e.ContainerCreate(t.Context(), client.ContainerCreateOptions{
		Name:   name,
		Config: &moby.Config{Image: e.image, Cmd: append([]string{"/printer"}, args...)},
		HostConfig: &moby.HostConfig{NetworkMode: "none", LogConfig: moby.LogConfig{
			Type: driver, Config: map[string]string{"max-size": size, "max-file": fmt.Sprint(files)},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = e.ContainerRemove(context.Background(), r.ID, client.ContainerRemoveOptions{Force: true})
	})
	return r.ID, name
}

func (e *realDocker) start(t *testing.T, id string) {
	t.Helper()
	if _, err := e.ContainerStart(t.Context(), id, client.ContainerStartOptions{}); err != nil {
		t.Fatal(err)
	}
}

// restart kills what runs in a container and starts it again.
func (e *realDocker) restart(t *testing.T, id string) {
	t.Helper()
	zero := 0
	if _, err := e.ContainerRestart(t.Context(), id, client.ContainerRestartOptions{Timeout: &zero}); err != nil {
		t.Fatal(err)
	}
}

func (e *realDocker) stop(t *testing.T, id string) {
	t.Helper()
	zero := 0
	if _, err := e.ContainerStop(t.Context(), id, client.ContainerStopOptions{Timeout: &zero}); err != nil {
		t.Fatal(err)
	}
}

// await waits until a container has stopped.
func (e *realDocker) await(t *testing.T, id string) {
	t.Helper()
	r := e.ContainerWait(t.Context(), id, client.ContainerWaitOptions{})
	select {
	case <-r.Result:
	case err := <-r.Error:
		t.Fatal(err)
	}
}

// held is the lines of both streams that the daemon holds of a stopped
// container, by a request and a reader of its own.
func (e *realDocker) held(t *testing.T, id string) (out [2][]string) {
	t.Helper()
	r, err := e.ContainerLogs(t.Context(), id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		text := make([]byte, binary.BigEndian.Uint32(head[4:]))
		if _, err := io.ReadFull(r, text); err != nil || head[0] != 1 && head[0] != 2 {
			t.Fatalf("a frame of stream %d: %v", head[0], err)
		}
		out[head[0]-1] = append(out[head[0]-1], strings.TrimSuffix(string(text), "\n"))
	}
}
