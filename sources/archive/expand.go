package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"sluice/internal/lines"
	"sluice/internal/record"
)

// expander is one Expand. Its methods return an error only when nothing more is
// to be read; what concerns one stream goes to errs.
type expander struct {
	ctx   context.Context // of the one Expand that owns this value
	cfg   Config
	out   func(record.Batch) error
	meter meter
	pool  pool
	errs  []error
	more  int // errors beyond maxErrors
}

// node is a stream that was not looked at yet.
type node struct {
	Entry
	r    io.Reader
	at   io.ReaderAt // nil: r alone
	size int64
}

var errStop = errors.New("over a limit") // said already, where it was met

// fatal marks an error of the receiver among errors of reading.
type fatal struct{ error }

func (f fatal) Unwrap() error { return f.error }

// content finds out what a stream is and reads it.
func (x *expander) content(n node) error {
	f, r := sniff(n.r)
	n.r = r
	switch {
	case f == plain:
		return x.text(n)
	case f.foreign():
		return x.refuse(n, refusal{why: "a " + string(f) + " archive is not read"})
	case len(n.Layers) >= x.cfg.Depth:
		return x.refuse(n, refusal{why: fmt.Sprintf("packed more than %d times", x.cfg.Depth)})
	case f == tarred:
		return x.tar(n)
	case f == zipped:
		return x.zip(n)
	}
	return x.compressed(n, f)
}

func (x *expander) compressed(n node, f format) error {
	dec, err := x.pool.open(f, n.r)
	if err != nil {
		return x.refuse(n, damage(f, err))
	}
	defer dec.Close()
	n.Layers = append(slices.Clip(n.Layers), Layer{Format: string(f)})
	n.r, n.at = &unpacked{src: dec, format: f, meter: &x.meter}, nil
	return x.content(n)
}

// text emits a stream as lines.
func (x *expander) text(n node) error {
	if err := x.cfg.OnEntry(n.Entry); err != nil {
		return err
	}
	r := lines.NewReader(n.r, n.Origin, record.Mark{Stream: n.Stream}).Lend()
	return x.judge(r.Emit(x.ctx, x.emit))
}

// refuse emits a stream of which nothing is read, and says why.
func (x *expander) refuse(n node, why lines.Unread) error {
	if err := x.ctx.Err(); err != nil {
		return err
	}
	if err := x.cfg.OnEntry(n.Entry); err != nil {
		return err
	}
	b := record.Batch{Origin: n.Origin, End: record.Mark{Stream: n.Stream}, Final: true, Unread: why.Unread()}
	if err := x.emit(b); err != nil {
		return x.judge(err)
	}
	return x.judge(fmt.Errorf("read %s: %w", record.Printable(n.Origin.Name), why))
}

func (x *expander) emit(b record.Batch) error {
	if err := x.out(b); err != nil {
		return fatal{err}
	}
	return nil
}

// judge keeps an error of one stream and returns one that ends everything.
func (x *expander) judge(err error) error {
	var f fatal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f):
		return f.error
	case x.ctx.Err() != nil:
		return x.ctx.Err()
	case len(x.errs) < maxErrors:
		x.errs = append(x.errs, err)
	default:
		x.more++
	}
	if x.meter.over != nil {
		return errStop
	}
	return nil
}

// failed counts the errors kept so far.
func (x *expander) failed() int { return len(x.errs) + x.more }

// member describes the nth member of the archive n. The stream's name holds the
// number, since a hostile archive has the same name twice, and NUL, since no
// path has it.
func (n node) member(nth int, l Layer) node {
	m := n
	m.Origin = record.Origin{Kind: Kind, Name: n.Origin.Name + "!" + l.Member}
	m.Stream = n.Stream + "\x00" + strconv.Itoa(nth) + ":" + l.Member
	m.Layers = append(slices.Clip(n.Layers), l)
	m.r, m.at = nil, nil
	return m
}

// skip tells of a member without content.
func (x *expander) skip(n node) error {
	n.Stream = ""
	return x.cfg.OnEntry(n.Entry)
}

// broken says that an archive cannot be read to its end.
func (x *expander) broken(n node, f format, err error) error {
	return x.refuse(n, damage(f, err))
}
