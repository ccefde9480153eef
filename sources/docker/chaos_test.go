package docker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"sluice/internal/record"
)

// ownDaemon is a dockerd of this test alone, which may be killed.
type ownDaemon struct {
	*realEngine
	folder string
	cmd    *exec.Cmd
	ended  chan struct{}
}

// daemonOf starts one; without dockerd, or the right to run it, it skips.
func daemonOf(t *testing.T) *ownDaemon {
	t.Helper()
	if testing.Short() || !strings.Contains(","+os.Getenv("SLUICE_REQUIRE")+",", ",docker,") {
		t.Skip("a daemon of its own is started where SLUICE_REQUIRE names docker")
	}
	if _, err := exec.LookPath("dockerd"); err != nil || os.Getuid() != 0 {
		t.Skip("no dockerd here, or no right to run it")
	}
	folder, err := os.MkdirTemp("", "dockerd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unmount(folder)
		_ = os.RemoveAll(folder)
	})
	d := &ownDaemon{folder: folder}
	d.up(t)
	t.Cleanup(func() { d.down(os.Interrupt) })
	if d.realEngine, err = engineAt(t, environ("DOCKER_HOST=unix://"+filepath.Join(folder, "s"))); err != nil {
		t.Fatal(err)
	}
	d.importImage(t)
	return d
}

// unmount takes away what a daemon mounted in its folder and leaves there.
func unmount(folder string) {
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[1], folder+"/") {
			_ = exec.Command("umount", "--lazy", f[1]).Run()
		}
	}
}

func (d *ownDaemon) up(t *testing.T) {
	t.Helper()
	socket := "unix://" + filepath.Join(d.folder, "s")
	d.cmd = exec.Command("dockerd", "--host", socket, "--data-root", filepath.Join(d.folder, "data"),
		"--exec-root", filepath.Join(d.folder, "exec"), "--pidfile", filepath.Join(d.folder, "pid"), "--storage-driver", "vfs",
		"--log-level", "error", "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false")
	var said bytes.Buffer
	d.cmd.Stderr = &said
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	d.ended = ended
	cmd := d.cmd
	go func() { _ = cmd.Wait(); close(ended) }()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		if _, err := engineAt(t, environ("DOCKER_HOST="+socket)); err == nil {
			return
		}
		select {
		case <-ended:
			t.Fatalf("dockerd ended by itself: %s", said.String())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("dockerd does not answer")
		}
	}
}

func (d *ownDaemon) down(how os.Signal) {
	_ = d.cmd.Process.Signal(how)
	<-d.ended
	// A daemon that finds the containerd of the killed one about to end would
	// wait for it.
	pid, err := os.ReadFile(filepath.Join(d.folder, "exec", "containerd", "containerd.pid"))
	for end := time.Now().Add(time.Minute); err == nil && time.Now().Before(end); {
		<-time.After(10 * time.Millisecond)
		_, err = os.Stat("/proc/" + strings.TrimSpace(string(pid)))
	}
}

// committed is what a sink keeps through the kill of its source: the text as far
// as the marks that were committed with it, every few batches.
type committed struct {
	*sink
	every int
	n     int
	marks []record.Mark
	size  map[string]int
}

func (c *committed) emit(b record.Batch) error {
	err := c.sink.emit(b)
	if c.n++; err == nil && c.n%c.every == 0 {
		c.commit()
	}
	return err
}

func (c *committed) commit() {
	c.marks, c.size = c.resume(), map[string]int{}
	for stream, text := range c.text {
		c.size[stream] = len(text)
	}
}

// cutBack takes out what was not committed, and returns how many bytes that is.
func (c *committed) cutBack() (bytes int) {
	cut := &sink{text: map[string]string{}, marks: map[string]record.Mark{}, final: map[string]int{}, gaps: c.gaps, changed: make(chan struct{})}
	for stream, text := range c.text {
		cut.text[stream] = text[:c.size[stream]]
		bytes += len(text) - c.size[stream]
	}
	for _, m := range c.marks {
		cut.marks[m.Stream] = m
	}
	c.sink = cut
	return bytes
}

