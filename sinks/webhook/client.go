package webhook

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"sluice/internal/report"
)

const (
	maxAnswer   = 8 << 10         // bytes of an answer that are read
	answerWait  = 2 * time.Second // for them: what decides is the status before them
	gzipFrom    = 1 << 10         // bytes; less is not worth a receiver's trouble
	maxErrorLen = 300             // bytes
	maxSkew     = time.Minute     // between clocks; receivers of signatures commonly bear five
	pingAfter   = 15 * time.Second
)

type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// client makes single requests.
type client struct {
	cfg  *Config
	http *http.Transport
	skew time.Duration // the receiver's clock minus ours, by its last answer; used by the sender alone
}

// newClient reads what can be wrong: certificates, proxy, keys.
func newClient(cfg *Config) (*client, error) {
	tlsConfig, err := tlsOf(cfg)
	if err != nil {
		return nil, err
	}
	proxy, err := proxyOf(cfg)
	if err != nil {
		return nil, err
	}
	c := &client{cfg: cfg, http: &http.Transport{
		Proxy: proxy, TLSClientConfig: tlsConfig, DialContext: cfg.dial, ForceAttemptHTTP2: true,
		MaxIdleConns: 1, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: cfg.Timeout,
		DisableCompression: true, MaxResponseHeaderBytes: 64 << 10,
		// A connection whose other end is gone without a word is not used for ever.
		HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter},
	}}
	if cfg.dial == nil {
		c.http.DialContext = (&net.Dialer{Timeout: cfg.Timeout, KeepAlive: 30 * time.Second}).DialContext
	}
	_, err = c.signature("msg_check", cfg.Now(), nil)
	return c, err
}

func tlsOf(cfg *Config) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.CA != "" {
		pem, err := os.ReadFile(cfg.CA)
		if err != nil {
			return nil, fmt.Errorf("read CA: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read CA %s: holds no certificate in PEM form", cfg.CA)
		}
	}
	if cfg.Cert != "" {
		load := func() (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(cfg.Cert, cfg.Key)
			if err != nil {
				return nil, fmt.Errorf("read client certificate: %w", err)
			}
			return &pair, nil
		}
		if _, err := load(); err != nil {
			return nil, err
		}
		t.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	}
	return t, nil
}

func proxyOf(cfg *Config) (func(*http.Request) (*url.URL, error), error) {
	if !cfg.Proxy.IsSet() {
		return http.ProxyFromEnvironment, nil
	}
	read := func() (*url.URL, error) {
		v, err := cfg.Proxy.read(cfg.Getenv)
		if err != nil {
			return nil, fmt.Errorf("proxy: %w", err)
		}
		if v.Reveal() == "none" {
			return nil, nil
		}
		u, err := url.Parse(v.Reveal())
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" {
			return nil, fmt.Errorf("proxy from %s: want http://HOST:PORT, https://…, socks5://… or none", cfg.Proxy.place())
		}
		return u, nil
	}
	_, err := read()
	return func(*http.Request) (*url.URL, error) { return read() }, err
}

// signature signs a body with every key: "v1,… v1,…"; empty without keys.
func (c *client) signature(id string, at time.Time, body []byte) (string, error) {
	var all []string
	for i, key := range c.cfg.SigningKeys {
		secret, err := key.read(c.cfg.Getenv)
		if err != nil {
			return "", fmt.Errorf("signing key %d: %w", i+1, err)
		}
		signer, err := webhooks.NewWebhook(secret.Reveal())
		if err != nil {
			return "", fmt.Errorf("signing key %d from %s: want whsec_ and base64", i+1, key.place())
		}
		one, err := signer.Sign(id, at, body)
		if err != nil {
			return "", fmt.Errorf("signing key %d from %s: can't sign", i+1, key.place())
		}
		all = append(all, one)
	}
	return strings.Join(all, " "), nil
}

