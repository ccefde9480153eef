package file

import (
	"bytes"
	"context"
	"io"
	"os"
	"time"

	"sluice/internal/lines"
	"sluice/internal/record"
)

// generation is one of the files that a log consists of, while it is read or
// waits for its turn. It belongs to its chain and is guarded by chain.mu.
type generation struct {
	seg  *segment
	name string   // where it was opened
	file *os.File // nil: not open
	id   fileID   // while it is open nobody else has it
	live bool     // it is under the log's path
	size int64    // when it was read last
	time time.Time
	seen int64 // its size at the last look

	off  int64  // what the reader was given
	last []byte // the tailLen bytes before off, or as many as are known
	sent int64  // what was emitted
	tail []byte // the tailLen bytes before sent

	first  []byte // the first bytes, up to headLen
	reader *lines.Reader
	packed *packed   // its content is compressed; reader is then nil
	limit  int64     // where it ends although the file goes on; 0: nowhere
	cut    bool      // what is in the file now is something else
	failed error     // of the last read; the file is closed then
	over   bool      // nothing more is written to it: its end is the end
	since  time.Time // when it was first found at its end; zero: it was not
	retry  time.Time // not before
}

// Read is what the lines.Reader reads: what the file holds behind off. It gives
// nothing of a file that was cut or written anew since the last Read.
func (g *generation) Read(p []byte) (int, error) {
	if g.file == nil || g.cut {
		return 0, g.atEnd()
	}
	if g.limit > 0 {
		if p = p[:min(int64(len(p)), g.limit-g.off)]; len(p) == 0 {
			return 0, io.EOF
		}
	}
	n, err := readAt(g.file, p, g.off)
	if err == nil {
		err = g.check(int64(n))
	}
	if err != nil {
		g.fail(err)
		return 0, lines.ErrLater
	}
	if n == 0 || g.cut {
		return 0, g.atEnd()
	}
	g.off += int64(n)
	g.last = lastOf(g.last, p[:n])
	return n, nil
}

func (g *generation) atEnd() error {
	if g.over {
		return io.EOF
	}
	return lines.ErrLater
}

// check finds out whether n bytes that were read behind off are of this
// generation: the file still begins as it did, what stands before off is what
// stood there, and it has that size.
func (g *generation) check(n int64) error {
	info, err := g.file.Stat()
	if err != nil {
		return err
	}
	size, when := info.Size(), info.ModTime()
	if n == 0 && size == g.size && size == g.off && when.Equal(g.time) {
		return nil
	}
	first, err := readFirst(g.file)
	if err != nil {
		return err
	}
	var before [tailLen]byte
	if _, err := readAt(g.file, before[:len(g.last)], g.off-int64(len(g.last))); err != nil {
		return err
	}
	if size < g.off+n || !bytes.HasPrefix(first, g.first) || !bytes.Equal(before[:len(g.last)], g.last) {
		if g.cut = true; size < g.seen {
			g.size = max(g.size, g.seen) // so much was there, and is not what is there now
		}
		return nil
	}
	g.size, g.time = size, when
	if len(first) > len(g.first) {
		g.know(first)
	}
	return nil
}

// know takes note of how the generation begins.
func (g *generation) know(first []byte) {
	g.first = first
	if head := headOf(first); head != g.seg.Head {
		g.seg.Head = head
		g.seg.changed()
	}
}

// fail closes a file that cannot be read; it is found again by its content.
func (g *generation) fail(err error) {
	g.failed = err
	g.close()
}

func (g *generation) close() {
	if g.packed != nil {
		g.packed.close()
	}
	if g.file != nil {
		g.seg.chain.f.release(g.seg.chain, g.id)
		_ = g.file.Close() // it was only read
		g.file = nil
	}
}

// next is lines.Reader.Next, for packed files too.
func (g *generation) next(ctx context.Context) (record.Batch, error) {
	if g.packed != nil {
		return g.packed.next(ctx, g)
	}
	if g.reader == nil {
		if g.file == nil {
			return record.Batch{}, g.atEnd()
		}
		at := record.Mark{Stream: g.seg.chain.path, Offset: g.sent}
		g.reader = lines.Resume(g, record.Origin{Kind: Kind, Name: g.seg.chain.path}, at, g.first)
	}
	return g.reader.Next(ctx)
}

// seal makes the marks of a batch those of this generation and takes note of
// how far it is emitted.
func (g *generation) seal(b *record.Batch) {
	if g.seg.Epoch == 0 {
		g.seg.Epoch = g.seg.chain.epoch(headOf(g.first))
		g.seg.changed()
	}
	b.Final = false
	if len(b.Records) > 0 || b.Unread != "" { // or nobody sees it, and it is never delivered
		g.seg.chain.emits(g, b.End.Offset)
	}
	g.tail = lastOf(g.tail, b.Text[b.Lead:])
	g.sent = b.End.Offset
	b.End.Stream, b.End.Epoch, b.End.Sub = g.seg.chain.path, g.seg.Epoch, tailOf(g.tail)
	if n := len(b.Records); n > 0 {
		b.Records[n-1].Sub = b.End.Sub
	}
}
