package gatetest

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// buffered is what a direction of a connection holds before its writer waits,
// in bytes: some, as a system's does, so that a server can answer a request
// that it does not read to its end.
const buffered = 64 << 10

// pipe is a connection in memory; each end may be read and written by one
// goroutine each.
func pipe(a, b net.Addr) (net.Conn, net.Conn) {
	there, back := newFlow(), newFlow()
	return &end{local: a, remote: b, in: back, out: there}, &end{local: b, remote: a, in: there, out: back}
}

// end is one end of a connection.
type end struct {
	local, remote net.Addr
	in, out       *flow
}

func (e *end) Read(p []byte) (int, error)  { return e.in.read(p) }
func (e *end) Write(p []byte) (int, error) { return e.out.write(p) }
func (e *end) LocalAddr() net.Addr         { return e.local }
func (e *end) RemoteAddr() net.Addr        { return e.remote }

// Close ends both directions; what was written can still be read.
func (e *end) Close() error {
	e.out.end()
	e.in.abandon()
	return nil
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.in.reading.set(e.in, t)
	return nil
}

func (e *end) SetWriteDeadline(t time.Time) error {
	e.out.writing.set(e.out, t)
	return nil
}

func (e *end) SetDeadline(t time.Time) error {
	_ = e.SetReadDeadline(t)
	return e.SetWriteDeadline(t)
}

// flow is one direction.
type flow struct {
	mu               sync.Mutex
	moved            *sync.Cond // something below has changed
	bytes            []byte
	ended, abandoned bool // by the writer, by the reader
	reading, writing deadline
}

func newFlow() *flow {
	f := &flow{}
	f.moved = sync.NewCond(&f.mu)
	return f
}

func (f *flow) read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		switch {
		case f.abandoned:
			return 0, net.ErrClosed
		case f.reading.over:
			return 0, os.ErrDeadlineExceeded
		case len(f.bytes) > 0:
			n := copy(p, f.bytes)
			f.bytes = f.bytes[n:]
			f.moved.Broadcast()
			return n, nil
		case f.ended:
			return 0, io.EOF
		}
		f.moved.Wait()
	}
}

func (f *flow) write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	written := 0
	for {
		room := buffered - len(f.bytes)
		switch {
		case f.ended:
			return written, net.ErrClosed
		case f.abandoned:
			return written, errReset
		case f.writing.over:
			return written, os.ErrDeadlineExceeded
		case written == len(p):
			return written, nil
		case room > 0:
			n := min(room, len(p)-written)
			f.bytes = append(f.bytes, p[written:written+n]...)
			written += n
			f.moved.Broadcast()
			continue
		}
		f.moved.Wait()
	}
}

func (f *flow) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	f.moved.Broadcast()
}

func (f *flow) abandon() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.abandoned, f.bytes = true, nil
	f.moved.Broadcast()
}

// deadline is when one side of a flow gives up; the flow's mutex guards it.
type deadline struct {
	over  bool
	timer *time.Timer
	turn  int // of set: an older timer that fires late counts no more
}

func (d *deadline) set(f *flow, t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
	d.turn++
	turn := d.turn
	d.over, d.timer = !t.IsZero() && !t.After(time.Now()), nil
	if !t.IsZero() && !d.over {
		d.timer = time.AfterFunc(time.Until(t), func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			if d.turn == turn {
				d.over = true
				f.moved.Broadcast()
			}
		})
	}
	f.moved.Broadcast()
}