// request builds the request for a body. What is signed is the body before
// compression: whatever undoes that commonly does so before the receiver looks.
func (c *client) request(ctx context.Context, id, contentType string, body []byte) (*http.Request, error) {
	target, err := c.cfg.target()
	if err != nil {
		return nil, err
	}
	now := c.cfg.Now().Add(c.skew)
	signed, err := c.signature(id, now, body)
	if err != nil {
		return nil, err
	}
	h := http.Header{}
	h.Set("Content-Type", contentType)
	h.Set("User-Agent", strings.TrimSuffix("Sluice/"+c.cfg.Version, "/"))
	h.Set(webhooks.HeaderWebhookID, id)
	h.Set(webhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	if signed != "" {
		h.Set(webhooks.HeaderWebhookSignature, signed)
	}
	if c.cfg.Token.IsSet() {
		token, err := c.cfg.Token.read(c.cfg.Getenv)
		if err != nil {
			return nil, fmt.Errorf("token: %w", err)
		}
		h.Set("Authorization", "Bearer "+token.Reveal())
	}
	if c.cfg.Gzip && len(body) >= gzipFrom {
		if body, err = compress(body); err != nil {
			return nil, err
		}
		h.Set("Content-Encoding", "gzip")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("webhook URL: no request can be made of it")
	}
	req.Header = h
	return req, nil
}

func compress(body []byte) ([]byte, error) {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, err := w.Write(body)
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("compress message: %w", err)
	}
	return buf.Bytes(), nil
}

// answer is what became of a request: a status, or no answer at all.
type answer struct {
	code  int           // 0: none
	after time.Duration // what it asks to wait
	// skewed: what was signed had a time that is not the receiver's, which is
	// known only now; the next request has it.
	skewed bool
}

// post makes one request. Redirects are answers like others: a body of ours
// goes where it was addressed.
func (c *client) post(ctx context.Context, id, contentType string, body []byte) (answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limit := time.AfterFunc(c.cfg.Timeout, func() { cancel(fmt.Errorf("no answer within %s", c.cfg.Timeout)) })
	defer limit.Stop()
	req, err := c.request(ctx, id, contentType, body)
	if err != nil {
		return answer{}, err
	}
	where := shown(req.URL)
	res, err := c.http.RoundTrip(req)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return answer{}, fmt.Errorf("post to %s: %s", where, safeText(err))
	}
	short := time.AfterFunc(answerWait, func() { cancel(nil) })
	defer short.Stop()
	// The status is the answer; that its text is cut off changes nothing.
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	_ = res.Body.Close()
	a := answer{code: res.StatusCode, after: retryAfter(c.cfg.Format, req.URL, res.Header, text, c.cfg.Now()), skewed: c.learn(res.Header)}
	if inner := teamsCode(text); c.cfg.Format == FormatTeams && inner != 0 {
		a.code = inner
	}
	if a.code >= 200 && a.code < 300 {
		return a, nil
	}
	return a, fmt.Errorf("post to %s: answers %d %s", where, a.code, http.StatusText(a.code))
}

// learn takes over the receiver's clock where it and ours are far apart, for
// the time that is signed: the receiver judges it by its own. changed: what it
// was just sent had another.
func (c *client) learn(h http.Header) (changed bool) {
	sent, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return false
	}
	skew, before := sent.Sub(c.cfg.Now()), c.skew
	if skew.Abs() < maxSkew {
		skew = 0
	}
	c.skew = skew
	return len(c.cfg.SigningKeys) > 0 && (skew-before).Abs() >= maxSkew
}

// teamsFailed is how connectors of Teams say, under status 200, that they did
// not deliver.
var teamsFailed = regexp.MustCompile(`^"?Webhook message delivery failed with error: .{0,200}HTTP error ([345]\d\d)`)

func teamsCode(text []byte) int {
	m := teamsFailed.FindSubmatch(text)
	if m == nil {
		return 0
	}
	code, _ := strconv.Atoi(string(m[1])) // three digits
	return code
}

// safeText is an error of the transport without what a receiver sent: it may
// repeat our own request, token and all.
func safeText(err error) string {
	text := err.Error()
	if strings.Contains(text, "malformed") || strings.Contains(text, "invalid") {
		return "the answer is not HTTP"
	}
	return report.Clip(report.Visible(text), maxErrorLen)
}

func (c *client) close() { c.http.CloseIdleConnections() }
