// Package reassemble turns the batches of one stream, cut where a read
// happened to end, into batches that can be judged: each with the context that
// went before it, and with what belongs together in one piece.
//
// The promise: every byte pushed comes out once, in order, in a batch whose
// Lead is the text delivered before it; nothing is held back but an open PEM
// block and a line end that begins a told secret, at most 64 KiB, and Flush
// gives it up at once. A PEM block that is given up unfinished (the limit, Flush,
// the end of the stream) is marked Withhold line by line until it ends.
//
// Messages (record.Batch.Messages) are judged by themselves: a batch of them
// comes out as it went in, without a lead, and a message that ends inside a
// private key is marked Withhold.
//
// The limits: a line that doesn't look like the inside of a PEM block ends the
// block, so that a lone BEGIN in a prompt can't hold back what follows.
package reassemble

import (
	"bytes"
	"slices"

	"sluice/internal/lines"
	"sluice/internal/record"
)

const (
	// MaxLead is how much of what was delivered is shown again as context.
	MaxLead = lines.LeadSize
	// MaxHeld is how much is held back at most.
	MaxHeld = 64 << 10
)

// Hold says how many bytes at the end of text could begin a secret that goes on
// behind it.
type Hold func(text []byte) int

// Stream reassembles one stream. It is not safe for concurrent use.
type Stream struct {
	hold Hold
	lead []byte       // what was handed out last; owned
	held record.Batch // Records[i].Span are relative to held.Text, which has no lead
	pem  bool         // inside a block that was given up: withhold

	looked bool // at the first line
	framed bool // a container runtime has framed the lines
}

// New makes a stream's state; hold may be nil.
func New(hold Hold) *Stream { return &Stream{hold: hold} }

// Held is how many bytes are held back.
func (s *Stream) Held() int { return len(s.held.Text) }

// Push takes the next batch of the stream and returns what can be judged now,
// which is nothing while all of it is held back.
func (s *Stream) Push(b record.Batch) (record.Batch, bool) {
	if b.Messages {
		withholdOpenKeys(&b)
		return b, len(b.Records) > 0 || b.Final || b.Unread != ""
	}
	b = s.join(b)
	s.look(&b)
	s.goOn(&b)
	keep := len(b.Records)
	if b.Final {
		s.giveUp(&b)
	} else {
		keep = s.holdFrom(&b)
	}
	if keep < len(b.Records) && !straddled(&b, keep) {
		b = s.split(b, keep)
	}
	if len(b.Records) == 0 && !b.Final && b.Unread == "" {
		free(&b)
		return b, false
	}
	return s.ready(b), true
}

// look finds out at the first line whether the stream is framed: a runtime
// frames all lines of a file or none.
func (s *Stream) look(b *record.Batch) {
	if s.looked || len(b.Records) == 0 {
		return
	}
	first := b.Records[0]
	s.looked, s.framed = true, lines.Framed(b.Text[first.Start:first.End])
}

// ready makes b what detectors are given.
func (s *Stream) ready(b record.Batch) record.Batch {
	if s.framed {
		lines.Frames(&b)
	}
	return s.withLead(b)
}

// straddled says that a view of the source's holds records on both sides of
// record i together, which can't be parted then.
func straddled(b *record.Batch, i int) bool {
	at := b.Records[i].Start
	return slices.ContainsFunc(b.Views, func(v record.View) bool {
		n := len(v.Map)
		return n > 0 && v.Map[0].Raw() < at && v.Map[n-1].RawEnd() > at
	})
}

// Flush returns what is held back.
func (s *Stream) Flush() (record.Batch, bool) {
	if len(s.held.Records) == 0 {
		return record.Batch{}, false
	}
	b := s.held
	s.held = record.Batch{}
	s.giveUp(&b)
	return s.ready(b), true
}

