package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// onHangup takes SIGHUP from its default, which is the end of the process.
func onHangup() chan os.Signal {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	return hangups
}

// reloads reads rules and lists again at each SIGHUP until ctx ends. What cannot be
// used changes nothing; what is being examined keeps what it began with.
func (w *following) reloads(ctx context.Context, hangups chan os.Signal) {
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

// reload reads again what the flags name. The keys, the positions and what was
// learnt stay.
func (f *passFlags) reload(a *app, d *detection) error {
	access, err := f.gateway.open(a)
	if err != nil {
		return err
	}
	c, err := f.detect.config(a, nil, nil, access.master)
	if err != nil {
		return err
	}
	return d.load(c, ruleTable(c.rules))
}
