package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sluice/internal/gateway"
	"sluice/internal/pipeline"
	"sluice/internal/record"
)

func TestHandler(t *testing.T) {
	stats := &pipeline.Stats{}
	stats.Bytes.Store(4096)
	m := newMetrics(stats, gateway.NewStore(gateway.StoreConfig{}))
	err := m.Write(t.Context(), []record.Delivery{{Findings: []record.Finding{
		{Rule: "github-pat", Severity: record.SeverityHigh},
		{Rule: "github-pat", Severity: record.SeverityHigh, Known: true},
		{Rule: "github-pat", Severity: record.SeverityHigh, Update: true},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	reasons := []string{"the gateway's keys are 11m0s old"}
	h := handler(m, func() []string { return reasons })
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	if code, body := get("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, reasons[0]) {
		t.Errorf("not ready: %d %q", code, body)
	}
	reasons = nil
	if code, body := get("/readyz"); code != http.StatusOK || body != "ready\n" {
		t.Errorf("ready: %d %q", code, body)
	}
	if code, _ := get("/livez"); code != http.StatusOK {
		t.Errorf("alive: %d", code)
	}
	if code, _ := get("/none"); code != http.StatusNotFound {
		t.Errorf("another path: %d", code)
	}
	_, text := get("/metrics")
	for _, want := range []string{`sluice_findings_total{rule="github-pat",severity="high"} 1`, "sluice_bytes_total 4096", "sluice_keys 0", "sluice_build_info{"} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

// serve ends with its context, says at once if the address is taken, and health
// asks it.
func TestServeAndHealth(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	m := newMetrics(&pipeline.Stats{}, gateway.NewStore(gateway.StoreConfig{}))
	if _, err := serve(t.Context(), addr, m, func() []string { return nil }, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("an address that is taken: %v", err)
	}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	if got := runApp(t, nil, "", "health", "--listen", addr); got.code != exitIncomplete || !strings.Contains(got.stderr, "nobody answers") {
		t.Errorf("nobody there: %d %s", got.code, got.stderr)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready := make(chan []string, 2)
	wait, err := serve(ctx, addr, m, func() []string { return <-ready }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ready <- nil
	if got := runApp(t, nil, "", "health", "--listen", addr); got.code != exitClean || got.stdout != "ready\n" {
		t.Errorf("ready: %d %q %s", got.code, got.stdout, got.stderr)
	}
	ready <- []string{"stalled"}
	if got := runApp(t, map[string]string{"SLUICE_LISTEN": addr}, "", "health"); got.code != exitFound || got.stdout != "stalled\n" {
		t.Errorf("not ready: %d %q", got.code, got.stdout)
	}
	cancel()
	if err := wait(); err != nil {
		t.Error(err)
	}
	if resp, err := http.Get("http://" + addr + "/livez"); err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		t.Error("it still answers")
	}
}
