// Package lines turns a byte stream into batches of lines.
//
// The promise: every byte of the stream is in exactly one record, unchanged
// and in order; the records depend on the bytes alone, not on how reads cut
// them; a line is given out as soon as its line end was read, and many at once
// when many are there. The receiver of a batch owns its bytes, those that were
// lent (Lend) until it calls the batch's Free.
//
// The limits: a line longer than MaxLine is cut into records marked More, at a
// place where no token of up to MaxToken bytes is cut in two. An unterminated
// rest is held until its line end, the end of the stream, or MaxLine. A
// Reader's memory is MaxLine plus the batches it has given out. UTF-16 is
// known by its byte order mark only.
package lines

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"sluice/internal/record"
)

const (
	// MaxLine is the longest record in bytes: gateways print whole requests on
	// one line, but a line without end must not take memory without end.
	MaxLine = 1 << 20

	// MaxToken is the longest run of token bytes that a cut leaves whole: four
	// times the longest secret that rules are written for (a PEM body in one
	// JSON string).
	MaxToken = 16 << 10

	// MaxBlock is what a busy stream puts in a batch, in bytes: the engine is at
	// full speed there, and a queue of batches stays small. A longer line is a
	// batch with what follows it.
	MaxBlock = 256 << 10

	// MaxRecords bounds a batch of short lines: a record is a hundred bytes of
	// bookkeeping.
	MaxRecords = 4096

	firstBlock = 16 << 10 // most files of a folder are smaller than a block
	maxEmpty   = 100      // reads without a byte or an error before we give up
)

// Unread is an error that says, in text of ours without a byte of the input,
// why the rest of a stream was not examined. Reader puts the text into
// record.Batch.Unread.
type Unread interface {
	error
	Unread() string
}

// ErrLater is what a stream that is still being written says at its present
// end. Next passes it on, and goes on when it is called again.
var ErrLater = errors.New("nothing more for now")

// Reader reads batches from a stream. It is not for concurrent use.
type Reader struct {
	src    io.Reader
	origin record.Origin
	at     record.Mark // of buf[start]
	line   int64       // of buf[start]; 0: unknown
	cs     charset
	buf    []byte // buf[start:end] is read and not given out
	start  int
	end    int
	looked int   // buf[start:looked] holds no line end
	err    error // what src said last; sticky
	done   bool  // the final batch is out

	lends bool            // buf[:start] is what went before, up to LeadSize bytes of it at least
	block *block          // that buf is the text of; nil: buf is r's own
	recs  []record.Record // room for the records of a batch that is lent
}

// NewReader reads src from where it stands, which is at in its stream. Lines
// are counted if that is the start of the stream (at.Offset 0).
func NewReader(src io.Reader, origin record.Origin, at record.Mark) *Reader {
	r := &Reader{src: src, origin: origin, at: at, cs: octets}
	if at.Offset == 0 {
		r.line, r.cs = 1, undecided
	}
	return r
}

// Resume is NewReader for a stream that was read up to at before; head is how
// the stream begins, two bytes or more of it, which tell its character set.
func Resume(src io.Reader, origin record.Origin, at record.Mark, head []byte) *Reader {
	r := NewReader(src, origin, at)
	if at.Offset > 0 {
		r.cs, _ = detect(head, true)
	}
	return r
}

// Release gives back the memory that holds nothing: for streams that are quiet.
func (r *Reader) Release() {
	if r.start == r.end {
		r.buf, r.start, r.end, r.looked = nil, 0, 0, 0
		r.block, r.recs = nil, nil
	}
}

// Next waits for at least one whole line and returns all that are there. The
// last batch of a stream is Final, has the unterminated rest, and may be empty;
// behind it Next returns io.EOF, or the read error that ended the stream, which
// that batch announced in Unread. ErrLater ends nothing. A ctx that ends is
// noticed between reads.
func (r *Reader) Next(ctx context.Context) (record.Batch, error) {
	if r.done {
		return record.Batch{}, r.err
	}
	for empty := 0; ; {
		if err := ctx.Err(); err != nil {
			return record.Batch{}, err
		}
		if n, cut := r.ready(); n > 0 {
			return r.batch(n, cut), nil
		}
		if r.err != nil {
			return r.batch(r.end-r.start, false), nil
		}
		n := r.fill()
		if r.err == ErrLater {
			if r.err = nil; n == 0 {
				return record.Batch{}, ErrLater
			}
		}
		if n > 0 || r.err != nil {
			empty = 0
		} else if empty++; empty == maxEmpty {
			r.err = io.ErrNoProgress
		}
	}
}

// Emit gives all batches to emit. It returns the error of emit or of ctx as it
// is, or with the stream's name the read error that ended it early; nil at its
// end.
func (r *Reader) Emit(ctx context.Context, emit func(record.Batch) error) error {
	for {
		b, err := r.Next(ctx)
		switch {
		case err == io.EOF && r.done:
			return nil
		case err != nil && r.done:
			return fmt.Errorf("read %s: %w", record.Printable(r.origin.Name), bare(err))
		case err != nil:
			return err
		}
		if err := emit(b); err != nil {
			return err
		}
	}
}

// Mark is the position behind the last batch.
func (r *Reader) Mark() record.Mark { return r.at }

