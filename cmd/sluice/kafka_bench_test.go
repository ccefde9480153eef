package main

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"sluice/internal/kafkaclient"
	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/sinks/clean"
)

// BenchmarkMessages is detection and redaction of messages, without a broker:
// what they cost beside lines is what the parts of a message cost.
func BenchmarkMessages(b *testing.B) {
	set, err := rules.Default()
	if err != nil {
		b.Fatal(err)
	}
	d, err := newDetection(detectionConfig{rules: set, master: record.NewSecret("sk-a-master-key-that-is-told-1234")})
	if err != nil {
		b.Fatal(err)
	}
	for _, messages := range []bool{true, false} {
		b.Run(fmt.Sprint("messages=", messages), func(b *testing.B) {
			batch := benchBatch(messages)
			const each = 64
			b.SetBytes(int64(each * len(batch.Text)))
			b.ReportAllocs()
			for b.Loop() {
				cfg := d.pipeline()
				cfg.Sources = []pipeline.Source{repeated{batch, each}}
				cfg.Sink, cfg.Jobs, cfg.Ordered = clean.New(discard{}), 1, true
				if err := pipeline.Run(context.Background(), context.Background(), cfg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// benchBatch is a batch as a fetch of log lines gives it, or the same as lines.
func benchBatch(messages bool) record.Batch {
	out := record.Batch{Origin: record.Origin{Kind: kafkaclient.Kind, Name: "t", Stream: "0"}, Messages: messages}
	for i := 0; len(out.Text) < 250<<10; i++ {
		part := func(kind record.Part, text []byte) {
			start := len(out.Text)
			out.Text = append(out.Text, text...)
			r := record.Record{Span: record.Span{Start: start, End: len(out.Text)}, Next: int64(i + 1)}
			if messages {
				r.Part, r.Msg = kind, int32(i)
			}
			out.Records = append(out.Records, r)
		}
		if messages {
			part(record.PartKey, strconv.AppendInt(nil, int64(i%50), 10))
		}
		line := fmt.Appendf(nil, `{"time":"2026-01-21T09:14:%02d.%03dZ","level":"INFO","logger":"proxy","request_id":"%08x-%04x","model":"claude-3-haiku",`+
			`"user":"team-%d","status":200,"latency_ms":%d,"message":"POST /v1/chat/completions finished, cache miss, provider answered"}`,
			i%60, i%1000, uint32(i*2654435761), i&0xffff, i%50, i*7919%5000)
		if i%100 == 0 {
			line = append(line[:len(line)-1], `,"authorization":"Bearer sk-a-master-key-that-is-told-1234"}`...)
		}
		if !messages {
			line = append(line, '\n')
		}
		part(record.PartValue, line)
	}
	out.End = record.Mark{Stream: "t/0", Offset: int64(len(out.Records))}
	return out
}

// repeated emits a batch so many times.
type repeated struct {
	batch record.Batch
	times int
}

func (r repeated) Run(_ context.Context, emit func(record.Batch) error) error {
	for range r.times {
		if err := emit(r.batch); err != nil {
			return err
		}
	}
	return nil
}

func (repeated) Commit(context.Context, record.Mark) error { return nil }
