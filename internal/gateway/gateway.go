// Package gateway knows which keys of an LLM gateway are alive. It reads them
// through LiteLLM's admin API (1.81.0 and 1.106.2 were measured), as SHA-256
// and names: no endpoint returns a key, and this package never sends one.
//
// Start with New, one Client for each gateway. A one-pass job calls
// Client.Fetch, or Load for a file that Save wrote; whoever follows makes a
// Store, runs it, and takes Store.Snapshot whenever it wants the newest. A
// Snapshot is immutable and answers by hash. A Resolver asks for single hashes
// that no snapshot knew.
//
// The promises: every key that existed during the whole of a Fetch is in its
// result, however many others were made and deleted meanwhile. An error holds
// neither the credential nor anything a gateway answered beyond a status and a
// word of [a-z_]: LiteLLM 1.81.0 repeats whole keys in its error texts. The
// credential goes to the configured address only; redirects are refused.
//
// The limits: /key/list leaves out the session keys of LiteLLM's own dashboard
// (team "litellm-dashboard"); a Resolver finds those. A key_name, an alias or
// an id that is itself shaped like a key is replaced, never shown.
package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"sluice/internal/record"
)

// DefaultTimeout is how long one request may take. A page of 100 full objects
// took LiteLLM 20 to 100 ms here; a loaded gateway may take far longer.
const DefaultTimeout = 30 * time.Second

// connectTimeout bounds the dial alone, so that a wrong address is told soon.
const connectTimeout = 5 * time.Second

// Config says where a gateway is and how it is asked.
type Config struct {
	URL        string        // base URL: scheme, host, optional path; nothing else
	Credential record.Secret // the master key, or a key of a proxy_admin_viewer
	CAFile     string        // PEM certificates trusted besides the system's
	Timeout    time.Duration // of one request; 0: DefaultTimeout
	Version    string        // of this program, for the User-Agent
}

// Client asks one gateway. It is safe for concurrent use.
type Client struct {
	base string // without a trailing slash
	// authorize puts the credential into a request. It is a function because fmt
	// does not ask a record.Secret how to print itself inside a field that is not
	// exported, but never looks into a function.
	authorize func(*http.Request)
	agent     string
	http      *http.Client
	teams     atomic.Pointer[map[string]team] // as of the last Fetch
}

// ErrNoCredential says that a gateway was named without a key to ask it with.
var ErrNoCredential = errors.New("no credential for the gateway")

// New checks the configuration and makes a client. It connects to nothing.
func New(cfg Config) (*Client, error) {
	base, err := ParseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.Credential.Empty() {
		return nil, fmt.Errorf("gateway %s: %w", base, ErrNoCredential)
	}
	if strings.ContainsFunc(cfg.Credential.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fmt.Errorf("gateway %s: the credential holds characters that no header can carry", base)
	}
	roots, err := trusted(cfg.CAFile)
	if err != nil {
		return nil, err
	}
	timeout := cfg.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	version := cfg.Version
	if version == "" {
		version = "dev"
	}
	return &Client{
		base: base, agent: "sluice/" + version,
		authorize: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+cfg.Credential.Reveal()) },
		http: &http.Client{
			Timeout: timeout,
			// A redirect is an error of ours, not followed: the credential
			// belongs to the address that the user named.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				Proxy:               http.ProxyFromEnvironment,
				DialContext:         (&net.Dialer{Timeout: connectTimeout}).DialContext,
				TLSHandshakeTimeout: connectTimeout,
				TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
				MaxIdleConns:        4,
				IdleConnTimeout:     90 * time.Second,
				ForceAttemptHTTP2:   true,
			},
		},
	}, nil
}

// ParseURL checks a gateway's base URL and returns it without a trailing slash.
// An error never repeats the URL's user part, which would be a secret.
func ParseURL(raw string) (string, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "", errors.New("gateway URL: not a URL")
	case u.User != nil:
		return "", errors.New("gateway URL: holds a user or password; give the key through SLUICE_GATEWAY_KEY or a file")
	case u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("gateway URL: want http:// or https://")
	case u.Host == "" || u.Hostname() == "":
		return "", errors.New("gateway URL: no host")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "", errors.New("gateway URL: want scheme, host and path only")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// Base is the gateway's base URL, as KeyInfo.Gateway has it.
func (c *Client) Base() string { return c.base }

// Close lets idle connections go.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// trusted is the system's certificates and those of file; nil means the system's.
func trusted(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the gateway's CA: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a machine without any: the file alone counts
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the gateway's CA: %s holds no PEM certificate", file)
	}
	return pool, nil
}
