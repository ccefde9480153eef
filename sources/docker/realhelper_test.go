package docker

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	moby "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"sluice/internal/record"
)

// realEngine is an engine that runs containers with the printer.
type realEngine struct {
	*client.Client
	env   func(string) string // names it to a source
	image string
}

// engineOf gives the engine of DOCKER_HOST, or of the default socket where
// SLUICE_REQUIRE names docker; else it skips.
func engineOf(t *testing.T) *realEngine {
	t.Helper()
	required := strings.Contains(","+os.Getenv("SLUICE_REQUIRE")+",", ",docker,")
	switch {
	case testing.Short():
		t.Skip("takes seconds")
	case !required && os.Getenv("DOCKER_HOST") == "":
		t.Skip("no engine is named: set DOCKER_HOST, or SLUICE_REQUIRE=docker for the default socket")
	}
	e, err := engineAt(t, os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	e.importImage(t)
	return e
}

// engineAt connects to the engine that env names.
func engineAt(t *testing.T, env func(string) string) (*realEngine, error) {
	t.Helper()
	options, err := hostOptions(env)
	if err != nil {
		return nil, err
	}
	c, err := client.New(options...)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.Ping(t.Context(), client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		return nil, err
	}
	return &realEngine{c, env, fmt.Sprintf("sluice-test-%d:printer", os.Getpid())}, nil
}

// times is how often something random is done: a few times each day, as often as
// promised with SLUICE_TEST_CHAOS=50.
func times(t *testing.T, daily int) int {
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

// importImage makes an image of the printer alone: nothing can be pulled.
func (e *realEngine) importImage(t *testing.T) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "printer")
	build := exec.Command("go", "build", "-o", binary, "./testdata/printer")
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
	_, _ = new(bytes.Buffer).ReadFrom(r)
	t.Cleanup(func() {
		_, _ = e.ImageRemove(context.Background(), e.image, client.ImageRemoveOptions{Force: true})
	})
}

// driver is a logging driver with its options.
func driver(kind, size string, files int) moby.LogConfig {
	return moby.LogConfig{Type: kind, Config: map[string]string{"max-size": size, "max-file": fmt.Sprint(files)}}
}

// create makes a container that prints when it is started.
func (e *realEngine) create(t *testing.T, log moby.LogConfig, tty bool, args ...string) (id, name string) {
	t.Helper()
	return e.createAs(t, moby.HostConfig{LogConfig: log}, tty, args...)
}

func (e *realEngine) createAs(t *testing.T, host moby.HostConfig, tty bool, args ...string) (id, name string) {
	t.Helper()
	host.NetworkMode = "none"
	name = strings.ToLower(strings.NewReplacer("/", "-", ",", "").Replace(fmt.Sprintf("%s-%d", t.Name(), os.Getpid())))
	r, err := e.ContainerCreate(t.Context(), client.ContainerCreateOptions{
		Name:       name,
		Config:     &moby.Config{Image: e.image, Cmd: append([]string{"/printer"}, args...), Tty: tty, Env: []string{"A_TOKEN=of the test"}},
		HostConfig: &host,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.remove(r.ID) })
	return r.ID, name
}

func (e *realEngine) remove(id string) {
	_, _ = e.ContainerRemove(context.Background(), id, client.ContainerRemoveOptions{Force: true})
}

func (e *realEngine) start(t *testing.T, id string) {
	t.Helper()
	if _, err := e.ContainerStart(t.Context(), id, client.ContainerStartOptions{}); err != nil {
		t.Fatal(err)
	}
}

// await waits until a container has stopped.
func (e *realEngine) await(t *testing.T, id string) {
	t.Helper()
	r := e.ContainerWait(t.Context(), id, client.ContainerWaitOptions{})
	select {
	case <-r.Result:
	case err := <-r.Error:
		t.Fatal(err)
	}
}

// mayReadFiles skips what needs the engine's own files where they are not here.
func mayReadFiles(t *testing.T, needed bool) {
	t.Helper()
	if needed && (os.Getuid() != 0 || !strings.HasPrefix(cmp.Or(os.Getenv("DOCKER_HOST"), "unix://"), "unix://")) {
		t.Skip("needs root beside the engine")
	}
}

// tally checks numbered lines as they come: each once, in order.
type tally struct {
	mu      sync.Mutex
	next    map[string]int // by stream; the number that has to come
	step    int
	wrong   string
	missed  int    // places where numbers are missing
	late    bool   // the first number is missing
	doubled string // a number that came again, or in another order
	rest    map[string]string
	changed chan struct{}
}

func newTally(step int) *tally {
	return &tally{next: map[string]int{}, rest: map[string]string{}, step: step, changed: make(chan struct{}, 1)}
}

func (c *tally) emit(b record.Batch) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	stream := b.Origin.Stream
	if _, ok := c.next[stream]; !ok && stream == "stderr" {
		c.next[stream] = 1
	}
	text := c.rest[stream] + string(b.Text)
	for {
		line, rest, ok := strings.Cut(text, "\n")
		if !ok {
			break
		}
		text = rest
		var n int
		if _, err := fmt.Sscan(line, &n); err != nil || n != c.next[stream] {
			text := fmt.Sprintf("%s: %.30q where %d has to come; ", stream, line, c.next[stream])
			if c.wrong == "" {
				c.wrong = text
			}
			switch {
			case err != nil || n < c.next[stream]:
				c.doubled = text
			case c.next[stream] == 0:
				c.late = true
			default:
				c.missed++
			}
			c.next[stream] = n
		}
		c.next[stream] += c.step
	}
	c.rest[stream] = text
	select {
	case c.changed <- struct{}{}:
	default:
	}
	return nil
}

// wait until n lines of stdout have come, or something is wrong.
func (c *tally) wait(t *testing.T, n int) {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		c.mu.Lock()
		done, doubled, at := c.next["stdout"] >= n, c.doubled, c.next["stdout"]
		c.mu.Unlock()
		switch {
		case doubled != "":
			t.Fatal(doubled)
		case done:
			return
		}
		select {
		case <-c.changed:
		case <-limit.C:
			t.Fatalf("%d of %d lines in %s", at, n, patience)
		}
	}
}
