package docker

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/record"
)

// TestMain lets the test binary be the ssh that a source starts: it connects to
// the socket in FAKE_SSH, as `docker system dial-stdio` does.
func TestMain(m *testing.M) {
	if path := os.Getenv("FAKE_SSH"); path != "" && filepath.Base(os.Args[0]) == "ssh" {
		dialStdio(path)
		return
	}
	m.Run()
}

func dialStdio(path string) {
	if args := strings.Join(os.Args[1:], " "); !strings.HasSuffix(args, "-l user -p 2222 -- host docker system dial-stdio") {
		return
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		return
	}
	go func() { _, _ = io.Copy(c, os.Stdin) }()
	_, _ = io.Copy(os.Stdout, c)
}

func readFrom(t *testing.T, env func(string) string) (string, error) {
	t.Helper()
	text := ""
	err := New(Config{Name: "*", Self: "none", Env: env}).Run(t.Context(), func(b record.Batch) error {
		text += string(b.Text)
		return nil
	})
	return text, err
}

func TestSSH(t *testing.T) {
	d := newDaemon()
	c := printed(d, []byte("line\n"), false)
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.Symlink(binary, filepath.Join(folder, "ssh")); err != nil {
		t.Skip("no symbolic links here")
	}
	t.Setenv("PATH", folder)
	t.Setenv("FAKE_SSH", strings.TrimPrefix(d.serveUnix(t), "unix://"))
	text, err := readFrom(t, environ("DOCKER_HOST=ssh://user@host:2222"))
	if err != nil || text != c.text(stdout) {
		t.Errorf("%q, %v", text, err)
	}
	for _, host := range []string{"ssh://user:hunter2@host", "ssh://", "ssh://host?x=1", "ftp://host", "nothing"} {
		if _, err := readFrom(t, environ("DOCKER_HOST="+host)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestTLS(t *testing.T) {
	d := newDaemon()
	printed(d, []byte("line\n"), false)
	server := httptest.NewUnstartedServer(d)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	host := "DOCKER_HOST=tcp://" + server.Listener.Addr().String()
	trusted, other := t.TempDir(), t.TempDir()
	writePEM(t, filepath.Join(trusted, "ca.pem"), server.Certificate().Raw)
	writePEM(t, filepath.Join(other, "ca.pem"), selfSigned(t))
	for name, c := range map[string]struct {
		env []string
		ok  bool
	}{
		"checked":           {[]string{host, "DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH=" + trusted}, true},
		"from the config":   {[]string{host, "DOCKER_TLS_VERIFY=1", "DOCKER_CONFIG=" + trusted}, true},
		"not to be trusted": {[]string{host, "DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH=" + other}, false},
		"unchecked":         {[]string{host, "DOCKER_TLS=1", "DOCKER_CERT_PATH=" + other}, true},
		"plain":             {[]string{host, "DOCKER_CERT_PATH=" + trusted}, false},
	} {
		if _, err := readFrom(t, environ(c.env...)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func selfSigned(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func writePEM(t *testing.T, path string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Only what a read-only proxy lets through is asked for.
func TestOnlyReads(t *testing.T) {
	d := newDaemon()
	printed(d, []byte("line\n"), false)
	if _, err := readFrom(t, environ("DOCKER_HOST="+d.serveUnix(t))); err != nil {
		t.Fatal(err)
	}
	for _, r := range d.requests {
		method, path, _ := strings.Cut(r, " ")
		path, _, _ = strings.Cut(path, "?")
		if method != http.MethodGet && path != "/_ping" || !strings.HasSuffix(path, "json") && !strings.HasSuffix(path, "/logs") && path != "/_ping" {
			t.Errorf("request %s", r)
		}
	}
}

func FuzzDecode(f *testing.F) {
	var frames bytes.Buffer
	out := &stream{w: recorder{&frames}, left: 1 << 20}
	for _, form := range []stream{{}, {tty: true}, {json: true}} {
		frames.Reset()
		out.tty, out.json = form.tty, form.json
		for i, text := range []string{"line\n", "", strings.Repeat("x", pieceSize), "end\r\n", "none"} {
			out.send(message{stamp: int64(i+1) * 1e18 / 4, text: []byte(text)})
		}
		f.Add(frames.Bytes(), form.tty, form.json)
	}
	f.Fuzz(func(t *testing.T, text []byte, tty, json bool) {
		kind := ""
		if json {
			kind = ndjson
		}
		framed := noTerminal
		if tty {
			framed = bareTerminal
		}
		d, total := newDecoder(bytes.NewReader(text), kind, framed, func(int64) (bool, error) { return true, nil }), 0
		for {
			m, err := d.next()
			if err != nil {
				return
			}
			if total += len(m.text); total > 3*len(text) || m.stamp <= 0 || m.side >= sides {
				t.Fatalf("%d bytes of %d, stamp %d", total, len(text), m.stamp)
			}
		}
	})
}

// recorder is a ResponseWriter on a buffer.
type recorder struct{ *bytes.Buffer }

func (recorder) Header() http.Header { return http.Header{} }
func (recorder) WriteHeader(int)     {}

// A local socket is spoken to in plain HTTP, whatever TLS and proxies are for
// other hosts: a client whose transport has TLS or HTTP/2 set up takes every host
// for one with TLS.
func TestNoTLSOnASocket(t *testing.T) {
	d := newDaemon()
	c := printed(d, []byte("line\n"), false)
	host := "DOCKER_HOST=" + d.serveUnix(t)
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	for _, env := range [][]string{{host}, {host, "DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH=" + t.TempDir()}, {host, "DOCKER_TLS=1"}} {
		if text, err := readFrom(t, environ(env...)); err != nil || text != c.text(stdout) {
			t.Errorf("%q: %q, %v", env[1:], text, err)
		}
	}
}
