package main

import (
	"context"
	"time"

	"github.com/schollz/progressbar/v3"

	"sluice/internal/pipeline"
	"sluice/internal/record"
)

// progressEvery is how often the bar moves: often enough to look alive.
const progressEvery = 200 * time.Millisecond

// measured is a source that knows how far it is. Total grows while folders are
// still being walked; both are bytes.
type measured interface {
	Progress() (done, total int64, current string)
}

// showProgress draws a bar on standard error until the returned function is
// called. Off a terminal, or where nobody knows the total, it draws nothing.
func showProgress(a *app, srcs []pipeline.Source, off bool) (stop func()) {
	var known []measured
	for _, s := range srcs {
		if m, ok := s.(measured); ok {
			known = append(known, m)
		}
	}
	if off || !a.stderrTerminal || len(known) == 0 || a.env("TERM") == "dumb" {
		return func() {}
	}
	bar := progressbar.NewOptions64(-1,
		progressbar.OptionSetWriter(a.stderr), progressbar.OptionShowBytes(true),
		progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetWidth(20), progressbar.OptionThrottle(progressEvery/2),
		progressbar.OptionFullWidth())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				// What a terminal refuses is no reason to fail a scan.
				_ = bar.Clear()
				return
			case <-tick.C:
				step(bar, known)
			}
		}
	}()
	return func() { cancel(); <-done }
}

func step(bar *progressbar.ProgressBar, known []measured) {
	var done, total int64
	name := ""
	for _, m := range known {
		d, t, current := m.Progress()
		done, total = done+d, total+t
		if current != "" {
			name = current
		}
	}
	if total > 0 {
		bar.ChangeMax64(max(total, done))
	}
	bar.Describe(record.Printable(shorten(name)))
	_ = bar.Set64(done)
}

// shorten keeps the end of a long path: the part that differs.
func shorten(name string) string {
	const most = 40
	runes := []rune(name)
	if len(runes) <= most {
		return name
	}
	return "…" + string(runes[len(runes)-most+1:])
}
