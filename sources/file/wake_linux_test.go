package file

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/internal/record"
)

// listening is a follower of one log that is told of what happens, and driven by
// hand: nothing is looked at.
func listening(t *testing.T, log *slog.Logger) (f *follower, c *chain) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.log")
	add(t, path, "one\n")
	f = newFollower(Config{Paths: []string{path}, Follow: true, Log: log})
	var wait sync.WaitGroup
	f.waker.start(t.Context(), &wait)
	t.Cleanup(wait.Wait) // the context of a test has ended by then
	t.Cleanup(f.closeAll)
	if f.waker.from == nil {
		t.Skip("the system gives no inotify descriptor")
	}
	if err := f.discover(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.waker.discovered()
	return f, f.order[0]
}

// rests makes a log one that was not written to for long.
func (c *chain) rests() {
	c.wait = slowest
	c.next = c.f.now().Add(time.Hour)
}

// until takes what is told until something holds.
func (w *waker) until(t *testing.T, p *pace, what string, holds func() bool) {
	t.Helper()
	for !holds() {
		select {
		case events := <-w.events:
			w.took(events, p)
		case <-t.Context().Done():
			t.Fatal("not told: " + what)
		}
	}
}

// A quiet log is due as soon as it is written to, and then again.
func TestQuietLogTellsThatItGrows(t *testing.T) {
	f, c := listening(t, slog.New(slog.DiscardHandler))
	p := pace{slowest: slowest}
	for n := range 3 {
		c.rests()
		f.glance(c, &p) // what it has is not read here, so it is never quiet by itself
		if !c.asked {
			t.Fatal("nobody asked to be told")
		}
		c.rests()
		add(t, c.path, "more\n")
		f.waker.until(t, &p, fmt.Sprint("write ", n), func() bool { return c.wait == fastest })
		if !c.heard || c.asked || c.next.After(f.now()) {
			t.Errorf("heard %v, asked %v, next in %v", c.heard, c.asked, c.next.Sub(f.now()))
		}
	}
	if got := p.slow(c); got != slowest {
		t.Errorf("it is looked at after %v although nobody asked to be told", got)
	}
	if f.waker.rest(c); p.slow(c) != reminded {
		t.Errorf("a log that tells is looked at after %v", p.slow(c))
	}
}

// A log that tells is not looked at again and again once it has been read.
func TestLogThatTellsRestsAtOnce(t *testing.T) {
	f, c := listening(t, slog.New(slog.DiscardHandler))
	p := pace{slowest: slowest}
	c.heard, c.wait = true, fastest
	turn := f.drain(t.Context(), c, func(record.Batch) error { return nil })
	if f.took(turn, &p); turn.err != nil || !turn.read || c.wait != fastest {
		t.Fatalf("%+v", turn)
	}
	if f.glance(c, &p) || !c.asked || c.wait < slowest {
		t.Errorf("asked %v, next look after %v", c.asked, c.wait)
	}
	add(t, c.path, "more\n")
	f.waker.until(t, &p, "a line", func() bool { return c.wait == fastest })
}

// A log that grew and did not tell, as on a network, is looked at as often as one
// that cannot.
func TestSilentFileSystemIsLookedAt(t *testing.T) {
	f, c := listening(t, slog.New(slog.DiscardHandler))
	p := pace{slowest: slowest}
	c.heard, c.asked = true, true // by a file system that tells nobody from now on
	if p.slow(c) != reminded {
		t.Fatal("it is trusted")
	}
	add(t, c.path, "unseen\n")
	c.wait = reminded
	if !f.glance(c, &p) || c.heard || p.slow(c) != slowest {
		t.Errorf("heard %v, next look after %v", c.heard, p.slow(c))
	}
}

// Rotation makes a log due whose file is open, and a new name makes the folder so.
func TestFolderTellsOfNames(t *testing.T) {
	f, c := listening(t, slog.New(slog.DiscardHandler))
	p := pace{slowest: slowest}
	c.rests()
	if err := os.Rename(c.path, c.path+".1"); err != nil {
		t.Fatal(err)
	}
	f.waker.until(t, &p, "rename", func() bool { return c.wait == fastest })
	later := f.now().Add(time.Hour)
	p.discovery = later
	add(t, filepath.Join(c.dir, "other.log"), "new\n")
	f.waker.until(t, &p, "a new name", func() bool { return p.discovery.Before(later) })
}

// Nothing rests on what is told: where too much happened at once, all is looked at.
func TestOverflowMakesAllDue(t *testing.T) {
	f, c := listening(t, slog.New(slog.DiscardHandler))
	p := pace{slowest: slowest, discovery: f.now().Add(time.Hour)}
	c.rests()
	raw := make([]byte, unix.SizeofInotifyEvent)
	binary.NativeEndian.PutUint32(raw, ^uint32(0)) // of no watch
	binary.NativeEndian.PutUint32(raw[4:], unix.IN_Q_OVERFLOW)
	f.waker.took(parseEvents(raw), &p)
	if now := f.now(); c.next.After(now) || p.discovery.After(now) {
		t.Errorf("next look in %v, discovery in %v", c.next.Sub(now), p.discovery.Sub(now))
	}
}

// A log that is rotated for ever has one watch, and one that is forgotten none.
func TestWatchesDoNotGrow(t *testing.T) {
	f, c := listening(t, slog.New(slog.DiscardHandler))
	for n := range 50 {
		c.asked = false
		f.waker.rest(c)
		if err := os.Rename(c.path, fmt.Sprint(c.path, ".", n+1)); err != nil {
			t.Fatal(err)
		}
		add(t, c.path, "next\n")
	}
	if n := len(f.waker.logs); n > 1 {
		t.Errorf("%d watches of one log", n)
	}
	c.dropped, f.order = true, nil
	f.waker.discovered()
	if len(f.waker.logs)+len(f.waker.folders)+len(f.waker.names) != 0 {
		t.Errorf("of nothing there are %d watches of logs and %d of folders", len(f.waker.logs), len(f.waker.folders))
	}
}

// Who may watch no more is told in one line, and follows.
func TestWithoutWatchesLogsAreLookedAt(t *testing.T) {
	var said bytes.Buffer
	f, c := listening(t, slog.New(slog.NewTextHandler(&said, nil)))
	for range 3 {
		if !f.waker.refused(fmt.Errorf("inotify: %w", errNoWatches)) {
			t.Error("a watch that is refused counts as one")
		}
	}
	if n := strings.Count(said.String(), "\n"); n != 1 || !strings.Contains(said.String(), "looked at") {
		t.Errorf("said %q", said.String())
	}
	c.watch, c.asked = 0, false
	p := pace{slowest: slowest}
	if f.glance(c, &p); p.slow(c) != slowest {
		t.Errorf("a log without a watch is looked at after %v", p.slow(c))
	}
}

// Following as a whole is the same with and without notifications.
func TestFollowsWithoutNotifications(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	r := newReader()
	add(t, path, "one\n")
	_, stop := following(t, Config{Paths: []string{path}, Following: Following{OnlyLook: true}}, r.emit)
	defer stop()
	r.until(t, "one\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	add(t, path, "two\n")
	r.until(t, "one\ntwo\n")
}
