package pipeline

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"unsafe"

	"sluice/internal/record"
)

// stopped is a sink that takes nothing until it is told to.
type stopped struct {
	collect
	open chan struct{}
}

func (s *stopped) Write(ctx context.Context, ds []record.Delivery) error {
	<-s.open
	return s.collect.Write(ctx, ds)
}

// counting counts the records that were taken of a source.
type counting struct {
	*memory
	taken atomic.Int64
}

func (c *counting) Run(ctx context.Context, emit func(record.Batch) error) error {
	return c.memory.Run(ctx, func(b record.Batch) error {
		n := int64(len(b.Records)) // emit takes the batch over
		err := emit(b)
		c.taken.Add(n)
		return err
	})
}

// Short lines are mostly records: 16 MB of them in flight took half a gigabyte
// when only their text was counted.
func TestRecordsCountInTheBudget(t *testing.T) {
	const budget = 1 << 20
	size := int64(unsafe.Sizeof(record.Record{}))
	if size > recordCost {
		t.Errorf("a record has %d bytes, the budget counts %d", size, recordCost)
	}
	synctest.Test(t, func(t *testing.T) {
		sink := &stopped{open: make(chan struct{})}
		src := &counting{memory: &memory{t: t, streams: []string{strings.Repeat("\n", 100_000)}, piece: 1000}}
		cfg := config(src, sink)
		cfg.Budget = budget
		done := make(chan error)
		go func() { done <- Run(t.Context(), t.Context(), cfg) }()
		synctest.Wait() // until everybody waits for the sink
		if taken := src.taken.Load(); taken*size > budget || taken == 0 {
			t.Errorf("%d records are in flight, %d bytes, with a budget of %d", taken, taken*size, budget)
		}
		close(sink.open)
		if err := <-done; err != nil || src.taken.Load() != 100_000 {
			t.Errorf("%d records came, error %v", src.taken.Load(), err)
		}
	})
}
