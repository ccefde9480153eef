package kafkaclient

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// conn is a connection that the client knows of, so that Close can reach it:
// the library leaves those in use to time out. It also waits for nothing without
// a limit: the library sets none while it logs in, so a broker that stands still
// just then would hold a member of a group, or whoever asks, for ever.
type conn struct {
	net.Conn
	client        *Client
	reads, writes atomic.Bool // have a limit that the library set
}

func (c *conn) Close() error {
	c.client.mu.Lock()
	delete(c.client.conns, c)
	c.client.mu.Unlock()
	return c.Conn.Close()
}

func (c *conn) SetDeadline(t time.Time) error {
	c.reads.Store(!t.IsZero())
	c.writes.Store(!t.IsZero())
	return c.Conn.SetDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.reads.Store(!t.IsZero())
	return c.Conn.SetReadDeadline(t)
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.writes.Store(!t.IsZero())
	return c.Conn.SetWriteDeadline(t)
}

func (c *conn) Read(b []byte) (int, error) {
	if !c.reads.Load() {
		_ = c.Conn.SetReadDeadline(time.Now().Add(c.client.silence)) // Read says what is wrong
	}
	return c.Conn.Read(b)
}

func (c *conn) Write(b []byte) (int, error) {
	if !c.writes.Load() {
		_ = c.Conn.SetWriteDeadline(time.Now().Add(c.client.silence))
	}
	return c.Conn.Write(b)
}

func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	raw, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, &dialError{address, err}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = raw.Close()
		return nil, &dialError{address, io.ErrClosedPipe}
	}
	wrapped := &conn{Conn: raw, client: c}
	c.conns[wrapped] = struct{}{}
	return wrapped, nil
}

// dialError says which broker an error came from.
type dialError struct {
	addr string
	err  error
}

func (e *dialError) Error() string { return e.addr + ": " + e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }
