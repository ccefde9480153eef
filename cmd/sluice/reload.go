package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// reloads reads rules and lists again at each SIGHUP until ctx ends. What cannot be
// used changes nothing; what is being examined keeps what it began with.
func (w *following) reloads(ctx context.Context) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			w.reloadOnce()
		}
	}
}

func (w *following) reloadOnce() {
	w.super().reloading()
	defer w.super().ready()
	if err := w.reload(); err != nil {
		w.metrics.reloads.WithLabelValues("failed").Inc()
		w.log.Error("reload: all stays as it was", "err", err, "hint", hintOf(err))
		return
	}
	w.metrics.reloads.WithLabelValues("done").Inc()
	w.log.Info("reloaded rules, secrets, baseline and ignore file")
}
