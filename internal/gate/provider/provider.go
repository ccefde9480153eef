// Package provider is a model provider for tests of a gateway: it speaks
// enough of OpenAI's and Anthropic's API for the gateway to serve chats,
// responses, files, batches and vector stores from it, on a loopback address.
//
// The promise: it costs nothing, answers at once, and remembers what it was
// sent, so that the gate can see what a gateway passes on. A message that holds
// sluice-gate-refuse gets a 401 that repeats its key, sluice-gate-cut an answer
// cut short, sluice-gate-hangup none, sluice-gate-slow one that takes SlowTime,
// and sluice-gate-mirror one that names the keys it came with, by hash. After
// sluice-gate-away nobody listens for AwayTime: connections are refused.
//
// The limits: it listens on loopback addresses alone, keeps the last requests
// in memory, bounded, and forgets everything when it ends.
package provider

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// DefaultAddress is where it listens if no other is named, so that a
	// gateway's configuration can name it.
	DefaultAddress = "127.0.0.1:4994"
	// ModelName is the gateway's model that should point here.
	ModelName = "sluice-mock"
	// LostModelName is the gateway's model whose provider has no address: the
	// gateway cannot look its name up.
	LostModelName = "sluice-mock-lost"
	// SlowTime is how long a slow answer takes: long enough for a dozen
	// requests to overlap.
	SlowTime = 2 * time.Second
	// AwayTime is how long nobody listens when the provider was told to go.
	AwayTime = 5 * time.Second

	maxKept    = 256     // requests remembered
	maxRequest = 1 << 20 // bytes of a request that are read
	maxObjects = 1000    // responses, files and batches
	readHeader = 10 * time.Second
)

// Provider is a running provider. Its methods are safe for concurrent use.
type Provider struct {
	URL   string // http://127.0.0.1:PORT
	serve sync.WaitGroup
	ended context.Context // ends with Close
	end   context.CancelFunc

	mu      sync.Mutex
	server  *http.Server // the one of now: each time it comes back it is another
	kept    []request    // the newest last
	objects map[string]map[string]any
	next    int
}

// request is what came, as text to be searched.
type request struct{ path, headers, body string }

// Start listens on address, a loopback one with a port.
func Start(address string) (*Provider, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("address of the provider: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, errors.New("address of the provider: want a loopback address")
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("start the provider: %w", err)
	}
	return Serve(l), nil
}

// Serve answers on a listener, which is the provider's from here on.
func Serve(l net.Listener) *Provider {
	p := &Provider{URL: "http://" + l.Addr().String(), objects: map[string]map[string]any{}}
	p.ended, p.end = context.WithCancel(context.Background())
	p.serve.Go(func() { p.answerOn(l) }) // ends with Close
	return p
}

// answerOn answers on l, and after each time away on the same address again.
func (p *Provider) answerOn(l net.Listener) {
	for l != nil {
		server := &http.Server{Handler: p.handler(), ReadHeaderTimeout: readHeader,
			ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
		p.mu.Lock()
		p.server = server
		p.mu.Unlock()
		if p.ended.Err() != nil {
			_ = server.Close() // Close may have met the one before
		}
		_ = server.Serve(l) // until somebody closes it
		l = p.comeBack(l)
	}
}

// comeBack listens again where l did, when AwayTime is over; nil if the
// provider was closed first.
func (p *Provider) comeBack(l net.Listener) net.Listener {
	for {
		if pause(p.ended, AwayTime); p.ended.Err() != nil {
			return nil
		}
		// Whoever has taken the address meanwhile may give it back.
		if again, err := reopen(l); err == nil {
			return again
		}
	}
}

// reopen listens where a closed listener did; listeners that are not of the
// system's network say how.
func reopen(l net.Listener) (net.Listener, error) {
	if own, ok := l.(interface{ Reopen() (net.Listener, error) }); ok {
		return own.Reopen()
	}
	return net.Listen(l.Addr().Network(), l.Addr().String())
}

// goAway ends every connection and has nobody listen for AwayTime.
func (p *Provider) goAway() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		return nil
	}
	return p.server.Close()
}

// Close ends it and waits.
func (p *Provider) Close() error {
	p.end()
	err := p.goAway()
	p.serve.Wait()
	return err
}

// Address is the host and port where it listens.
func (p *Provider) Address() string { return strings.TrimPrefix(p.URL, "http://") }

// Model is the gateway's model that should point here.
func (p *Provider) Model() string { return ModelName }

// Config is what a LiteLLM configuration needs to use it: the four lines of the
// model, and what single checks need beside it.
func Config(address string) string {
	return `model_list:
  - model_name: ` + ModelName + `
    litellm_params: {model: openai/` + ModelName + `, api_base: "http://` + address + `/v1", api_key: sk-none}
    model_info: {input_cost_per_token: 0.000001, output_cost_per_token: 0.000001}
` + configMore(address)
}

// configMore is a model whose provider has no address, for 5f, and where vector
// stores are kept, for 4u.
func configMore(address string) string {
	return `  - model_name: ` + LostModelName + `
    litellm_params: {model: openai/` + ModelName + `, api_base: "http://sluice-gate.invalid/v1", api_key: sk-none}
environment_variables: {PG_VECTOR_API_BASE: "http://` + address + `", PG_VECTOR_API_KEY: sk-none}
`
}

// Received says how many of the remembered requests hold text, and where.
func (p *Provider) Received(text string) (count int, where []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.kept {
		found := false
		for name, part := range map[string]string{"the path": r.path, "a header": r.headers, "the body": r.body} {
			if strings.Contains(part, text) {
				found = true
				where = append(where, name)
			}
		}
		if found {
			count++
		}
	}
	return count, where
}

// keep remembers a request and returns its body.
func (p *Provider) keep(r *http.Request) []byte {
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxRequest)) // a request cut short is kept as it came
	var headers bytes.Buffer
	_ = r.Header.Write(&headers) // a bytes.Buffer takes all
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.kept) == maxKept {
		p.kept = p.kept[1:]
	}
	p.kept = append(p.kept, request{path: r.URL.String(), headers: headers.String(), body: string(body)})
	return body
}

// pause waits for d or the end of the request.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
