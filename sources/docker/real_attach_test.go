package docker

import (
	"io"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

// Why there is no attaching: who attaches gets all that a container prints, and
// once it does not read, the container stands still. A gateway must not wait for
// its watcher.
func TestRealEngineAttachStopsTheContainer(t *testing.T) {
	e := engineOf(t)
	id, _ := e.create(t, driver("json-file", "10m", 3), false, "-lines=200000")
	attached, err := e.ContainerAttach(t.Context(), id, client.ContainerAttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		t.Fatal(err)
	}
	defer attached.Close()
	e.start(t, id)
	printed := e.stillAt(t, id)
	state, err := e.ContainerInspect(t.Context(), id, client.ContainerInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !state.Container.State.Running {
		t.Error("the container printed all of it while nobody read: attaching could be offered")
	}
	t.Logf("the container stands still behind %d lines of 200000", printed)
	if _, err := io.Copy(io.Discard, attached.Reader); err != nil {
		t.Error(err)
	}
	e.await(t, id)
}

// stillAt waits until a log has not grown for a second, and says how many
// messages it has.
func (e *realEngine) stillAt(t *testing.T, id string) (n int) {
	t.Helper()
	for before := -1; n == 0 || n != before; {
		wait(t, time.Second)
		a, err := dial(e.env)
		if err != nil {
			t.Fatal(err)
		}
		r, err := a.Logs(t.Context(), request{id: id, tail: -1})
		if err != nil {
			t.Fatal(err)
		}
		before, n = n, 0
		for err == nil {
			if _, err = r.next(); err == nil {
				n++
			}
		}
		_ = r.Close()
		a.Close()
	}
	return n
}
