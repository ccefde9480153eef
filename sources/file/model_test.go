package file

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"sluice/internal/record"
)

// world is a writer with its rotator, a follower, and a sink that can be slow
// and is cut back to what was saved when the follower crashes. What the sink has
// at the end must be what was written, byte by byte and in order.
type world struct {
	t       *rapid.T
	dir     string
	path    string
	scheme  string // of names: "shift", "sequence"
	linked  bool   // the path is a link that is turned to the next file
	written bytes.Buffer
	lines   int
	rest    string   // of a line that is half written
	file    *os.File // what the writer has open
	old     *os.File // what it has open although it was renamed
	seq     int
	rotated []string      // plain ones, the oldest first
	skew    time.Duration // of the writer's clock
	stepped bool

	f      *follower
	now    time.Time
	inbox  []record.Batch // emitted and not delivered
	output bytes.Buffer
	marks  map[string]record.Mark
	saved  struct {
		marks  []record.Mark
		state  json.RawMessage
		length int
	}
}

func newWorld(t *rapid.T) *world {
	dir, err := os.MkdirTemp(scratch, "model")
	must(t, err)
	w := &world{
		t: t, dir: dir, path: filepath.Join(dir, "app.log"), marks: map[string]record.Mark{},
		scheme: rapid.SampledFrom([]string{"shift", "sequence"}).Draw(t, "scheme"),
		linked: rapid.IntRange(0, 5).Draw(t, "linked") == 0,
		// Long before all files: listings are then never taken for current.
		now: time.Now().Add(-time.Hour),
	}
	if w.linked {
		w.scheme = "sequence"
	}
	w.create()
	w.start()
	w.save() // before it there is no second start
	return w
}

// scratch is where files are quickest.
var scratch = func() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return ""
}()

func must(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// create makes the file that is written next.
func (w *world) create() {
	name := w.path
	if w.linked {
		w.seq++
		name = fmt.Sprintf("%s.%05d", w.path, w.seq)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	must(w.t, err)
	w.file = f
	if w.linked {
		must(w.t, os.Symlink(filepath.Base(name), w.path+"~"))
		must(w.t, os.Rename(w.path+"~", w.path))
	}
}

func (w *world) put(text string) {
	f := w.file
	if w.old != nil {
		f = w.old
	}
	_, err := f.WriteString(text)
	must(w.t, err)
	w.written.WriteString(text)
	if w.skew != 0 {
		at := time.Now().Add(w.skew)
		must(w.t, os.Chtimes(f.Name(), at, at))
	}
}

func (w *world) line() string {
	w.lines++
	return fmt.Sprintf("%06d %s\n", w.lines, strings.Repeat("x", (w.lines*7919)%97))
}

func (w *world) write(n int) {
	text := w.rest
	w.rest = ""
	for range n {
		text += w.line()
	}
	w.put(text)
}

func (w *world) writeHalf() {
	if w.rest != "" {
		return
	}
	text := w.line()
	n := rapid.IntRange(len("000000 "), len(text)-1).Draw(w.t, "half") // fewer bytes could be any line's
	w.rest = text[n:]
	w.put(text[:n])
}

// start makes a follower that goes on from what was saved.
func (w *world) start() {
	cfg := Config{Paths: []string{w.path}, Follow: true, Log: slog.New(slog.DiscardHandler)}
	cfg.Marks, cfg.State = w.saved.marks, w.saved.state
	w.f = newFollower(cfg)
	w.f.now = func() time.Time { return w.now }
	must(w.t, w.f.discover(context.Background()))
}

// poll is one look and what is read after it.
func (w *world) poll() {
	w.now = w.now.Add(grace)
	for _, c := range w.f.all() {
		if !c.look() {
			continue
		}
		t := w.f.drain(context.Background(), c, func(b record.Batch) error {
			w.inbox = append(w.inbox, b)
			return nil
		})
		must(w.t, t.err)
	}
}

// deliver takes so many batches into the sink.
func (w *world) deliver(n int) {
	for ; n > 0 && len(w.inbox) > 0; n-- {
		b := w.inbox[0]
		w.inbox = w.inbox[1:]
		w.output.Write(b.Text[b.Lead:])
		w.marks[b.End.Stream] = b.End
		w.f.commit(b.End)
	}
}

func (w *world) save() {
	w.saved.marks = nil
	for _, m := range w.marks {
		w.saved.marks = append(w.saved.marks, m)
	}
	w.saved.state = w.f.state()
	w.saved.length = w.output.Len()
}

// crash ends the follower; the sink is cut back to what was saved with the marks.
func (w *world) crash() {
	w.f.closeAll()
	w.inbox = nil
	w.output.Truncate(w.saved.length)
	w.marks = map[string]record.Mark{}
	for _, m := range w.saved.marks {
		w.marks[m.Stream] = m
	}
	w.start()
}

// catchUp looks until all that was written is read, or that takes too long: each
// empty generation on the way takes its grace.
func (w *world) catchUp() {
	for range 200 {
		w.poll()
		n := w.output.Len()
		for i := range w.inbox {
			n += len(w.inbox[i].Text)
		}
		if n >= w.written.Len() {
			return
		}
	}
}

// settle makes all that was written so far read, delivered and saved.
func (w *world) settle() {
	w.catchUp()
	w.deliver(len(w.inbox))
	w.save()
}

func (w *world) end() {
	w.write(1)
	w.reopen()
	w.catchUp()
	w.poll()
	w.poll() // and nothing more comes
	w.deliver(len(w.inbox))
	got, want := w.output.String(), w.written.String()
	if got != want {
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		w.t.Fatalf("%d bytes out, %d written; they differ from byte %d on:\n got %.60q\nwant %.60q\nfiles %v", len(got), len(want), at, got[at:], want[at:], w.files())
	}
}

func (w *world) files() (names []string) {
	entries, err := os.ReadDir(w.dir)
	must(w.t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (w *world) close() {
	w.f.closeAll()
	_ = w.file.Close()
	if w.old != nil {
		_ = w.old.Close()
	}
	_ = os.RemoveAll(w.dir)
}

// pack compresses a rotated file and removes it, as gzip(1) does.
func (w *world) pack(name string, zst bool) {
	text, err := os.ReadFile(name)
	must(w.t, err)
	info, err := os.Stat(name)
	must(w.t, err)
	var out bytes.Buffer
	var z io.WriteCloser = gzip.NewWriter(&out)
	ext := ".gz"
	if zst {
		ext = ".zst"
		z, err = zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
		must(w.t, err)
	}
	_, err = z.Write(text)
	must(w.t, err)
	must(w.t, z.Close())
	must(w.t, os.WriteFile(name+ext, out.Bytes(), 0o600))
	must(w.t, os.Chtimes(name+ext, info.ModTime(), info.ModTime()))
	must(w.t, os.Remove(name))
}

// Every schedule of writing, rotation, crashes, restarts, a slow sink and a
// clock that is set gives every byte once and in order.
func TestModelOfFollowing(t *testing.T) {
	for name, value := range map[string]string{"rapid.checks": "10000", "rapid.steps": "14"} { // -short: a fifth
		f := flag.Lookup(name)
		was := f.Value.String()
		if was != f.DefValue {
			continue // asked for by whoever runs it
		}
		if err := f.Value.Set(value); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Value.Set(was) }()
	}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		defer w.close()
		t.Repeat(w.actions())
		w.end()
	})
}
