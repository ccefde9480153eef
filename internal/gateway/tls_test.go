package gateway

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"sluice/internal/record"
)

// A certificate of an unknown authority is refused before the credential goes
// out, and accepted when the authority's file is named.
func TestTLS(t *testing.T) {
	seen := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen++
		_, _ = io.WriteString(w, `{"teams":[],"keys":[],"total_count":0,"total_pages":0}`)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	key := newKey(t)
	_, err := client(t, server.URL, key).Fetch(t.Context())
	wantKind(t, "unknown authority", err, KindTLS, key)
	if seen != 0 {
		t.Fatal("a request was sent to a server that was not proved")
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{URL: server.URL, Credential: record.NewSecret(key), CAFile: ca})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if s, err := c.Fetch(t.Context()); err != nil || s.Len() != 0 {
		t.Fatalf("with the authority's file: %v", err)
	}
	if err := os.WriteFile(ca, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{URL: server.URL, Credential: record.NewSecret(key), CAFile: ca}); err == nil {
		t.Fatal("a file without a certificate was accepted")
	}
}

// https:// to a port that speaks HTTP.
func TestNoTLSThere(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, err := client(t, "https"+server.URL[len("http"):], newKey(t)).Fetch(t.Context())
	wantKind(t, "no TLS", err, KindTLS)
}

// What every request carries.
func TestRequestHeaders(t *testing.T) {
	key := newKey(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+key || r.UserAgent() != "sluice/test" {
			t.Errorf("credential or user agent %q is wrong", r.UserAgent())
		}
		_, _ = io.WriteString(w, `{"teams":[],"keys":[],"total_count":0,"total_pages":0}`)
	}))
	defer server.Close()
	if _, err := client(t, server.URL+"/", key).Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
}
