// Package pipeline carries records from sources through detectors to sinks.
//
// The promise to whoever wires it: every record that a source emits is
// examined by every detector and delivered redacted, in the order of its
// stream, or it is withheld and counted; a source is told Commit only for what
// its sinks have accepted; when Run returns, nothing it started is running.
//
// The limits: order holds within a stream (Mark.Stream), across streams only
// when Config.Ordered is set. Memory in flight is bounded by Config.Budget.
package pipeline

import (
	"context"

	"sluice/internal/record"
)

// Source reads records. Run blocks until the input ends, ctx ends, or reading
// is impossible; emit blocks while the pipeline is full and returns an error
// only when nothing more will be taken, which Run must return. Run may emit
// from several goroutines, but a stream from one at a time. An error that
// concerns one input of several is kept, the others are read, and Run returns
// them joined. A source that waits for its last marks to be committed before it
// returns need not if the cause of ctx has a method GaveUp() bool that is true.
//
// Commit says that everything before the mark is delivered; marks of a stream
// arrive in order. Sources that cannot resume return nil.
type Source interface {
	Run(ctx context.Context, emit func(record.Batch) error) error
	Commit(ctx context.Context, at record.Mark) error
}

// Detector finds secrets in a batch's Text and Views and appends them to dst
// with raw spans. It is called from many goroutines, does no I/O and keeps
// nothing of the batch. It reports matches whose secret ends behind b.Lead.
type Detector interface {
	Detect(dst []record.Match, b *record.Batch) []record.Match
}

// Sink takes what was redacted. Write is called from several goroutines; the
// deliveries of one stream arrive in order. nil means: as durable as the sink
// promises to be. Close is called once, after the last Write.
type Sink interface {
	Write(ctx context.Context, ds []record.Delivery) error
	Close(ctx context.Context) error
}
