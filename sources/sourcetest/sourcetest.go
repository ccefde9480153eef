// Package sourcetest is the one set of tests that every source passes.
//
// The promise: a source that passes emits every byte it was given once, in
// order, in batches whose records, offsets, lines and marks agree; it ends its
// streams, returns the receiver's error, ends when its context ends, and leaves
// no goroutine behind.
//
// The limits: it knows sources that read to an end. What a source does over
// time (following, resuming) is tested with the source.
package sourcetest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"sluice/internal/record"
)

// Source is what is tested: pipeline.Source.
type Source interface {
	Run(ctx context.Context, emit func(record.Batch) error) error
	Commit(ctx context.Context, at record.Mark) error
}

// Case is one kind of source.
type Case struct {
	// New makes a source that reads one stream with this content and then ends.
	New func(t *testing.T, content []byte) Source
	// Waiting makes a source that gives the content, or some of it, and then
	// waits for more; nil: it never waits.
	Waiting func(t *testing.T, content []byte) Source
	// Origin is what its batches have to carry; zero: anything, but one.
	Origin record.Origin
	// Messages says that records are messages, whose offsets are not bytes and
	// whose lines are not counted.
	Messages bool
}

// Run runs the set.
func Run(t *testing.T, c Case) {
	for name, content := range contents() {
		if c.Messages && content == "" {
			continue // no message, no stream
		}
		t.Run(name, func(t *testing.T) { c.reads(t, content) })
	}
	t.Run("the receiver's error ends it", c.receiverEnds)
	t.Run("a context that has ended", c.neverStarts)
	t.Run("a context that ends in emit", c.stopsInEmit)
	if c.Waiting != nil {
		t.Run("a context that ends while it waits", c.stopsWaiting)
	}
}

// contents are texts that sources have got wrong.
func contents() map[string]string {
	return map[string]string{
		"nothing":               "",
		"one line":              "2026-01-21T09:14:03Z INFO started\n",
		"lines":                 strings.Repeat("a line of text\nanother\n\n", 1000),
		"no final newline":      "first\nsecond",
		"crlf":                  "first\r\nsecond\r\n",
		"empty lines":           "\n\n\n",
		"control characters":    "a\x00b\x1b[2J\x07\n\x7f\n",
		"invalid utf-8":         "\xc3\x28 \xed\xa0\x80\n\xf0\x9f\n",
		"other line separators": "a\u2028b\u0085c\vd\fe\rf\n",
		"a line of 3 MiB":       strings.Repeat("token ", 3<<19) + "\nbehind it\n",
		"a megabyte of lines":   strings.Repeat("0123456789abcdef 0123456789abcdef\n", 32<<10),
	}
}

// stream checks the batches of one stream as they come.
type stream struct {
	c      Case
	text   strings.Builder
	origin record.Origin
	end    record.Mark
	line   int64
	more   bool
	begun  bool
	marked bool // end is behind a record
	final  bool
}

func (s *stream) take(t *testing.T, b record.Batch) {
	t.Helper()
	if s.final {
		t.Fatal("a batch behind the final one")
	}
	if s.begun && (b.Origin != s.origin || b.End.Stream != s.end.Stream || b.End.Epoch != s.end.Epoch) {
		t.Fatalf("origin or stream changed: %+v, %+v", b.Origin, b.End)
	}
	if s.c.Origin != (record.Origin{}) && b.Origin != s.c.Origin {
		t.Fatalf("origin %+v, want %+v", b.Origin, s.c.Origin)
	}
	if b.Lead < 0 || b.Lead > len(b.Text) {
		t.Fatalf("lead of %d in %d bytes", b.Lead, len(b.Text))
	}
	if len(b.Records) == 0 && !b.Final {
		t.Fatal("a batch without records that is not final")
	}
	s.begun, s.final, s.origin = true, b.Final, b.Origin
	pos := b.Lead
	for i, r := range b.Records {
		s.record(t, &b, r, pos)
		pos = r.End
		if s.end = b.MarkAfter(i); s.end.Stream == "" {
			t.Fatal("a mark without a stream")
		}
	}
	if pos != len(b.Text) {
		t.Fatalf("records cover %d of %d bytes", pos, len(b.Text))
	}
	if len(b.Records) > 0 && b.End != s.end {
		t.Fatalf("batch ends at %+v, its last record at %+v", b.End, s.end)
	}
	s.end = b.End
	s.text.Write(b.Text[b.Lead:])
}

