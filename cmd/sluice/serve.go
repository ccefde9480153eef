package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// readiness says why the sidecar is not ready: the keys are stale, a source
// stalls, a breaker is open. Empty: it is.
type readiness func() (reasons []string)

// serveGrace is how long a request that is under way at the end may take.
const serveGrace = time.Second

// serve answers /metrics, /livez, /readyz and / until ctx ends. The address is
// bound before serve returns its first error, so that a port that is taken ends
// the program at its start.
func serve(ctx context.Context, addr string, m *metrics, ready readiness, log *slog.Logger) (wait func() error, err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	log.Info("serving", "addr", l.Addr().String())
	server := &http.Server{Handler: handler(m, ready), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), serveGrace)
		defer cancel()
		stopped <- server.Shutdown(grace)
	})
	return func() error {
		err := <-done
		if !stop() {
			<-stopped
		}
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	}, nil
}

func handler(m *metrics, ready readiness) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	text := func(w http.ResponseWriter, status int, body string) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		fmt.Fprintln(w, body)
	}
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if reasons := ready(); len(reasons) > 0 {
			text(w, http.StatusServiceUnavailable, strings.Join(reasons, "\n"))
			return
		}
		text(w, http.StatusOK, "ready")
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		text(w, http.StatusOK, "sluice "+version()+"\n/metrics  what was examined and found\n/livez    alive\n/readyz   ready, or why not")
	})
	return mux
}
