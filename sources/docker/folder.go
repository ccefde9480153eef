package docker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sluice/internal/record"
)

// folder is an engine that reads logs of the json-file driver where the daemon
// writes them, and asks the daemon for all else. What is read that way costs the
// daemon nothing, and a burst is read as fast as a disk gives it. Following, the
// files are held open from when they are made, and rotation takes nothing.
type folder struct {
	engine
	at     string // where the daemon's containers folder is here; "": where it is there
	follow bool
	log    *slog.Logger

	mu    sync.Mutex
	logs  map[string]*keeper // by id; nil: its log is asked of the daemon
	more  chan struct{}      // one waits: a log was added
	ended chan struct{}      // closed by Close
	group sync.WaitGroup
	begun bool // the goroutine that looks at the logs runs
}

func newFolder(e engine, at string, follow bool, log *slog.Logger) *folder {
	return &folder{
		engine: e, at: at, follow: follow, log: log,
		logs: map[string]*keeper{}, more: make(chan struct{}, 1), ended: make(chan struct{}),
	}
}

// Close lets go of the files.
func (f *folder) Close() {
	close(f.ended)
	f.group.Wait()
	for _, k := range f.kept() {
		k.close()
	}
	f.engine.Close()
}

// Inspect notes where the log is.
func (f *folder) Inspect(ctx context.Context, id string) (details, error) {
	d, err := f.engine.Inspect(ctx, id)
	if err != nil {
		return d, err
	}
	f.mu.Lock()
	_, known := f.logs[id]
	f.mu.Unlock()
	if known {
		return d, nil
	}
	path, why := f.place(ctx, d)
	switch {
	case why != "":
		f.log.Warn("the log is not read from its file, but asked of the daemon", "container", record.Printable(d.name), "reason", why)
		f.add(id, nil)
	case path != "":
		f.add(id, newKeeper(path))
	}
	return d, nil
}

// place is where a container's log is here, or why it cannot be read here; both
// empty: that is known once it runs.
func (f *folder) place(ctx context.Context, d details) (path, why string) {
	if d.driver != "json-file" {
		return "", "only the json-file driver keeps a file that can be read"
	}
	switch path = d.logPath; {
	case path == "" && d.running:
		return "", "the daemon does not say where its file is"
	case path == "" && f.at == "": // daemons before 23 tell it once it has run
		root := f.Root(ctx)
		if root == "" {
			return "", ""
		}
		path = filepath.Join(root, "containers", d.id, d.id+"-json.log")
	case path == "":
		path = filepath.Join(f.at, d.id, d.id+"-json.log")
	case f.at != "": // ID/ID-json.log
		path = filepath.Join(f.at, filepath.Base(filepath.Dir(path)), filepath.Base(path))
	}
	set, err := openLog(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !d.running && isFolder(filepath.Dir(path)): // not started yet
		return path, ""
	case errors.Is(err, fs.ErrNotExist) && !d.running && d.logPath == "":
		return "", ""
	case errors.Is(err, fs.ErrNotExist):
		return "", "its file is not here; mount the daemon's containers folder, or name where it is with folder="
	case err != nil:
		return "", "its file cannot be opened: " + pathless(err).Error()
	}
	set.close()
	return path, ""
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// pathless is an error of a file without the file's name.
func pathless(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// add notes a log, and has it looked at where it is followed.
func (f *folder) add(id string, k *keeper) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logs[id] = k
	if !f.follow || k == nil {
		return
	}
	if !f.begun {
		f.begun = true
		f.group.Go(f.watch)
	}
	select {
	case f.more <- struct{}{}:
	default:
	}
}

// forget lets go of a log that nobody reads.
func (f *folder) forget(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if k := f.logs[id]; k != nil {
		k.close()
	}
	delete(f.logs, id)
}

func (f *folder) kept() (out []*keeper) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range f.logs {
		if k != nil {
			out = append(out, k)
		}
	}
	return out
}

// watch looks at the logs while nobody who reads them does.
func (f *folder) watch() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-f.ended:
			return
		case <-f.more:
		case <-timer.C:
		}
		wait := latest
		for _, k := range f.kept() {
			if k.dueIn() <= 0 {
				_ = k.look() // who reads it meets the error
			}
			wait = min(wait, k.dueIn())
		}
		timer.Reset(max(wait, time.Millisecond))
	}
}

// taken lets go of files that were read.
func (f *folder) taken(id string, n int64) {
	f.mu.Lock()
	k := f.logs[id]
	f.mu.Unlock()
	if k != nil {
		k.taken(n)
	}
}

