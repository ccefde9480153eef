package kafkaclient

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"io/fs"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
)

// authority makes certificates for a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	n    int64
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	raw, key := a.sign(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	a.cert, a.key = cert, key
	return a
}

// sign signs a certificate; the first one by itself.
func (a *authority) sign(c *x509.Certificate) (raw []byte, key *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	a.n++
	c.SerialNumber, c.Subject = big.NewInt(a.n), pkix.Name{CommonName: "sluice test"}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = c, key
	}
	if raw, err = x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by); err != nil {
		a.t.Fatal(err)
	}
	return raw, key
}

// pair is a certificate with its key in PEM form.
func (a *authority) pair(c *x509.Certificate) (cert, key []byte) {
	a.t.Helper()
	raw, private := a.sign(c)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return block("CERTIFICATE", raw), block("PRIVATE KEY", der)
}

func (a *authority) pem() []byte { return block("CERTIFICATE", a.cert.Raw) }

func block(kind string, der []byte) []byte {
	var out bytes.Buffer
	_ = pem.Encode(&out, &pem.Block{Type: kind, Bytes: der}) // a buffer takes everything
	return out.Bytes()
}

// secured is a cluster with TLS, which wants our certificate too if asked, and
// users for each mechanism.
func secured(t *testing.T, a *authority, certificate bool) string {
	t.Helper()
	cert, key := a.pair(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if certificate {
		cfg.ClientCAs, cfg.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		cfg.ClientCAs.AddCert(a.cert)
	}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(cfg), kfake.EnableSASL(), kfake.SeedTopics(1, "there"),
		kfake.Superuser("PLAIN", "paul", "the-password-of-paul"), kfake.Superuser("SCRAM-SHA-256", "sam", "the-password-of-sam"),
		kfake.Superuser("SCRAM-SHA-512", "sue", "the-password-of-sue"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()[0]
}

// files are what the parameters of a test name.
type files map[string][]byte

func (f files) read(path string) ([]byte, error) {
	if text, ok := f[path]; ok {
		return text, nil
	}
	return nil, fs.ErrNotExist
}

// reach asks a broker for a topic, as a URI's parameters say.
func reach(t *testing.T, addr, params, password string, f files) error {
	t.Helper()
	target, err := Parse(Kind + "://" + addr + "/there?" + params)
	if err != nil {
		t.Fatal(err)
	}
	o, err := target.Options(Env{Lookup: func(string) (string, bool) { return password, true }, ReadFile: f.read})
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Ping(ctx); err != nil {
		return c.Explain(ctx, err, About{Topic: "there"})
	}
	_, err = c.API().Metadata(ctx, &kafka.MetadataRequest{Topics: []string{"there"}})
	return c.Explain(ctx, err, About{Topic: "there"})
}

// TLS, mutual TLS and each mechanism reach a broker; what is wrong about them is
// one line that says what to do, without a password.
func TestSecurity(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	open, mutual := secured(t, ours, false), secured(t, ours, true)
	cert, key := ours.pair(&x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	f := files{"ca": ours.pem(), "other": theirs.pem(), "cert": cert, "key": key}
	for name, c := range map[string]struct {
		addr, params, password string
		want                   string // "": it is reached
	}{
		"plain":             {open, "ca=ca&sasl=plain&user=paul", "the-password-of-paul", ""},
		"SCRAM-SHA-256":     {open, "ca=ca&sasl=scram-sha-256&user=sam", "the-password-of-sam", ""},
		"SCRAM-SHA-512":     {open, "ca=ca&sasl=scram-sha-512&user=sue", "the-password-of-sue", ""},
		"mutual":            {mutual, "ca=ca&cert=cert&key=key&sasl=plain&user=paul", "the-password-of-paul", ""},
		"wrong, plain":      {open, "ca=ca&sasl=plain&user=paul", "the-password-of-sam", "wrong name or password"},
		"wrong, SCRAM":      {open, "ca=ca&sasl=scram-sha-512&user=sue", "the-password-of-sam", "wrong name or password"},
		"no certificate":    {mutual, "ca=ca&sasl=plain&user=paul", "the-password-of-paul", "cert=FILE"},
		"unknown authority": {open, "ca=other&sasl=plain&user=paul", "the-password-of-paul", "certificate that is not trusted: give its authority with ca=FILE"},
		"another name":      {open, "ca=ca&server-name=elsewhere&sasl=plain&user=paul", "the-password-of-paul", "certificate for another name"},
		"no TLS":            {open, "sasl=plain&user=paul", "the-password-of-paul", "TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			err := reach(t, c.addr, c.params, c.password, f)
			switch {
			case c.want == "":
				if err != nil {
					t.Fatal(err)
				}
			case err == nil:
				t.Fatal("it is reached")
			case !strings.Contains(err.Error(), c.want), strings.Contains(err.Error(), "\n"), strings.Contains(err.Error(), "the-password"):
				t.Errorf("%q, want %q", err, c.want)
			}
		})
	}
}

// TLS spoken to a port that has none: a broker waits for the rest of what it
// takes for a length, or closes the connection.
func TestTLSWhereThereIsNone(t *testing.T) {
	for name, answer := range map[string]func(net.Conn){
		"waits":  func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"closes": func(c net.Conn) { _, _ = io.ReadFull(c, make([]byte, 4)) },
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var taking sync.WaitGroup
			taking.Go(func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					answer(c)
					_ = c.Close()
				}
			})
			defer taking.Wait()
			defer func() { _ = l.Close() }()
			c, err := New(Options{Brokers: []string{l.Addr().String()}, TLS: &tls.Config{MinVersion: tls.VersionTLS12, ServerName: "x"}})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.silence = 20 * time.Millisecond
			err = c.Explain(t.Context(), c.Ping(t.Context()), About{})
			if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "TLS on this port") {
				t.Errorf("%v", err)
			}
		})
	}
}
