package docker

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// daemon is an engine in this process, as far as sources need one. It keeps
// every message ever printed, so that a test can say what has to come.
type daemon struct {
	mu         sync.Mutex
	version    string // of the API; "": 1.41
	framed     bool   // it gives no NDJSON, whatever its version
	offset     time.Duration
	tick       time.Duration // makes stamps differ
	containers []*container
	listeners  map[chan string]bool // of events
	deaf       bool                 // events are lost
	down       bool
	broken     bool     // its files could not be written
	requests   []string // paths with queries
}

// container is one of its containers.
type container struct {
	d          *daemon
	id, name   string
	labels     map[string]string
	env        []string
	driver     map[string]string // options
	logPath    string            // a file that the log is written to as well
	keeps      int               // files of that log; 0: ten
	tty        bool
	running    bool
	unreadable bool // 501
	old        bool // daemon 20.10: since is asked of each message
	bare       bool // its driver "local" before 23: a line in pieces loses its end
	told       bool // its driver "local" from 23 on: NDJSON tells pieces
	log        []message
	damage     int64         // stamp of a message that the daemon cannot read; 0: none
	rotated    int           // log[:rotated] is gone
	open       [sides]string // printed, no line end yet, not logged
	partial    [sides]int64  // stamp of the line in pieces
	changed    chan struct{} // closed at each change
	faults     []fault       // for the next requests for logs
}

// fault is what goes wrong with one request for logs.
type fault struct {
	follow bool          // only a follow request
	cut    int           // bytes after which the connection breaks; 0: none
	hang   int           // messages of a follow after which it goes silent; 0: none
	replay int           // messages that a follow sends again, once
	skip   int           // messages that a follow leaves out, once
	after  int           // messages of a follow before it skips or is late; 0: 1
	late   time.Duration // by which a follow sends one message later
	status int
	broken int // messages before the daemon says that it cannot go on; 0: never
	// meanwhile is what happens right before it is answered. d.mu is held.
	meanwhile func()
}

// speaks says whether the daemon has version 1.n of the API. d.mu is held.
func (d *daemon) speaks(n int) bool {
	_, minor, _ := strings.Cut(d.version, ".")
	has, _ := strconv.Atoi(minor)
	return has >= n
}

func newDaemon() *daemon { return &daemon{listeners: map[chan string]bool{}} }

// add makes a container that runs, as set makes it.
func (d *daemon) add(name string, set ...func(*container)) *container {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := fmt.Sprintf("%064x", len(d.containers)+0xabc)
	c := &container{d: d, id: id, name: name, running: true, changed: make(chan struct{})}
	for _, f := range set {
		f(c)
	}
	d.containers = append(d.containers, c)
	d.tell("start", c.id)
	return c
}

// tell sends an event. d.mu is held.
func (d *daemon) tell(action, id string) {
	line := fmt.Sprintf(`{"Type":"container","Action":%q,"Actor":{"ID":%q},"timeNano":%d}`+"\n", action, id, d.now().UnixNano())
	for l := range d.listeners {
		if d.deaf {
			break
		}
		select {
		case l <- line:
		default:
		}
	}
}

func (d *daemon) now() time.Time { return time.Now().Add(d.offset) }

// change does f and wakes who follows.
func (c *container) change(f func()) {
	c.d.mu.Lock()
	defer c.d.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *container) stop() {
	c.change(func() {
		for s := range sides {
			c.cutOff(s)
		}
		c.running = false
		c.d.tell("die", c.id)
	})
}

func (c *container) start() {
	c.change(func() { c.running = true; c.d.tell("start", c.id) })
}

func (c *container) rename(name string) {
	c.change(func() { c.name = name; c.d.tell("rename", c.id) })
}

func (d *daemon) remove(c *container) {
	c.change(func() {
		d.containers = slices.DeleteFunc(slices.Clone(d.containers), func(other *container) bool { return other == c })
		d.tell("destroy", c.id)
	})
}

// rotate takes all but the last n messages.
func (c *container) rotate(n int) { c.change(func() { c.rotated = max(len(c.log)-n, c.rotated) }) }

// print is the container writing: the daemon makes messages of whole lines, and
// pieces of long ones.
func (c *container) print(s side, text string) { c.change(func() { c.write(s, text) }) }

func (c *container) write(s side, text string) {
	c.open[s] += text
	for {
		i := strings.IndexByte(c.open[s], '\n')
		switch {
		case i >= 0 && i < pieceSize: // the line end of a full piece is one of its own
			c.entry(s, c.open[s][:i+1], true)
			c.open[s] = c.open[s][i+1:]
		case len(c.open[s]) >= pieceSize:
			c.entry(s, c.open[s][:pieceSize], false)
			c.open[s] = c.open[s][pieceSize:]
		default:
			return
		}
	}
}

// cutOff logs what has no line end, as when the process ends.
func (c *container) cutOff(s side) {
	if c.open[s] != "" {
		c.entry(s, c.open[s], true)
		c.open[s] = ""
	}
	c.partial[s] = 0
}

