package gatetest

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"syscall"
)

// Network is a network in memory, for gateways and clients in a bubble of
// testing/synctest: nobody waits outside the bubble, so that every wait is of
// the bubble's clock. Addresses are 127.0.0.1 with a port that counts up.
// It is safe for concurrent use.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*listener
	port      int
}

// NewNetwork is an empty network. It has to be made inside the bubble.
func NewNetwork() *Network { return &Network{listeners: map[string]*listener{}, port: 1024} }

// Listen listens on an address that nobody else has.
func (n *Network) Listen() (net.Listener, error) {
	n.mu.Lock()
	n.port++
	at := address(net.JoinHostPort("127.0.0.1", strconv.Itoa(n.port)))
	n.mu.Unlock()
	return n.listenAt(at), nil
}

func (n *Network) listenAt(at address) *listener {
	l := &listener{network: n, at: at, arriving: make(chan net.Conn), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners[at.String()] = l
	return l
}

// Dial connects to a listener. Where none is it says what a system says.
func (n *Network) Dial(ctx context.Context, network, at string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[at]
	n.mu.Unlock()
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: address(at), Err: err}
	}
	if l == nil {
		return fail(syscall.ECONNREFUSED)
	}
	here, there := pipe(address("client"), l.at)
	select {
	case l.arriving <- there:
		return here, nil
	case <-l.closed:
		return fail(syscall.ECONNREFUSED)
	case <-ctx.Done():
		return fail(ctx.Err())
	}
}

type listener struct {
	network  *Network
	at       address
	arriving chan net.Conn // from Dial to Accept; never closed
	closed   chan struct{} // closed by Close
	once     sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.arriving:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	err := error(net.ErrClosed)
	l.once.Do(func() {
		l.network.mu.Lock()
		defer l.network.mu.Unlock()
		delete(l.network.listeners, l.at.String())
		close(l.closed)
		err = nil
	})
	return err
}

func (l *listener) Addr() net.Addr { return l.at }

// Reopen listens where the closed listener did.
func (l *listener) Reopen() (net.Listener, error) { return l.network.listenAt(l.at), nil }

// address is a host and a port.
type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

// errReset is what the system says of a connection that its peer has left.
var errReset = errors.New("connection reset by peer")
