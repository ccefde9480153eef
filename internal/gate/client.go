package gate

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// maxBody is what is read of an answer: the largest legitimate one, the
	// gateway's OpenAPI document, has some 3 MB.
	maxBody = 4 << 20
	// dialTimeout tells soon of an address where nobody is.
	dialTimeout = 5 * time.Second
)

// errBudget says that the run has sent as many requests as it may.
var errBudget = errors.New("the request budget of this run is used up (see --max-requests)")

// client sends requests as they are told: it follows no redirect, adds no
// header of its own, and counts.
type client struct {
	http  *http.Client
	tls   *tls.Config // nil: the system certificates
	plain DialFunc    // connects without TLS
	// patience is how long an answer may take.
	patience time.Duration
	mu       sync.Mutex
	next     time.Time     // when the next request may go
	gap      time.Duration // between two requests
	left     int           // of the request budget
	spent    int
	free     bool // teardown: neither rate nor budget hold it up
}

// idleTimeout is less than the five seconds after which uvicorn closes a
// connection that is not used: a POST that meets the end is reset, and nobody
// repeats it.
const idleTimeout = 3 * time.Second

// newClient makes a client; dial is nil for TCP, tlsConfig for the system's
// certificates, and ratePerSecond 0 for no rate.
func newClient(ratePerSecond float64, budget int, tlsConfig *tls.Config, dial DialFunc) *client {
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dial,
		TLSClientConfig:     tlsConfig,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 32,
		IdleConnTimeout:     idleTimeout,
	}
	c := &client{left: budget, patience: DefaultPatience, tls: tlsConfig, plain: dial, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if ratePerSecond > 0 {
		c.gap = time.Duration(float64(time.Second) / ratePerSecond)
	}
	return c
}

func (c *client) close() { c.http.CloseIdleConnections() }

// dial opens a connection to a base URL's host.
func (c *client) dial(ctx context.Context, base string) (net.Conn, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, errors.New("dial: not a URL")
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	secure := u.Scheme == "https"
	port := cmp.Or(u.Port(), map[bool]string{false: "80", true: "443"}[secure])
	conn, err := c.plain(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil || !secure {
		return conn, err
	}
	config := &tls.Config{}
	if c.tls != nil {
		config = c.tls.Clone()
	}
	config.ServerName = cmp.Or(config.ServerName, u.Hostname())
	over := tls.Client(conn, config)
	if err := over.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return over, nil
}

// sent is how many requests went out.
func (c *client) sent() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spent
}

// finish lifts rate and budget: what was made must be removed.
func (c *client) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.free = true
}

// turn waits until the rate lets a request go and takes it from the budget.
func (c *client) turn(ctx context.Context) error {
	c.mu.Lock()
	if c.free {
		c.spent++
		c.mu.Unlock()
		return ctx.Err()
	}
	if c.left <= 0 {
		c.mu.Unlock()
		return errBudget
	}
	c.left--
	c.spent++
	now := time.Now()
	if c.next.Before(now) {
		c.next = now
	}
	wait := c.next.Sub(now)
	c.next = c.next.Add(c.gap)
	c.mu.Unlock()
	return sleep(ctx, wait)
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wire is a request with every reference resolved; it holds keys.
type wire struct {
	base, method, path, body string
	headers                  []Header
	quick                    bool
}

// do sends and reads the answer. It never returns an error: what went wrong on
// the way is an Answer of kind NoAnswer.
func (c *client) do(ctx context.Context, target string, w wire) Answer {
	a := Answer{Target: target}
	if err := c.turn(ctx); err != nil {
		return a.silence(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.patience, fmt.Errorf("no answer within %v", c.patience))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, w.method, w.base+w.path, strings.NewReader(w.body))
	if err != nil {
		return a.silence(errors.New("build request: not a URL"))
	}
	if w.body == "" {
		req.Body = nil
	}
	req.Header.Set("User-Agent", "sluice-gate")
	for _, h := range w.headers {
		if strings.EqualFold(h.Name, "Host") {
			req.Host = h.Value
			continue
		}
		if strings.EqualFold(h.Name, "User-Agent") { // net/http sends the first alone
			req.Header.Set(h.Name, h.Value)
			continue
		}
		req.Header.Add(h.Name, h.Value)
	}
	begin := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		return a.silence(reason(ctx, err))
	}
	defer resp.Body.Close()
	a.Status, a.Header = resp.StatusCode, resp.Header
	if w.quick {
		a.classify()
		return a
	}
	a.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody))
	a.Took = time.Since(begin)
	if err != nil {
		return a.silence(fmt.Errorf("answer cut: %w", reason(ctx, err)))
	}
	a.classify()
	return a
}

func (a Answer) silence(err error) Answer {
	a.Kind, a.Message = NoAnswer, err.Error()
	return a
}

// reason takes the URL, which may hold a key, out of an error of net/http.
func reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	var inURL *url.Error
	if errors.As(err, &inURL) {
		err = inURL.Err
	}
	return err
}
