package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"sluice/internal/kafkaclient"
	"sluice/internal/record"
)

// maxBackoff is the longest pause between two attempts of a reader.
const maxBackoff = 5 * time.Second

// reader reads one assigned partition.
type reader struct {
	*Source
	*assignment
	emitter func(record.Batch) error
	batches *batcher
	window  int64 // 0: none
	began   bool  // something was fetched
	failing time.Time
	pause   time.Duration
}

// read reads until ctx ends, the partition's stop is reached, or nothing can be
// read any more. It is the only one that emits the stream.
func (r *reader) read(ctx context.Context) error {
	defer close(r.stopped)
	r.batches = newBatcher(r.assignment, r.cfg.Binary, r.window)
	some := false
	for {
		next, err := r.room(ctx)
		if err != nil {
			return err
		}
		if r.stop >= 0 && next >= r.stop {
			return r.final(some)
		}
		got, err := r.fetch(ctx, next)
		if err == nil {
			r.began, r.failing, r.pause = true, time.Time{}, 0
			some = some || r.batches.count > 0
			if err = r.pass(ctx, got); err != nil {
				return err
			}
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err = r.mend(ctx, next, err); err != nil {
			return err
		}
	}
}

// room waits until the window has room and returns the offset to go on at.
func (r *reader) room(ctx context.Context) (int64, error) {
	next, _ := r.position()
	err := r.roomFor(ctx, next+1)
	return next, err
}

// roomFor waits until messages up to an offset fit into the window. A gap that
// is wider than the window fits when nothing is open.
func (r *reader) roomFor(ctx context.Context, end int64) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		next, open := r.position()
		if r.window == 0 || open == 0 || open+end-next <= r.window {
			return nil
		}
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
}

// fetch fills the batches with what comes behind an offset.
func (r *reader) fetch(ctx context.Context, from int64) (fetched, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.cut.Store(&cancel)
	defer r.cut.Store(nil)
	r.batches.take() // what an attempt before left
	got, err := r.broker.fetch(ctx, r.partition, from, func(m *message) {
		if m.offset >= from && (r.stop < 0 || m.offset < r.stop) && r.cfg.inTime(m.time) {
			r.batches.add(m)
		}
	})
	if err == nil {
		r.metrics.sawEnd(r.partition, got.end)
	}
	return got, err
}

// pass emits what was fetched, as the window has room for it.
func (r *reader) pass(ctx context.Context, got fetched) error {
	for _, b := range r.batches.take() {
		if err := r.roomFor(ctx, b.End.Offset); err != nil {
			return err
		}
		if err := r.emit(func() error { return r.emitter(b.Batch) }, b.End.Offset); err != nil {
			return fatal{err}
		}
		r.counts.binary.Add(b.binary)
		r.counts.messages.Add(b.messages)
		r.counts.bytes.Add(int64(len(b.Text)))
	}
	if next, _ := r.position(); got.next > next {
		r.skip(got.next)
	}
	return nil
}

// final ends the stream of a partition that was read to its stop.
func (r *reader) final(some bool) error {
	if !some {
		return nil
	}
	next, _ := r.position()
	b := record.Batch{Origin: r.batches.origin, Messages: true, Final: true}
	b.End = record.Mark{Stream: r.stream, Epoch: r.epoch, Offset: next}
	if err := r.emitter(b); err != nil {
		return fatal{err}
	}
	return nil
}

// fatal is an error that ends the whole run, not one partition.
type fatal struct{ error }

func (f fatal) Unwrap() error { return f.error }

// mend does what can be done about an error of a fetch: it pauses, or moves on
// from an offset that is no longer there. What we were never allowed to read is
// no interruption.
func (r *reader) mend(ctx context.Context, next int64, err error) error {
	var gone errOutOfRange
	if errors.As(err, &gone) {
		if err = r.move(ctx, next); err == nil || errors.As(err, new(fatal)) {
			return err
		}
	}
	refused := !r.began && kafkaclient.NotAuthorised(err)
	now := time.Now()
	if r.failing.IsZero() && (!refused || r.cfg.Follow) {
		r.failing = now
		r.cfg.Log.Warn("reading is interrupted", slog.String("stream", r.stream), slog.String("error", err.Error()))
	}
	lasting := now.Sub(r.failing) > r.cfg.timing.patience
	if refused || lasting && (!r.cfg.Follow || kafkaclient.Permanent(err)) {
		return fmt.Errorf("read %s from offset %d: %w", record.Printable(r.stream), next, err)
	}
	r.pause = min(max(2*r.pause, r.cfg.timing.backoff), maxBackoff)
	return sleep(ctx, r.pause)
}

// move goes on at the first message there is. Behind the end of the partition
// (it was made anew, or its leader lost what it had) that reads what may have
// been read before; before it, messages were deleted unread.
func (r *reader) move(ctx context.Context, next int64) error {
	first, err := r.broker.offsets(ctx, []partition{r.partition}, atFirst)
	if err != nil {
		return err
	}
	to := first[r.partition]
	if r.stop >= 0 {
		to = min(to, r.stop)
	}
	b := record.Batch{Origin: r.batches.origin, Messages: true}
	b.End = record.Mark{Stream: r.stream, Epoch: r.epoch, Offset: to}
	if to >= next {
		r.counts.lost.Add(to - next)
		b.Unread = fmt.Sprintf("partition %d: %d messages from offset %d on were deleted before they were read", r.id, to-next, next)
	} else {
		b.Unread = fmt.Sprintf("partition %d: it ends before offset %d, where reading had got to; read again from %d", r.id, next, to)
	}
	r.cfg.Log.Warn("messages are gone", slog.String("stream", r.stream), slog.String("detail", b.Unread))
	for !r.drained() { // a delivery of before must not count as one behind the move
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
	r.restart(to)
	if err := r.emitter(b); err != nil {
		return fatal{err}
	}
	return nil
}

// wait waits for a change of the assignment.
func (r *reader) wait(ctx context.Context) error {
	r.waiting.Store(true)
	defer r.waiting.Store(false)
	select {
	case <-r.changed:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// sleep waits, or returns the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
