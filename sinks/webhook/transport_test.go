package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// tlsServer is a receiver over TLS; ca is the file that trusts it.
func tlsServer(t *testing.T, h http.HandlerFunc, change func(*tls.Config)) (server *httptest.Server, ca string) {
	t.Helper()
	server = httptest.NewUnstartedServer(h)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = nil
	if change != nil {
		change(server.TLS)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	writePEM(t, ca, "CERTIFICATE", server.Certificate().Raw)
	return server, ca
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A receiver that nobody vouches for is not told anything; once it is vouched
// for it is told everything.
func TestTLSFailure(t *testing.T) {
	var told atomic.Int64
	server, ca := tlsServer(t, func(http.ResponseWriter, *http.Request) { told.Add(1) }, nil)
	dir := t.TempDir()
	s, err := New(Config{URL: literal(server.URL), Proxy: literal("none"), Spool: dir, Linger: time.Nanosecond, Grace: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, 1)
	closeSink(t, s)
	if told.Load() != 0 {
		t.Error("a receiver without a certificate that is trusted was told")
	}
	s, err = New(Config{URL: literal(server.URL), Proxy: literal("none"), CA: ca, Spool: dir, Linger: time.Nanosecond, Grace: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	closeSink(t, s)
	if told.Load() != 1 {
		t.Errorf("told %d times", told.Load())
	}
}

// A receiver that asks for a client's certificate gets ours, and the token of
// the file as it is now.
func TestClientCertificateAndToken(t *testing.T) {
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	var tokens []string // the requests come one after the other
	server, ca := tlsServer(t, func(_ http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) != 1 {
			t.Error("no certificate of the client")
		}
		tokens = append(tokens, r.Header.Get("Authorization"))
	}, func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert })
	pair := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "key.pem"), "PRIVATE KEY", key)
	keyFile(t, token, "first")
	s, err := New(Config{URL: literal(server.URL), Proxy: literal("none"), CA: ca, Cert: ca, Key: filepath.Join(dir, "key.pem"), Token: Value{File: token}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, 1)
	keyFile(t, token, "second")
	write(t, s, 2)
	closeSink(t, s)
	if len(tokens) != 2 || tokens[0] != "Bearer first" || tokens[1] != "Bearer second" {
		t.Errorf("tokens %q", tokens)
	}
}

// A redirect is not followed: body, token and signature go where they were
// addressed and nowhere else.
func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		inBubble(t, func(t *testing.T, r *receiver) {
			r.answer = func(n int, w http.ResponseWriter, req *http.Request) bool {
				if req.Host != "receiver.test" || req.Method != http.MethodPost {
					t.Errorf("%s to %s", req.Method, req.Host)
				}
				if n == 1 {
					http.Redirect(w, req, "http://elsewhere.test/", code)
				}
				return n > 1
			}
			s := r.open(func(c *Config) { c.Token = literal("a-token") })
			write(t, s, 0)
			closeSink(t, s)
			each(t, r, 1)
			if n := len(r.requests()); n != 2 {
				t.Errorf("%d: %d requests", code, n)
			}
		})
	}
}

// The proxy that is named carries the requests, with its own credential.
func TestProxy(t *testing.T) {
	var carried []string
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		carried = append(carried, r.Host+" "+r.Header.Get("Proxy-Authorization"))
	}))
	t.Cleanup(proxy.Close)
	u, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("user", "word")
	path := filepath.Join(t.TempDir(), "proxy")
	keyFile(t, path, u.String())
	s, err := New(Config{URL: literal("http://receiver.test/hook"), Proxy: Value{File: path}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, 1)
	closeSink(t, s)
	if len(carried) != 1 || !strings.HasPrefix(carried[0], "receiver.test Basic ") {
		t.Errorf("carried %q", carried)
	}
}

// What can be wrong is said at the start, and no error repeats a credential.
func TestParse(t *testing.T) {
	dir := t.TempDir()
	keyFile(t, filepath.Join(dir, "url"), "https://hooks.slack.com/services/hidden")
	c, err := Parse("webhook:file:" + dir + "/url?format=slack&window=2h&retry=5xx&gzip=true&key-env=A&key-env=B&spool-size=8MiB&min-severity=high")
	if err != nil || c.Format != FormatSlack || c.Window != 2*time.Hour || !c.Gzip || len(c.SigningKeys) != 2 || c.SpoolBytes != 8<<20 {
		t.Errorf("%+v, %v", c, err)
	}
	for _, bad := range []string{
		"", "https://", "ftp:/x", "https://user:hidden@h/", "https://hooks.slack.com/services/hidden", "https://x.webhook.office.com/hidden",
		"https://h/?colour=hidden", "https://h/?format=hidden2", "https://h/?window=-1s", "https://h/?token-env=hidden&token-env=B", "https://h/?gzip=perhaps",
		"https://h/?template=/does/not/exist", "https://h/?proxy=http://user:hidden@h/", "https://h/?spool-size=-1", "https://h/?a=%zzhidden",
	} {
		_, err := Parse("webhook:" + bad)
		if err == nil {
			t.Errorf("%q is taken", bad)
		} else if strings.Contains(err.Error(), "hidden") && !strings.Contains(bad, "hidden2") {
			t.Errorf("%q: the error repeats it: %v", bad, err)
		}
	}
}
