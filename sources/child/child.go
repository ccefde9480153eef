// Package child reads what a child process prints, and never makes it wait.
//
// The promise: what the child writes is read at once, whatever becomes of it
// downstream. While the pipeline keeps up, every byte is emitted in order. When
// it falls behind by more than Config.Buffer, whole lines are dropped, and a line
// of ours in their place says how many: a gateway is never blocked by its
// scanner, and nothing unexamined is passed on.
//
// The limits: a child's output cannot be read again, so Commit does nothing.
// What is dropped is lost.
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"sluice/internal/lines"
	"sluice/internal/record"
)

// Kind is what findings in a child's output carry as their source.
const Kind = "exec"

// DefaultBuffer is how many bytes may wait for the pipeline, for each stream: at a
// busy gateway's 1 MB/s a quarter of a minute. MostBuffered is what they take with
// what is read and not yet moved away.
const (
	DefaultBuffer = 16 << 20
	MostBuffered  = DefaultBuffer * 3 / 2
)

// Config says what to read.
type Config struct {
	Input  io.Reader // the child's output; read to its end
	Origin record.Origin
	Buffer int // bytes; 0: DefaultBuffer
}

// Source reads one output stream of a child.
type Source struct{ cfg Config }

// New makes a source; nothing is read before Run.
func New(cfg Config) *Source {
	if cfg.Buffer <= 0 {
		cfg.Buffer = DefaultBuffer
	}
	return &Source{cfg}
}

// Run reads until the child has closed the stream, also when ctx ends before:
// a child that is asked to stop may still have something to say, and must not
// find its output closed. It returns the error of emit.
func (s *Source) Run(ctx context.Context, emit func(record.Batch) error) error {
	q := newQueue(s.cfg.Buffer)
	var reading sync.WaitGroup
	reading.Go(func() { q.fill(s.cfg.Input) })
	defer reading.Wait()
	r := lines.NewReader(q, s.cfg.Origin, record.Mark{Stream: s.cfg.Origin.Stream})
	err := r.Emit(context.WithoutCancel(ctx), func(b record.Batch) error {
		if n := q.takeDropped(); n > 0 {
			b.Unread = fmt.Sprintf("%d lines were withheld, Sluice was behind", n)
		}
		return emit(b)
	})
	q.abandon()
	if errors.Is(err, errAbandoned) {
		return nil
	}
	return err
}

// Commit returns nil: a child's output cannot be read again.
func (s *Source) Commit(context.Context, record.Mark) error { return nil }

var errAbandoned = errors.New("nobody reads")
