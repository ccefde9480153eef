package redact

import (
	"bytes"
	"time"
	"unicode/utf8"

	"sluice/internal/record"
)

// stampLines is how many lines back the stamp of a record is looked for: the
// lines of a traceback have none of their own.
const stampLines = 50

// wideStamp is how much of a line of UTF-16 is decoded to look for its stamp.
const wideStamp = 1024

// stamps remembers what was found of the times that lines give themselves.
type stamps struct {
	next  int // records before it were read, as far back as any finding may look
	found int // the last of them that has a stamp; -1: none has
	time  time.Time
}

// timeAt is the transport's stamp of a record, else the one the line or one of
// those before it gives itself. Records come in ascending order.
func (t *teller) timeAt(i int) time.Time {
	records, s := t.b.Records, &t.stamps
	if i >= len(records) {
		return time.Time{}
	}
	if at := records[i].Time; !at.IsZero() || t.cfg.Time == nil {
		return at
	}
	if i+1 < s.next { // a detector's mistake: they do not ascend
		*s = stamps{found: -1}
	}
	first := max(i-stampLines+1, 0)
	for j := i; j >= max(first, s.next); j-- {
		line := t.b.Text[records[j].Start:records[j].End]
		if u := t.w.units; u != octets {
			line = u.narrow(line[:min(len(line), wideStamp)])
		}
		if at, ok := t.cfg.Time(line); ok {
			s.found, s.time = j, at
			break
		}
	}
	s.next = max(s.next, i+1)
	if s.found < first {
		return time.Time{}
	}
	return s.time
}

// position says where the spans stand in the source as read.
func (t *teller) position(u units, spans []record.Span) record.Position {
	p, b := record.Position{Offset: -1}, t.b
	for _, s := range spans {
		p.Length += int64(s.Len())
	}
	start := spans[0].Start
	i := recordAt(b.Records, start)
	if i >= len(b.Records) {
		return p
	}
	rec := b.Records[i]
	if b.Messages {
		p.Offset = rec.Base // a message has an offset, its bytes have none
	} else if rec.Base >= 0 {
		p.Offset = rec.Base - int64(rec.Start-start)
	}
	lineStart := rec.Start
	if start < rec.Start { // it begins in the lead, which no record covers
		lead := b.Text[:rec.Start]
		lineStart = u.lastLine(lead[:start])
		if rec.Line > 0 {
			p.Line = rec.Line - u.lineEnds(lead[start:])
		}
		if lineStart == 0 {
			return p // the line's own start is further back than the lead
		}
	} else {
		p.Line = rec.Line
		for i > 0 && b.Records[i-1].More && b.Records[i-1].Msg == rec.Msg {
			i--
			lineStart = b.Records[i].Start
		}
	}
	end := spans[len(spans)-1].End
	p.Column = int64(start-lineStart) + 1
	runes, _ := t.columns.to(u, b.Text, lineStart, start)
	p.ColumnRunes = runes + 1
	p.EndLine = p.Line + u.lineEnds(b.Text[start:end])
	runes, tail := t.columns.to(u, b.Text, lineStart, end) // messages have no line end before
	switch {
	case tail >= end: // it ends with a line end
		p.EndLine = p.Line
	case tail > lineStart:
		runes = u.characters(b.Text[tail:end])
	}
	p.EndColumnRunes = runes + 1
	return p
}

// columns remembers what was counted of a line, for what stands further right.
type columns struct {
	from, at int // of the batch's text; at 0: nothing yet
	runes    int64
	tail     int // where the last line in [from, at) begins
}

// to counts the characters of text[from:at] and says where its last line begins.
func (c *columns) to(u units, text []byte, from, at int) (runes int64, tail int) {
	if u != octets {
		return u.characters(text[from:at]), from + u.lastLine(text[from:at])
	}
	// A character must not be counted in two parts.
	if c.at <= 0 || c.from != from || c.at > at || c.at < len(text) && !utf8.RuneStart(text[c.at]) {
		*c = columns{from: from, at: from, tail: from}
	}
	more := text[c.at:at]
	c.runes += int64(utf8.RuneCount(more))
	if bytes.IndexByte(more, '\n') >= 0 {
		c.tail = c.at + u.lastLine(more)
	}
	c.at = at
	return c.runes, c.tail
}