// join puts what is held back before b. Where nothing is, b keeps a lead that is
// what the stream would put before it: then its text need not be copied.
func (s *Stream) join(b record.Batch) record.Batch {
	if len(s.held.Records) == 0 {
		if bytes.Equal(b.Text[:b.Lead], s.lead) {
			return b
		}
		return dropLead(b)
	}
	b = dropLead(b)
	h := s.held
	s.held = record.Batch{}
	n, msgs := len(h.Text), nextMsg(h.Records)
	h.Text = append(h.Text, b.Text...)
	for _, rec := range b.Records {
		rec.Start += n
		rec.End += n
		rec.Msg += msgs
		h.Records = append(h.Records, rec)
	}
	h.Views = append(h.Views, moveViews(b.Views, n)...)
	h.End, h.Final, h.Unread = b.End, b.Final, b.Unread
	free(&b)
	return h
}

// free gives back the memory of a batch that was copied, or that is nobody's.
func free(b *record.Batch) {
	if b.Free != nil {
		b.Free()
	}
	b.Free, b.Text, b.Records = nil, nil, nil
}

// nextMsg keeps the messages of two joined batches apart; a batch of lines has
// one message 0, and lines that are joined stay one.
func nextMsg(records []record.Record) int32 {
	last := records[len(records)-1].Msg
	if last == 0 {
		return 0
	}
	return last + 1
}

// split holds back the records from keep on and returns those before.
func (s *Stream) split(b record.Batch, keep int) record.Batch {
	at := b.Records[keep].Start
	h := record.Batch{Origin: b.Origin, End: b.End}
	h.Text = append([]byte(nil), b.Text[at:]...)
	for _, rec := range b.Records[keep:] {
		rec.Start -= at
		rec.End -= at
		h.Records = append(h.Records, rec)
	}
	var before []record.View
	for _, v := range b.Views {
		if len(v.Map) > 0 && v.Map[0].Raw() >= at {
			h.Views = append(h.Views, moveViews([]record.View{v}, -at)...)
		} else {
			before = append(before, v)
		}
	}
	s.held = h
	if keep > 0 {
		b.End = b.MarkAfter(keep - 1)
	}
	b.Text, b.Records, b.Views = b.Text[:at:at], b.Records[:keep], before
	return b
}

// withLead puts the context before b, unless b came with it, and remembers b's own
// end as the next.
func (s *Stream) withLead(b record.Batch) record.Batch {
	text := b.Text[b.Lead:]
	switch {
	case len(text) == 0:
		b.Text, b.Lead = nil, 0
	case b.Lead == 0 && len(s.lead) > 0:
		b = s.putLead(b)
		text = b.Text[b.Lead:]
	}
	if len(text) >= MaxLead {
		s.lead = append(s.lead[:0], text[len(text)-MaxLead:]...)
	} else {
		over := max(len(s.lead)+len(text)-MaxLead, 0)
		s.lead = append(s.lead[:copy(s.lead, s.lead[over:])], text...)
	}
	return b
}

// putLead copies b with the context before it.
func (s *Stream) putLead(b record.Batch) record.Batch {
	n := len(s.lead)
	out := b
	out.Text, out.Lead, out.Free = make([]byte, 0, n+len(b.Text)), n, nil
	out.Text = append(append(out.Text, s.lead...), b.Text...)
	out.Records = make([]record.Record, len(b.Records))
	for i, rec := range b.Records {
		rec.Start += n
		rec.End += n
		out.Records[i] = rec
	}
	out.Views = moveViews(b.Views, n)
	free(&b)
	return out
}

// dropLead takes a lead that the source gave off again: the stream knows what
// went before.
func dropLead(b record.Batch) record.Batch {
	if b.Lead == 0 {
		return b
	}
	n := b.Lead
	b.Text, b.Lead = b.Text[n:], 0
	moved := make([]record.Record, len(b.Records))
	for i, rec := range b.Records {
		rec.Start -= n
		rec.End -= n
		moved[i] = rec
	}
	b.Records, b.Views = moved, moveViews(b.Views, -n)
	return b
}

// moveViews moves the raw side of views by n bytes, in copies.
func moveViews(views []record.View, n int) []record.View {
	if n == 0 || len(views) == 0 {
		return views
	}
	out := make([]record.View, len(views))
	for i, v := range views {
		segs := make([]record.Seg, len(v.Map))
		for j, seg := range v.Map {
			segs[j] = seg.Moved(n)
		}
		v.Map = segs
		out[i] = v
	}
	return out
}