func (s *stream) record(t *testing.T, b *record.Batch, r record.Record, pos int) {
	t.Helper()
	if r.Start != pos || r.End <= r.Start || r.End > len(b.Text) {
		t.Fatalf("record %+v at %d of %d bytes", r.Span, pos, len(b.Text))
	}
	if s.marked && (r.Next < s.end.Offset || r.Next == s.end.Offset && r.Sub <= s.end.Sub) {
		t.Fatalf("mark %d/%d behind %+v", r.Next, r.Sub, s.end)
	}
	s.marked = true
	s.end.Offset, s.end.Sub = r.Next, r.Sub
	if s.c.Messages {
		return
	}
	text := b.Text[r.Start:r.End]
	if at := int64(s.text.Len() + r.Start - b.Lead); r.Base != at || r.Next != at+int64(r.Len()) {
		t.Fatalf("record at %d to %d, want %d to %d", r.Base, r.Next, at, at+int64(r.Len()))
	}
	if !s.more {
		s.line++
	}
	if r.Line != s.line {
		t.Fatalf("line %d, want %d", r.Line, s.line)
	}
	if i := strings.IndexByte(string(text), '\n'); i >= 0 && i != len(text)-1 || r.More && i >= 0 {
		t.Fatalf("a record with its line end at %d of %d (cut: %v)", i, len(text), r.More)
	}
	s.more = r.More
}

func (c Case) reads(t *testing.T, content string) {
	src := c.New(t, []byte(content))
	leavesNothing(t, func() {
		s := stream{c: c}
		err := src.Run(t.Context(), func(b record.Batch) error {
			s.take(t, b)
			clear(b.Text) // the receiver owns the bytes
			clear(b.Records)
			if b.Free != nil {
				b.Free()
			}
			return nil
		})
		if err != nil {
			t.Fatalf("run: %v", err)
		}
		if s.text.String() != content {
			t.Fatalf("%d bytes out, %d in, or others", s.text.Len(), len(content))
		}
		if !s.final {
			t.Fatal("the stream has no final batch")
		}
		if err := src.Commit(t.Context(), s.end); err != nil {
			t.Fatalf("commit: %v", err)
		}
	})
}

var errReceiver = errors.New("nothing more is taken")

func (c Case) receiverEnds(t *testing.T) {
	src := c.New(t, []byte(strings.Repeat("a line\n", 200_000)))
	leavesNothing(t, func() {
		calls := 0
		err := src.Run(t.Context(), func(record.Batch) error {
			calls++
			return errReceiver
		})
		if !errors.Is(err, errReceiver) || calls != 1 {
			t.Fatalf("error %v after %d calls", err, calls)
		}
	})
}

func (c Case) neverStarts(t *testing.T) {
	src := c.New(t, []byte("a line\n"))
	leavesNothing(t, func() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := src.Run(ctx, func(b record.Batch) error {
			t.Errorf("a batch of %d bytes (final: %v)", len(b.Text), b.Final)
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
	})
}

func (c Case) stopsInEmit(t *testing.T) {
	src := c.New(t, []byte(strings.Repeat("a line\n", 200_000)))
	leavesNothing(t, func() {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := src.Run(ctx, func(b record.Batch) error {
			if b.Final {
				t.Error("the stream was read to its end")
			}
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
	})
}

func (c Case) stopsWaiting(t *testing.T) {
	src := c.Waiting(t, []byte("a line\n"))
	leavesNothing(t, func() {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := src.Run(ctx, func(record.Batch) error {
			cancel() // seen by the next wait
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
	})
}