// Container, daemon and source are restarted and killed at random moments. What
// was read to the committed marks and from them on is what the daemon holds, to
// the byte: nothing is lost, and doubled at most what was not committed.
func TestRealEngineChaos(t *testing.T) {
	d := daemonOf(t)
	for _, kind := range []string{"json-file", "local"} {
		t.Run(kind, func(t *testing.T) {
			id, name := d.create(t, driver(kind, "50m", 5), false, "-lines=100000000", "-pace=300us", "-both", "-wide=20000", "-stamp")
			d.start(t, id)
			s := &committed{sink: newSink(), every: 20, size: map[string]int{}}
			cfg := Config{Name: name, Follow: true, Env: d.env, Self: "none", OnGap: func(g Gap) { s.gap(g) }}
			_, stop := runSource(New(cfg), s.emit)
			seed := uint64(time.Now().UnixNano())
			random, again, done := rand.New(rand.NewPCG(seed, 1)), 0, map[string]int{}
			for range times(t, 8) {
				what := []string{"container", "daemon", "daemon killed", "source", "source killed"}[random.IntN(5)]
				done[what]++
				wait(t, time.Duration(random.IntN(400))*time.Millisecond)
				switch what {
				case "container":
					d.restart(t, id)
				case "daemon", "daemon killed":
					how := os.Interrupt
					if what == "daemon killed" && kind != "local" { // that leaves a log which it cannot read
						how = os.Kill
					}
					d.down(how)
					d.up(t)
					d.start(t, id)
				case "source":
					_ = stop()
					s.commit()
					fallthrough
				default:
					_ = stop()
					again += s.cutBack()
					cfg.Marks = s.marks
					_, stop = runSource(New(cfg), s.emit)
				}
			}
			zero := 0
			if _, err := d.ContainerStop(t.Context(), id, client.ContainerStopOptions{Timeout: &zero}); err != nil {
				t.Fatal(err)
			}
			want := d.held(t, id)
			settled(t, s, id, want)
			_ = stop()
			t.Logf("seed %d: %v; %d and %d bytes, %d of them read twice; gaps %d", seed, done, len(want[0]), len(want[1]), again, len(s.gaps))
			if len(s.gaps) > 0 {
				t.Errorf("gaps: %v", s.gaps)
			}
		})
	}
}

func (e *realEngine) restart(t *testing.T, id string) {
	t.Helper()
	zero := 0
	if _, err := e.ContainerRestart(t.Context(), id, client.ContainerRestartOptions{Timeout: &zero}); err != nil {
		t.Fatal(err)
	}
}

// wait lets containers print meanwhile.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
}

// held is what the daemon holds of both streams, in one request.
func (e *realEngine) held(t *testing.T, id string) (text [sides]string) {
	t.Helper()
	a, err := newAPI(client.WithHost(e.env("DOCKER_HOST")))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	r, err := a.Logs(t.Context(), request{id: id, tail: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var lines [sides]strings.Builder
	var open [sides]int64 // stamp of the line whose end has not come
	for {
		m, err := r.next()
		if err == io.EOF {
			return [sides]string{lines[0].String(), lines[1].String()}
		}
		if err != nil {
			t.Fatal(err)
		}
		out, n := &lines[m.side], len(m.text)
		if open[m.side] != 0 && open[m.side] != m.stamp {
			out.WriteByte('\n') // a run that ended in a line
		}
		out.Write(m.text)
		open[m.side] = 0
		switch {
		case n > 0 && m.text[n-1] == '\n':
		case n < pieceSize:
			out.WriteByte('\n') // so did this one, or the driver dropped it
		default:
			open[m.side] = m.stamp
		}
	}
}

// settled waits until the sink has what is wanted, or something else.
func settled(t *testing.T, s *committed, id string, want [sides]string) {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		s.mu.Lock()
		got, changed := [sides]string{s.text[id+"/stdout"], s.text[id+"/stderr"]}, s.changed
		s.mu.Unlock()
		if got == want {
			return
		}
		select {
		case <-changed:
		case <-limit.C:
			t.Fatal(differ(got[stdout], want[stdout]), differ(got[stderr], want[stderr]), s.gaps)
		}
	}
}

func differ(got, want string) string {
	if got == want {
		return ""
	}
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	return fmt.Sprintf("%d bytes, want %d; they differ at %d: %.80q, want %.80q\n", len(got), len(want), i, got[i:], want[i:])
}
