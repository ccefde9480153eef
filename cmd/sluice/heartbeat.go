package main

import (
	"context"
	"log/slog"
	"time"

	"sluice/internal/pipeline"
	"sluice/internal/record"
)

// heartbeatEvery is how often a sidecar that finds nothing says that it looks.
const heartbeatEvery = time.Hour

// heartbeat writes what was done since the last time to the log until ctx ends.
func heartbeat(ctx context.Context, stats *pipeline.Stats, ready readiness, log *slog.Logger) {
	tick := time.NewTicker(heartbeatEvery)
	defer tick.Stop()
	last := countsOf(stats)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			now := countsOf(stats)
			log.Info("still watching", "bytes", now.bytes-last.bytes, "records", now.records-last.records,
				"findings", now.findings-last.findings, "withheld", now.withheld-last.withheld, "streams", now.streams, "not_ready", ready())
			last = now
		}
	}
}

// counts are the numbers of a moment.
type counts struct{ bytes, records, findings, withheld, streams int64 }

func countsOf(s *pipeline.Stats) counts {
	c := counts{bytes: s.Bytes.Load(), records: s.Records.Load(), withheld: s.Withheld.Load(), streams: s.Streams.Load()}
	for i := range s.BySeverity {
		if record.Severity(i) > record.SeverityNone {
			c.findings += s.BySeverity[i].Load()
		}
	}
	return c
}
