package docker

import (
	"bytes"
	"time"

	"sluice/internal/lines"
	"sluice/internal/record"
)

// place is a position behind a message: Mark.Offset and Mark.Sub.
type place struct{ stamp, taken int64 }

// assembler turns the messages of one stream into batches of lines. It owns what
// it holds; the text of a batch is the receiver's.
type assembler struct {
	stream string // Mark.Stream
	side   side
	line   int64 // number of the next line; 0: unknown

	text    []byte // of whole records
	records []record.Record
	end     place

	open   []byte // a line whose end has not come
	pieces []piece
	stamp  int64 // of the line in open, or that is cut
	goesOn bool  // open is made of full pieces; else it is an entry without line end
	cut    bool  // the line began in a record that was given out
	given  bool  // a batch was given out
}

// piece is where in open a message ends.
type piece struct {
	end int
	at  place
}

// add takes the next message; at is the position behind it.
func (a *assembler) add(m message, at place) {
	text := m.text
	if len(text) == 0 {
		text = []byte{'\n'} // the end of a line that its pieces fill, without its line end
	}
	ended := text[len(text)-1] == '\n'
	inLine := (len(a.open) > 0 && a.goesOn || a.cut) && m.stamp == a.stamp
	if !inLine {
		a.close()
		a.endCut()
	}
	full := m.part == partMore || m.part == partUnknown && !ended && len(text) >= pieceSize
	if ended && len(a.open) == 0 {
		a.put(text, m.stamp, at, false)
		return
	}
	a.stamp, a.goesOn = m.stamp, full
	a.open = append(a.open, text...)
	a.pieces = append(a.pieces, piece{len(a.open), at})
	switch {
	case ended:
		a.flushOpen(false)
	case !full && inLine: // the last piece of a line, whose end the driver dropped
		a.close()
	default:
		a.cutLong()
	}
}

// endCut notes that a line which was given out in part has ended without more.
func (a *assembler) endCut() {
	if a.cut && a.line > 0 {
		a.line++
	}
	a.cut = false
}

// put adds a record.
func (a *assembler) put(text []byte, stamp int64, at place, more bool) {
	start := len(a.text)
	a.text = append(a.text, text...)
	a.records = append(a.records, record.Record{
		Span: record.Span{Start: start, End: len(a.text)},
		Line: a.line, Base: -1, Next: at.stamp, Sub: at.taken,
		Time: time.Unix(0, stamp).UTC(), More: more,
	})
	if a.line > 0 && !more {
		a.line++
	}
	a.cut, a.end = more, at
}

// close ends an open line: another entry follows, or nothing for long.
func (a *assembler) close() {
	if len(a.open) > 0 {
		a.open = append(a.open, '\n')
		a.flushOpen(false)
	}
}

// release gives up waiting for the end of an open line.
func (a *assembler) release() {
	if a.goesOn {
		a.flushOpen(true)
	} else {
		a.close()
	}
}

// flushOpen makes a record of all that is open.
func (a *assembler) flushOpen(more bool) {
	if len(a.open) == 0 {
		return
	}
	a.put(a.open, a.stamp, a.pieces[len(a.pieces)-1].at, more)
	a.pieces = a.pieces[:0]
	if a.open = a.open[:0]; cap(a.open) > lines.MaxBlock {
		a.open = nil
	}
}

// cutLong makes a record of the beginning of a line that is too long. Its mark is
// behind the last piece that lies in it whole.
func (a *assembler) cutLong() {
	if len(a.open) < lines.MaxLine {
		return
	}
	n, whole := lines.Cut(a.open), 0
	for whole < len(a.pieces) && a.pieces[whole].end <= n {
		whole++
	}
	if whole == 0 {
		return // one message as long as that: its end comes, or maxMessage
	}
	a.put(a.open[:n], a.stamp, a.pieces[whole-1].at, true)
	a.open = a.open[:copy(a.open, a.open[n:])]
	a.pieces = a.pieces[:copy(a.pieces, a.pieces[whole:])]
	for i := range a.pieces {
		a.pieces[i].end -= n
	}
}

// busy says that a batch is as large as it should be.
func (a *assembler) busy() bool {
	return len(a.text) >= lines.MaxBlock || len(a.records) >= lines.MaxRecords
}

// batch gives out what is whole.
func (a *assembler) batch(name string) (record.Batch, bool) {
	if len(a.records) == 0 {
		return record.Batch{}, false
	}
	b := record.Batch{Origin: a.origin(name), Text: bytes.Clone(a.text), Records: a.records, End: a.mark()}
	a.records, a.given = nil, true
	if a.text = a.text[:0]; cap(a.text) > lines.MaxBlock {
		a.text = nil
	}
	return b, true
}

// final is the last batch of the stream.
func (a *assembler) final(name, unread string) record.Batch {
	a.flushOpen(false)
	b, _ := a.batch(name)
	b.Origin, b.End, b.Final, b.Unread = a.origin(name), a.mark(), true, unread
	return b
}

func (a *assembler) origin(name string) record.Origin {
	return record.Origin{Kind: Kind, Name: name, Stream: a.side.String()}
}

func (a *assembler) mark() record.Mark {
	return record.Mark{Stream: a.stream, Offset: a.end.stamp, Sub: a.end.taken}
}
