// Package fake is a LiteLLM gateway in this process: replicas over one store, a
// load balancer in front of them, and the logs they print, for the demo and for
// tests. Start gives a running one; every setting has a default.
//
// The promise: statuses, error types and texts, row fields and log lines are
// those measured on LiteLLM 1.81.0 and 1.106.2, weaknesses included: the cache
// that keeps a blocked key alive for 60 s on the other replica, rate limits by
// replica, the row of another team's key for whoever knows its hash, and in
// 1.81.0 no filter on the logs. What was read in source but not seen running is
// marked so at its place.
//
// The limits: fields of a JSON object stand in alphabetical order. There is no
// streaming, no organizations, and of the some 300 routes those of routes.go.
package fake

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Version is a release of LiteLLM.
type Version string

// The releases that were measured.
const (
	V1_81  Version = "1.81.0"
	V1_106 Version = "1.106.2"
)

// LogMode is how a replica prints.
type LogMode string

// The log modes.
const (
	LogPlain LogMode = "plain"
	LogJSON  LogMode = "json"  // json_logs: true
	LogDebug LogMode = "debug" // --detailed_debug
)

// Options is what a gateway is made of; the zero value is a 1.106.2 with two
// replicas that log nowhere.
type Options struct {
	Version    Version
	Replicas   int              // 0: 2
	MasterKey  string           // "": a random one
	Models     []Model          // nil: DefaultModels()
	Now        func() time.Time // nil: time.Now
	CacheTTL   time.Duration    // of authentication, by replica; 0: 60 s
	SpendDelay time.Duration    // until spend is written; 0: 2 s, negative: at once
	ResetEvery time.Duration    // how often budgets whose time has come are reset; 0: 10 min
	NoDatabase bool
	LogMode    LogMode
	// What a gateway does that was set up with care, for tests that break one
	// promise at a time; see sound.go.
	SharedLimits func(alias string) bool                                              // rate limits of these keys count over all replicas; nil: of none
	VectorBase   string                                                               // where vector stores of kind pg_vector are kept (PG_VECTOR_API_BASE)
	ForwardKey   bool                                                                 // the client's key goes to providers too (forward_client_headers_to_llm_api)
	Workers      int                                                                  // requests that the balancer reads at a time; 0: any number
	CacheFor     func(n int, alias string) time.Duration                              // instead of CacheTTL, by replica and key
	ThinkTime    time.Duration                                                        // of a model whose prompt asks for a slow answer
	Wrap         func(g *Gateway, n int, next http.Handler) http.Handler              // around replica n, the balancer for -1
	Listen       func() (net.Listener, error)                                         // nil: a free port of 127.0.0.1
	Dial         func(ctx context.Context, network, address string) (net.Conn, error) // to providers; nil: TCP
	// Logs gives the streams of replica n, from 0; BalancerLog is the balancer's
	// access log. nil discards. Writes are whole records, one at a time.
	Logs        func(n int) (stdout, stderr io.Writer)
	BalancerLog io.Writer
	DatabaseURL string // printed in debug mode by 1.81.0; "": a made-up one
}

// Gateway is a running fake. Its methods are safe for concurrent use.
type Gateway struct {
	URL       string // of the load balancer
	MasterKey string
	Version   Version

	opts     Options
	db       *store
	replicas []*Replica
	front    []http.Handler // the replicas as asked, in their order
	servers  []*http.Server
	serving  sync.WaitGroup
	open     context.Context // of every request; ends with Close
	shut     context.CancelFunc
	turn     atomic.Uint64 // of the balancer's round robin
	fault    atomic.Pointer[Fault]
	hook     atomic.Pointer[func(*http.Request)]
	logging  sync.Mutex    // one record at a time
	access   *lineWriter   // the balancer's
	upstream *http.Client  // to the providers of models that have one
	workers  chan struct{} // a place for each request that the balancer reads; nil: any number
}

// Start makes a gateway listen, each replica and the balancer on an address of
// its own. Close ends it.
func Start(opts Options) (*Gateway, error) {
	opts = opts.withDefaults()
	g := &Gateway{
		MasterKey: opts.MasterKey, Version: opts.Version, opts: opts,
		db: newStore(opts),
	}
	g.open, g.shut = context.WithCancel(context.Background())
	g.upstream = &http.Client{Transport: &http.Transport{DialContext: opts.Dial}}
	if opts.Workers > 0 {
		g.workers = make(chan struct{}, opts.Workers)
	}
	g.access = newLineWriter(&g.logging, opts.BalancerLog)
	g.fault.Store(&Fault{})
	for n := range opts.Replicas {
		r := newReplica(g, n)
		url, err := g.listen(g.wrap(n, r))
		if err != nil {
			return nil, errors.Join(err, g.Close())
		}
		r.URL = url
		r.log.banner(url)
		g.replicas = append(g.replicas, r)
	}
	url, err := g.listen(g.wrap(-1, http.HandlerFunc(g.balance)))
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	g.URL = url
	return g, nil
}

