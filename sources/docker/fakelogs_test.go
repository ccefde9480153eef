package docker

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// logs answers a request for logs.
func (c *container) logs(w http.ResponseWriter, r *http.Request) {
	follow := r.FormValue("follow") == "1"
	c.d.mu.Lock()
	f, unreadable, damage := c.fault(follow), c.unreadable, c.damage
	out := &stream{w: w, left: f.cut, tty: c.tty, bare: c.bare, told: c.told, json: c.d.speaks(54) && !c.d.framed && r.Header.Get("Accept") == ndjson}
	if f.meanwhile != nil {
		f.meanwhile()
	}
	messages, at := c.backlog(r), len(c.log)
	c.d.mu.Unlock()
	switch {
	case f.status != 0:
		http.Error(w, `{"message":"no"}`, f.status)
		return
	case unreadable:
		http.Error(w, `{"message":"configured logging driver does not support reading"}`, http.StatusNotImplemented)
		return
	case out.left == 0:
		out.left = 1 << 40
	}
	switch {
	case out.json:
		w.Header().Set("Content-Type", ndjson)
	case !c.d.speaks(42):
	case c.tty:
		w.Header().Set("Content-Type", "application/vnd.docker.raw-stream")
	default:
		w.Header().Set("Content-Type", "application/vnd.docker.multiplexed-stream")
	}
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	for i, m := range messages {
		if f.broken > 0 && i == f.broken || m.stamp == damage {
			out.fail()
			return
		}
		out.send(m)
	}
	if follow {
		c.followed(out, r, f, at)
	}
}

const ndjson = "application/x-ndjson"

// fault is what goes wrong with the next request. d.mu is held.
func (c *container) fault(follow bool) fault {
	for i, f := range c.faults {
		if !f.follow || follow {
			c.faults = append(c.faults[:i:i], c.faults[i+1:]...)
			return f
		}
	}
	return fault{}
}

// backlog is what a request is given of the log as it is.
func (c *container) backlog(r *http.Request) []message {
	held := c.log[c.rotated:]
	if tail := r.FormValue("tail"); tail != "" && tail != "all" {
		n, _ := strconv.Atoi(tail)
		held = held[max(len(held)-n, 0):]
	}
	since, until := stampOf(r.FormValue("since")), stampOf(r.FormValue("until"))
	var out []message
	for _, m := range held {
		if until > 0 && m.stamp > until {
			break
		}
		if m.stamp >= since {
			out = append(out, m)
			if !c.old {
				since = 0
			}
		}
	}
	return out
}

// stampOf reads a time with nanoseconds; 0: there is none.
func stampOf(text string) int64 {
	s, ns, ok := strings.Cut(text, ".")
	if !ok {
		return 0
	}
	sec, _ := strconv.ParseInt(s, 10, 64)
	nano, _ := strconv.ParseInt(ns, 10, 64)
	return time.Unix(sec, nano).UnixNano()
}

// followed sends what comes, as a daemon with the fault does.
func (c *container) followed(out *stream, r *http.Request, f fault, at int) {
	sent := 0
	for {
		c.d.mu.Lock()
		fresh := c.log[min(at, len(c.log)):]
		rotated, changed, ends := c.rotated, c.changed, !c.running || c.d.down
		c.d.mu.Unlock()
		for len(fresh) > 0 {
			m := fresh[0]
			fresh, at = fresh[1:], at+1
			switch sent++; {
			case f.late > 0 && sent == f.after+1:
				<-time.After(f.late)
				out.send(m)
			case f.hang > 0 && sent > f.hang:
			case f.skip > 0 && sent > max(f.after, 1):
				f.skip--
			case f.replay > 0 && sent > 1:
				at, f.replay = max(at-1-f.replay, rotated), 0
				fresh, changed = nil, closed
			default:
				out.send(m)
			}
		}
		if ends && changed != closed {
			return
		}
		out.w.(http.Flusher).Flush()
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// stream writes messages in one of the three forms.
type stream struct {
	w         http.ResponseWriter
	left      int // bytes until it breaks
	tty, json bool
	bare      bool // the end of a line in pieces is dropped
	told      bool // NDJSON says what is a piece: the driver "local" does
}

const wireStamp = "2006-01-02T15:04:05.000000000Z07:00"

func (s *stream) send(m message) {
	stamp := time.Unix(0, m.stamp).UTC()
	if s.bare && m.part == partLast {
		m.text = bytes.TrimSuffix(m.text, []byte("\n"))
	}
	if s.json {
		v := map[string]any{"Line": string(m.text), "Source": m.side.String(), "Timestamp": stamp}
		if s.told && m.part != partUnknown {
			v["MetaData"] = map[string]any{"Last": m.part == partLast, "ID": "x", "Ordinal": 1}
		}
		line, _ := json.Marshal(v)
		s.write(append(line, '\n'))
		return
	}
	text := append([]byte(stamp.Format(wireStamp)+" "), m.text...)
	if !s.tty {
		head := make([]byte, frameHeader)
		head[0] = byte(m.side) + 1
		binary.BigEndian.PutUint32(head[4:], uint32(len(text)))
		text = append(head, text...)
	}
	s.write(text)
}

// fail is a daemon that cannot read its log.
func (s *stream) fail() {
	text := []byte(grabbing + "invalid character\n")
	if !s.tty {
		text = append([]byte{3, 0, 0, 0, 0, 0, 0, byte(len(text))}, text...)
	}
	s.write(text)
}

func (s *stream) write(text []byte) {
	if len(text) > s.left {
		_, _ = s.w.Write(text[:s.left])
		s.w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	s.left -= len(text)
	_, _ = s.w.Write(text)
}
