package docker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A daemon with TLS asks for a certificate as a rule: cert.pem and key.pem are
// shown to it, and without them it is not read.
func TestTheDaemonWantsACertificate(t *testing.T) {
	d := newDaemon()
	c := printed(d, []byte("line\n"), false)
	folder, bare := t.TempDir(), t.TempDir()
	pool := x509.NewCertPool()
	pool.AddCert(clientCertificate(t, folder))
	server := httptest.NewUnstartedServer(d)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	server.StartTLS()
	defer server.Close()
	for _, f := range []string{folder, bare} {
		writePEM(t, filepath.Join(f, "ca.pem"), server.Certificate().Raw)
	}
	host := "DOCKER_HOST=tcp://" + server.Listener.Addr().String()
	text, err := readFrom(t, environ(host, "DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH="+folder))
	if err != nil || text != c.text(stdout) {
		t.Errorf("with a certificate: %q, %v", text, err)
	}
	if text, err := readFrom(t, environ(host, "DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH="+bare)); err == nil {
		t.Errorf("without a certificate: %q", text)
	}
	if err := os.WriteFile(filepath.Join(bare, "cert.pem"), []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := readFrom(t, environ(host, "DOCKER_TLS=1", "DOCKER_CERT_PATH="+bare)); err == nil {
		t.Errorf("with half a pair: %q", text)
	}
}

// clientCertificate writes cert.pem and key.pem, and returns who signed it:
// itself.
func clientCertificate(t *testing.T, folder string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(folder, "cert.pem"), raw)
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	if err := os.WriteFile(filepath.Join(folder, "key.pem"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}