// wrap is a handler as Options.Wrap has it.
func (g *Gateway) wrap(n int, h http.Handler) http.Handler {
	if g.opts.Wrap != nil {
		h = g.opts.Wrap(g, n, h)
	}
	if n >= 0 {
		g.front = append(g.front, h)
	}
	return h
}

func (o Options) withDefaults() Options {
	set := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	set((*string)(&o.Version), string(V1_106))
	set((*string)(&o.LogMode), string(LogPlain))
	set(&o.MasterKey, NewKey())
	set(&o.DatabaseURL, "postgresql://llmproxy:"+NewKey()[3:]+"@db:5432/litellm")
	if o.Replicas <= 0 {
		o.Replicas = 2
	}
	if o.Models == nil {
		o.Models = DefaultModels()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.CacheTTL == 0 {
		o.CacheTTL = time.Minute
	}
	if o.SpendDelay == 0 {
		o.SpendDelay = 2 * time.Second
	}
	if o.ResetEvery == 0 {
		o.ResetEvery = 10 * time.Minute
	}
	if o.Listen == nil {
		o.Listen = func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
	}
	if o.Logs == nil {
		o.Logs = func(int) (io.Writer, io.Writer) { return io.Discard, io.Discard }
	}
	return o
}

// NewKey is a random key of LiteLLM's default form: sk- and 16 bytes in
// base64url. crypto/rand does not fail on the systems we build for.
func NewKey() string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw)
	return "sk-" + base64.RawURLEncoding.EncodeToString(raw)
}

func (g *Gateway) listen(h http.Handler) (string, error) {
	l, err := g.opts.Listen()
	if err != nil {
		return "", fmt.Errorf("listen for the fake gateway: %w", err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return g.open }, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	g.servers = append(g.servers, s)
	g.serving.Go(func() { _ = s.Serve(l) }) // ends with Close, whose error is the one that counts
	return "http://" + l.Addr().String(), nil
}

// Close ends all connections and requests and waits for the listeners.
func (g *Gateway) Close() error {
	g.shut()
	var errs []error
	for _, s := range g.servers {
		errs = append(errs, s.Close())
	}
	g.serving.Wait()
	g.upstream.CloseIdleConnections()
	return errors.Join(errs...)
}

// Replicas are the gateway's replicas, each with a URL of its own.
func (g *Gateway) Replicas() []*Replica { return g.replicas }

// ReplicaURLs are the URLs of Replicas.
func (g *Gateway) ReplicaURLs() []string {
	urls := make([]string, len(g.replicas))
	for i, r := range g.replicas {
		urls[i] = r.URL
	}
	return urls
}

// balance is the load balancer: round robin past replicas that are down, as
// nginx does it.
func (g *Gateway) balance(w http.ResponseWriter, r *http.Request) {
	counted := &statusWriter{ResponseWriter: w}
	defer func() { g.access.nginx(g.opts.Now(), r, counted) }()
	if !g.fault.Load().before(counted, r) {
		return
	}
	if g.workers != nil {
		select {
		case g.workers <- struct{}{}:
			defer func() { <-g.workers }()
		case <-r.Context().Done():
			return
		}
	}
	for range g.replicas {
		replica := g.replicas[g.turn.Add(1)%uint64(len(g.replicas))]
		if !replica.fault.Load().Down {
			g.front[replica.n].ServeHTTP(counted, r)
			return
		}
	}
	counted.Header().Set("Content-Type", "text/html")
	counted.WriteHeader(http.StatusBadGateway)
	_, _ = io.WriteString(counted, "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n")
}

// OnRequest calls f before each request that a replica answers, for tests that
// change the store while somebody reads it. nil ends it.
func (g *Gateway) OnRequest(f func(*http.Request)) {
	if f == nil {
		g.hook.Store(nil)
		return
	}
	g.hook.Store(&f)
}

// Flush writes all spend that is waiting to be written.
func (g *Gateway) Flush() { g.db.flush(time.Time{}) }

// wait sleeps for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
