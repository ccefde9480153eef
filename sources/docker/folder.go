package docker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"sluice/internal/record"
)

// folder is an engine that reads logs of the json-file driver where the daemon
// writes them, and asks the daemon for all else. What is read that way costs the
// daemon nothing, and a burst is read as fast as a disk gives it.
type folder struct {
	engine
	at  string // where the daemon's containers folder is here; "": where it is there
	log *slog.Logger

	mu    sync.Mutex
	paths map[string]string // by id; "": its log is asked of the daemon
}

func newFolder(e engine, at string, log *slog.Logger) *folder {
	return &folder{engine: e, at: at, log: log, paths: map[string]string{}}
}

// Inspect notes where the log is.
func (f *folder) Inspect(ctx context.Context, id string) (details, error) {
	d, err := f.engine.Inspect(ctx, id)
	if err != nil {
		return d, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.paths[id]; ok {
		return d, nil
	}
	path, why := f.place(d)
	if f.paths[id] = path; path == "" {
		f.log.Warn("the log is not read from its file, but asked of the daemon", "container", record.Printable(d.name), "reason", why)
	}
	return d, nil
}

// place is where a container's log is here, or why it cannot be read here.
func (f *folder) place(d details) (path, why string) {
	if d.driver != "json-file" || d.logPath == "" {
		return "", "only the json-file driver keeps a file that can be read"
	}
	path = d.logPath
	if f.at != "" { // ID/ID-json.log
		path = filepath.Join(f.at, filepath.Base(filepath.Dir(path)), filepath.Base(path))
	}
	set, err := openLog(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !d.running: // not started yet
		return path, ""
	case errors.Is(err, fs.ErrNotExist):
		return "", "its file is not here; mount the daemon's containers folder, or name where it is with folder="
	case err != nil:
		return "", "its file cannot be opened: " + pathless(err).Error()
	}
	set.close()
	return path, ""
}

// pathless is an error of a file without the file's name.
func pathless(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Logs reads the file.
func (f *folder) Logs(ctx context.Context, r request) (*response, error) {
	f.mu.Lock()
	path := f.paths[r.id]
	f.mu.Unlock()
	if path == "" {
		return f.engine.Logs(ctx, r)
	}
	if r.follow {
		t, err := tailFile(ctx, path)
		if err != nil {
			return nil, err
		}
		return &response{decoder: t, Closer: t}, nil
	}
	set, err := openLog(path)
	if errors.Is(err, fs.ErrNotExist) { // not started yet, or gone
		return f.engine.Logs(ctx, r)
	}
	if err != nil {
		return nil, fmt.Errorf("read the log's file: %w", pathless(err))
	}
	whole, err := set.last(r.tail)
	if err != nil {
		set.close()
		return nil, fmt.Errorf("read the log's file: %w", pathless(err))
	}
	d := &fileDecoder{r: bufio.NewReaderSize(whole, fileBuffer)}
	if !r.since.IsZero() {
		d.since = r.since.UnixNano()
	}
	return &response{decoder: d, Closer: set}, nil
}

// fileBuffer is what one read of a file takes, in bytes.
const fileBuffer = 128 << 10

// fileDecoder reads lines of a json-file log.
type fileDecoder struct {
	r     *bufio.Reader
	buf   []byte
	since int64 // leave out messages before the first with this stamp or a later one
}

func (d *fileDecoder) pending() bool { return d.r.Buffered() > 0 }

// next ends at a line that is not whole: it is being written.
func (d *fileDecoder) next() (message, error) {
	for {
		if err := readLine(d.r, &d.buf); err != nil {
			return message{}, err
		}
		m, err := entryOf(d.buf)
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
