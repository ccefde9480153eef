// Package kafkaclient is what the Kafka source and the Kafka sinks share: what
// a kafka:// URI says, how a broker is reached (TLS, mutual TLS, SASL PLAIN and
// SCRAM), and what its errors mean in one clear line each.
//
// The promise: Close ends every connection that the client opened; a password
// is in no URI, error, or printed value; Explain says of each error what it
// means, and whether trying again can help.
//
// The limits: SASL GSSAPI and OAUTHBEARER are not spoken. A name that resolves
// to several addresses is tried as the system's resolver orders them.
package kafkaclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"sluice/internal/record"
)

// Kind is the Origin.Kind of what comes from Kafka.
const Kind = "kafka"

const (
	// dialTimeout bounds a connection's set-up, TLS and SASL included.
	dialTimeout = 10 * time.Second
	// metadataTTL is how old the known leaders may be: a moved partition is found
	// in half of it on average. Literal topics ask for themselves only, so the
	// answer is small however many topics a cluster has.
	metadataTTL = 2 * time.Second
	// allTopicsTTL is the same where every topic of the cluster is asked for.
	allTopicsTTL = 10 * time.Second
	// forgetEvery bounds how often an election makes all requests dial anew.
	forgetEvery = 100 * time.Millisecond
	// idleTimeout closes connections that nobody needs.
	idleTimeout = 2 * time.Minute
)

// The SASL mechanisms.
const (
	Plain       = "plain"
	ScramSHA256 = "scram-sha-256"
	ScramSHA512 = "scram-sha-512"
)

// Options say how to reach a cluster.
type Options struct {
	Brokers  []string    // HOST:PORT, tried in turn
	Topics   []string    // whose leaders are looked up; none: all topics of the cluster
	TLS      *tls.Config // nil: plain text
	SASL     string      // a mechanism; "": none
	User     string
	Password record.Secret
	ClientID string // shows in the broker's logs; "": "sluice"
}

// Client is a connected cluster. It is safe for concurrent use.
type Client struct {
	opts      Options
	dialer    *kafka.Dialer
	transport *kafka.Transport
	addr      net.Addr
	silence   time.Duration // see conn

	mu     sync.Mutex
	conns  map[*conn]struct{}
	closed bool
	forgot time.Time // when leaders were last looked up because of an error
}

// New makes a client; it connects when it is used.
func New(o Options) (*Client, error) {
	if len(o.Brokers) == 0 {
		return nil, errors.New("no broker named")
	}
	if o.ClientID == "" {
		o.ClientID = "sluice"
	}
	mechanism, err := o.mechanism()
	if err != nil {
		return nil, err
	}
	c := &Client{opts: o, addr: kafka.TCP(o.Brokers...), silence: dialTimeout, conns: map[*conn]struct{}{}}
	ttl := metadataTTL
	if len(o.Topics) == 0 {
		ttl = allTopicsTTL
	}
	c.dialer = &kafka.Dialer{
		ClientID: o.ClientID, DialFunc: c.dial, Timeout: dialTimeout, TLS: o.TLS, SASLMechanism: mechanism,
	}
	c.transport = &kafka.Transport{
		ClientID: o.ClientID, Dial: c.dial, DialTimeout: dialTimeout, IdleTimeout: idleTimeout,
		MetadataTTL: ttl, MetadataTopics: o.Topics, TLS: o.TLS, SASL: mechanism,
	}
	return c, nil
}

func (o *Options) mechanism() (sasl.Mechanism, error) {
	switch o.SASL {
	case "":
		return nil, nil
	case Plain:
		return plain.Mechanism{Username: o.User, Password: o.Password.Reveal()}, nil
	case ScramSHA256, ScramSHA512:
		algorithm := scram.SHA256
		if o.SASL == ScramSHA512 {
			algorithm = scram.SHA512
		}
		m, err := scram.Mechanism(algorithm, o.User, o.Password.Reveal())
		if err != nil {
			// What SASLprep refuses it quotes, so its text is not passed on.
			return nil, fmt.Errorf("the name or password of user %s has characters that SCRAM does not allow", record.Printable(o.User))
		}
		return m, nil
	}
	return nil, fmt.Errorf("sasl %q: want %s, %s or %s", o.SASL, Plain, ScramSHA256, ScramSHA512)
}

// Format prints the brokers and nothing else.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "kafka %v", c.opts.Brokers) }

// Dialer is for what needs a connection of its own.
func (c *Client) Dialer() *kafka.Dialer { return c.dialer }

// API is for requests that find their broker themselves. A call without a
// deadline may wait for ever, so ctx needs one.
func (c *Client) API() *kafka.Client { return &kafka.Client{Addr: c.addr, Transport: c.transport} }

// RoundTrip is for requests that API cannot make. ctx needs a deadline.
func (c *Client) RoundTrip(ctx context.Context, req kafka.Request) (kafka.Response, error) {
	return c.transport.RoundTrip(ctx, c.addr, req)
}

// Brokers are the addresses the client was given.
func (c *Client) Brokers() []string { return c.opts.Brokers }

// Ping connects to one broker after the other until one speaks Kafka with us.
// The pooled connections behind API report much less of what goes wrong, so
// this is also how a vague error is looked into.
func (c *Client) Ping(ctx context.Context) error {
	var first error
	for _, addr := range c.opts.Brokers {
		conn, err := c.dialer.DialContext(ctx, "tcp", addr)
		if err == nil {
			err = conn.SetDeadline(time.Now().Add(dialTimeout))
			if err == nil {
				_, err = conn.ApiVersions()
			}
			_ = conn.Close()
			if err == nil {
				return nil
			}
		}
		if first == nil {
			first = &dialError{addr, err}
		}
	}
	return first
}

// Moved forgets where partitions are led if err says that one has moved: the
// library by itself would send to the old place until metadataTTL is over.
func (c *Client) Moved(err error) {
	if !errors.Is(err, kafka.NotLeaderForPartition) && !errors.Is(err, kafka.LeaderNotAvailable) && !errors.Is(err, kafka.FencedLeaderEpoch) {
		return
	}
	c.mu.Lock()
	soon := time.Since(c.forgot) < forgetEvery
	if !soon {
		c.forgot = time.Now()
	}
	c.mu.Unlock()
	if !soon {
		c.Reset()
	}
}

// Reset drops pooled connections, so that the next requests dial anew.
func (c *Client) Reset() { c.transport.CloseIdleConnections() }

// Close ends all connections. What is under way fails.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.transport.CloseIdleConnections()
	c.Cut()
}

// Cut closes the connections that are open; new ones may be dialled.
func (c *Client) Cut() {
	c.mu.Lock()
	open := make([]*conn, 0, len(c.conns))
	for conn := range c.conns {
		open = append(open, conn)
	}
	c.mu.Unlock()
	for _, conn := range open {
		_ = conn.Close()
	}
}