// fill reads once. It first makes room: the rest of a line moves to the front,
// the buffer grows when a read has filled it or a line does not fit.
func (r *Reader) fill() int {
	if old := r.start - r.lead(); old > 0 {
		copy(r.buf, r.buf[old:r.end])
		r.end, r.looked, r.start = r.end-old, r.looked-old, r.start-old
	}
	if r.room() == 0 {
		r.grow()
	}
	room := r.buf[r.end:][:min(r.room(), MaxBlock, r.cs.maxLine()-(r.end-r.start))]
	n, err := r.src.Read(room)
	if n < 0 || n > len(room) {
		n, err = 0, fmt.Errorf("reader gave %d bytes into %d", n, len(room))
	}
	r.end += n
	r.err = err
	if n == len(room) && r.size() < MaxBlock {
		r.grow() // busy: the next read may bring more
	}
	return n
}

// lead is how much of what was given out stays before what was not.
func (r *Reader) lead() int {
	if r.lends {
		return min(r.start, LeadSize)
	}
	return 0
}

// size is how much can be read and not given out, whatever stands before it.
func (r *Reader) size() int {
	if r.lends && r.buf != nil {
		return len(r.buf) - LeadSize
	}
	return len(r.buf)
}

// room is how much of size is free.
func (r *Reader) room() int { return r.size() - (r.end - r.start) }

func (r *Reader) grow() {
	size := firstBlock
	switch have := r.size(); {
	case have >= MaxBlock:
		size = r.cs.maxLine()
	case have > 0:
		size = 4 * have
	}
	if size > r.size() {
		r.setBuf(size)
	}
}

// ready is the number of bytes that whole lines fill; cut says that they are
// the first part of a line that is too long. 0: read on.
func (r *Reader) ready() (n int, cut bool) {
	if r.cs == undecided {
		var ok bool
		if r.cs, ok = detect(r.buf[:r.end], r.err != nil); !ok {
			return 0, false
		}
	}
	have := r.buf[r.start:r.end]
	if n := r.cs.lastEnd(have, r.looked-r.start); n > 0 {
		return n, false
	}
	r.looked = r.end
	if len(have) >= r.cs.maxLine() {
		return r.cs.cut(have), true
	}
	return 0, false
}

// batch takes lines out of the buffer: n bytes of it, fewer if they are too
// many lines. At the end of the stream it takes the rest too.
func (r *Reader) batch(n int, cut bool) record.Batch {
	b := record.Batch{Origin: r.origin}
	if r.err != nil && !cut {
		n = r.end - r.start
	}
	lead, lent := r.lent(n)
	if lent {
		b.Records = r.recs[:0]
	}
	b.Records = r.records(b.Records, r.buf[r.start:r.start+n], lead, cut)
	if k := len(b.Records); k > 0 {
		n = b.Records[k-1].End - lead
	}
	if lent {
		r.give(&b, lead, n)
	} else {
		b.Text = bytes.Clone(r.buf[r.start : r.start+n])
		r.start += n
	}
	r.looked = r.start
	b.End = r.at
	if r.cs != octets && n > 0 {
		b.Views = []record.View{r.cs.view(b.Text)}
	}
	if r.err != nil && r.start == r.end {
		b.Final, r.done = true, true
		if r.err != io.EOF {
			b.Unread = unread(r.err)
		}
		if r.block != nil {
			r.block.free()
		}
		r.block, r.buf, r.start, r.end = nil, nil, 0, 0
	}
	return b
}

// records appends the lines of text, which begins at from in its batch, until
// there are MaxRecords, and moves the position of the Reader behind them.
func (r *Reader) records(recs []record.Record, text []byte, from int, cut bool) []record.Record {
	pos := 0
	if r.cs == octets && len(text) >= minLent {
		recs, pos = r.wholeLines(recs, text, from)
	}
	recs = slices.Grow(recs, min(MaxRecords-len(recs), r.cs.count(text[pos:])+1))
	for pos < len(text) && len(recs) < MaxRecords {
		n, ended := r.cs.nextEnd(text[pos:])
		recs = r.add(recs, from+pos, from+pos+n, ended)
		recs[len(recs)-1].More = cut && !ended
		pos += n
	}
	return recs
}

// add appends the line from start to end of the batch, which ended says has a line
// end, and moves the position of the Reader behind it.
func (r *Reader) add(recs []record.Record, start, end int, ended bool) []record.Record {
	recs = withRoom(recs)
	rec := &recs[len(recs)-1]
	rec.Start, rec.End, rec.Line, rec.Base = start, end, r.line, r.at.Offset
	rec.Next = rec.Base + int64(end-start)
	if ended && r.line > 0 {
		r.line++
	}
	r.at.Offset = rec.Next
	return recs
}

// withRoom is recs with one more at its end, an empty one, that is written where it
// stays: to copy one takes as long as to find a line.
func withRoom(recs []record.Record) []record.Record {
	if len(recs) == cap(recs) {
		recs = slices.Grow(recs, 1)
	}
	recs = recs[:len(recs)+1]
	recs[len(recs)-1] = record.Record{}
	return recs
}

// bare is the cause of an error that repeats the name of the file.
func bare(err error) error {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err
	}
	return err
}

func unread(err error) string {
	var u Unread
	if errors.As(err, &u) {
		return u.Unread()
	}
	return "read error: the rest of the stream was not examined"
}