func (f *folder) last(id string) (size int64, held bool) {
	f.mu.Lock()
	k := f.logs[id]
	f.mu.Unlock()
	if k == nil {
		return 0, false
	}
	newest, err := k.newest()
	if newest == nil || err != nil {
		return 0, false
	}
	defer k.done(newest)
	info, err := newest.Stat()
	if err != nil {
		return 0, false
	}
	return info.Size(), true
}

// Logs reads the file.
func (f *folder) Logs(ctx context.Context, r request) (*response, error) {
	f.mu.Lock()
	k := f.logs[r.id]
	f.mu.Unlock()
	if k == nil {
		return f.engine.Logs(ctx, r)
	}
	if r.follow {
		t, err := tailFile(ctx, k)
		if err != nil {
			return nil, err
		}
		return &response{decoder: t, Closer: t}, nil
	}
	if !f.follow { // as it is now, and no longer than the answer is read
		k = newKeeper(k.path)
		defer k.close()
	}
	err := k.look()
	used := use{k, k.all()}
	switch gone := errors.Is(err, fs.ErrNotExist); {
	case gone && len(used.files) == 0: // not started yet
		return f.engine.Logs(ctx, r)
	case err != nil && !gone: // what is gone is held
		_ = used.Close()
		return nil, fmt.Errorf("read the log's file: %w", pathless(err))
	}
	parts, err := lastOf(used.files, r.tail)
	if err != nil {
		_ = used.Close()
		return nil, fmt.Errorf("read the log's file: %w", pathless(err))
	}
	d := newFileDecoder(parts)
	if !r.since.IsZero() {
		d.since = r.since.UnixNano()
	}
	return &response{decoder: &d, Closer: used}, nil
}

// use is of all files of a log.
type use struct {
	log   *keeper
	files []*generation
}

// Close ends it.
func (u use) Close() error {
	for _, g := range u.files {
		u.log.done(g)
	}
	return nil
}

// fileBuffer is what one read of a file takes, in bytes.
const fileBuffer = 128 << 10

// fileDecoder reads lines of a json-file log.
type fileDecoder struct {
	parts []part // the first is being read
	r     *bufio.Reader
	buf   []byte
	since int64 // leave out messages before the first with this stamp or a later one
	hole  bool  // the next message is the first behind a hole
}

func newFileDecoder(parts []part) fileDecoder {
	return fileDecoder{parts: parts, r: bufio.NewReaderSize(parts[0], fileBuffer)}
}

func (d *fileDecoder) pending() bool { return d.r.Buffered() > 0 }

// atLine says that nothing of the next line was read.
func (d *fileDecoder) atLine() bool { return len(d.buf) == 0 || d.buf[len(d.buf)-1] == '\n' }

// follow goes on in another file.
func (d *fileDecoder) follow(next part) {
	d.parts, d.hole = append(d.parts[:0:0], next), next.hole
	d.r.Reset(next)
}

// next ends at a line that is not whole: it is being written.
func (d *fileDecoder) next() (message, error) {
	for {
		err := readLine(d.r, &d.buf)
		if err == io.EOF && len(d.parts) > 1 {
			if !d.atLine() {
				return message{}, daemonError{}
			}
			rest := d.parts[1:]
			d.follow(rest[0])
			d.parts = rest
			continue
		}
		if err != nil {
			return message{}, err
		}
		m, err := entryOf(d.buf)
		m.file, m.hole = d.parts[0].n, d.hole
		d.hole = false
		if err != nil || m.stamp >= d.since {
			d.since = 0
			return m, err
		}
	}
}

// readLine appends to buf up to a line end; without one it is io.EOF, and buf
// keeps what there is. A buf with a whole line is begun anew.
func readLine(r *bufio.Reader, buf *[]byte) error {
	if n := len(*buf); n > 0 && (*buf)[n-1] == '\n' {
		*buf = (*buf)[:0]
	}
	for {
		piece, err := r.ReadSlice('\n')
		*buf = append(*buf, piece...)
		switch {
		case err == nil:
			return nil
		case err != bufio.ErrBufferFull:
			return err
		case len(*buf) > maxJSON:
			return daemonError{}
		}
	}
}

// entryOf reads a line of the file. One that a crash left damaged is an error of
// the daemon's log, as the daemon says it.
func entryOf(line []byte) (message, error) {
	var e struct {
		Log, Stream string
		Time        time.Time
	}
	if json.Unmarshal(line, &e) != nil || !inRange(e.Time) {
		return message{}, daemonError{}
	}
	m := message{stamp: e.Time.UnixNano(), text: []byte(e.Log)}
	if e.Stream == stderr.String() {
		m.side = stderr
	}
	return m, nil
}
