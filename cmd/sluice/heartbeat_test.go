package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/pipeline"
	"sluice/internal/record"
)

// A sidecar that finds nothing says once an hour that it looks: what came since
// the last time, and why it is not ready.
func TestHeartbeatSaysWhatWasRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		stats := &pipeline.Stats{}
		ctx, cancel := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() {
			heartbeat(ctx, stats, func() []string { return []string{"the receiver is down"} }, slog.New(slog.NewTextHandler(&said, nil)))
		})
		time.Sleep(heartbeatEvery - time.Second)
		if said.Len() > 0 {
			t.Errorf("within the first hour it said %s", &said)
		}
		stats.Records.Add(7)
		stats.BySeverity[record.SeverityHigh].Add(2)
		time.Sleep(heartbeatEvery)
		stats.Records.Add(1)
		time.Sleep(heartbeatEvery)
		cancel()
		run.Wait()
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], "records=7 findings=2") || !strings.Contains(lines[1], "records=1 findings=0") ||
			!strings.Contains(lines[1], `not_ready="[the receiver is down]"`) {
			t.Errorf("it said %s", &said)
		}
	})
}