func (c *container) entry(s side, text string, last bool) {
	c.d.tick++
	m := message{side: s, stamp: c.d.now().Add(c.d.tick).UnixNano(), text: []byte(text)}
	if c.partial[s] != 0 {
		m.stamp, m.part = c.partial[s], partLast
	}
	c.partial[s] = 0
	if !last {
		c.partial[s], m.part = m.stamp, partMore
	}
	c.keep(m)
}

// keep logs a message. d.mu is held.
func (c *container) keep(m message) {
	c.log = append(c.log, m)
	if c.logPath == "" {
		return
	}
	line, _ := json.Marshal(map[string]any{"log": string(m.text), "stream": m.side.String(), "time": time.Unix(0, m.stamp).UTC()})
	f, err := os.OpenFile(c.logPath, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.Write(append(line, '\n'))
	}
	if errors.Join(err, f.Close()) != nil {
		c.d.broken = true
	}
}

// turn rotates the file.
func (c *container) turn() {
	c.change(func() {
		for i := cmp.Or(c.keeps, 10) - 2; i >= 0; i-- {
			from := fmt.Sprint(c.logPath, ".", i)
			if i == 0 {
				from = c.logPath
			}
			to := fmt.Sprint(c.logPath, ".", i+1)
			if i+2 == cmp.Or(c.keeps, 10) { // the last one goes, in either form
				_, _ = os.Remove(to), os.Remove(to+".gz")
			}
			_, _ = os.Rename(from, to), os.Rename(from+".gz", to+".gz")
		}
		f, err := os.Create(c.logPath)
		if errors.Join(err, f.Close()) != nil {
			c.d.broken = true
		}
	})
}

// put logs a message with a stamp of its own.
func (c *container) put(s side, text string, at time.Time) {
	c.change(func() { c.keep(message{side: s, stamp: at.UnixNano(), text: []byte(text)}) })
}

// text is all that the container printed to a stream in whole messages.
func (c *container) text(s side) string {
	c.d.mu.Lock()
	defer c.d.mu.Unlock()
	var b strings.Builder
	for _, m := range c.log {
		if m.side == s {
			b.Write(m.text)
		}
	}
	return b.String()
}

// ServeHTTP is the API.
func (d *daemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	version, down := d.version, d.down
	d.requests = append(d.requests, r.Method+" "+r.URL.String())
	w.Header().Set("Date", d.now().UTC().Format(http.TimeFormat))
	d.mu.Unlock()
	if version == "" {
		version = "1.41"
	}
	w.Header().Set("Api-Version", version)
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if strings.HasPrefix(path[0], "v1.") {
		path = path[1:]
	}
	switch {
	case down:
		panic(http.ErrAbortHandler)
	case path[0] == "_ping":
	case path[0] == "events":
		d.events(w, r)
	case len(path) == 2 && path[1] == "json":
		d.list(w)
	case len(path) == 3:
		d.container(w, r, path[1], path[2])
	default:
		http.Error(w, "no such page", http.StatusNotFound)
	}
}

func (d *daemon) list(w http.ResponseWriter) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := []map[string]any{}
	for _, c := range d.containers {
		out = append(out, map[string]any{"Id": c.id, "Names": []string{"/" + c.name}, "Labels": c.labels})
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (d *daemon) container(w http.ResponseWriter, r *http.Request, id, what string) {
	d.mu.Lock()
	i := slices.IndexFunc(d.containers, func(c *container) bool { return c.id == id })
	if i < 0 {
		d.mu.Unlock()
		http.Error(w, `{"message":"No such container"}`, http.StatusNotFound)
		return
	}
	c := d.containers[i]
	if what == "logs" {
		d.mu.Unlock()
		c.logs(w, r)
		return
	}
	defer d.mu.Unlock()
	kind := "json-file"
	if c.bare || c.told {
		kind = "local"
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"Id": c.id, "Name": "/" + c.name, "LogPath": c.logPath, "State": map[string]any{"Running": c.running},
		"Config":     map[string]any{"Tty": c.tty, "Env": c.env, "Labels": c.labels},
		"HostConfig": map[string]any{"LogConfig": map[string]any{"Type": kind, "Config": c.driver}},
	})
}

func (d *daemon) events(w http.ResponseWriter, r *http.Request) {
	l := make(chan string, 100)
	d.mu.Lock()
	d.listeners[l] = true
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.listeners, l)
	}()
	flush := w.(http.Flusher).Flush
	flush()
	for {
		select {
		case line := <-l:
			if line == "" {
				return // the stream breaks
			}
			_, _ = w.Write([]byte(line))
			flush()
		case <-r.Context().Done():
			return
		}
	}
}

// hangUp breaks the streams of events. d.mu is held.
func (d *daemon) hangUp() {
	for l := range d.listeners {
		select {
		case l <- "":
		default:
		}
	}
}
