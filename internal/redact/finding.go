package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"time"

	"sluice/internal/record"
)

// finding makes the record of a match that may leave the program. at is where
// its place stands in the clean bytes.
func (r *Redactor) finding(b *record.Batch, c *chosen, w *writer, at int) record.Finding {
	spans := clip(c.Spans, len(b.Text))
	u := w.units.in(b.Text[spans[0].Start:spans[0].End])
	f := record.Finding{
		Origin: b.Origin, Rule: c.Rule, Name: c.Name, Severity: c.severity, Encoding: c.Encoding,
		Whole: c.Whole, Print: c.print, Pos: position(b, u, spans), Preview: r.preview(c.Secret),
		Length: len(c.Secret), Key: c.key, Shown: c.Shown, BitsLeft: c.BitsLeft,
	}
	if f.Encoding == "" {
		f.Encoding = record.Plain
	}
	f.Time = r.timeAt(b, w.units, recordAt(b.Records, max(spans[0].Start, b.Lead)))
	if r.cfg.LiveAt != nil {
		f.LiveAtTime = r.cfg.LiveAt(f.Key, f.Time)
	}
	line := cleanLine(w, u, at)
	f.Context = contextOf(line.text, line.at, r.cfg.Rules)
	f.Fingerprint = r.fingerprint(&f, c, line)
	if r.cfg.Baseline != nil {
		f.BaselineID = r.cfg.Baseline.ID(f.Rule, f.Origin.Name, c.Secret, c.rule.Strong)
		if r.cfg.Baseline.Has(f.Rule, f.Origin.Name, c.Secret, c.rule.Strong) {
			f.Known, f.KnownBy = true, "baseline"
		}
	}
	if r.cfg.Ignore != nil && !f.Known {
		f.KnownBy, f.Known = r.cfg.Ignore(&f)
	}
	return f
}

// stampLines is how many lines back the stamp of a record is looked for: the
// lines of a traceback have none of their own.
const stampLines = 50

// wideStamp is how much of a line of UTF-16 is decoded to look for its stamp.
const wideStamp = 1024

// timeAt is the transport's stamp of a record, else the one the line or one of
// those before it gives itself.
func (r *Redactor) timeAt(b *record.Batch, u units, i int) time.Time {
	if i >= len(b.Records) {
		return time.Time{}
	}
	if t := b.Records[i].Time; !t.IsZero() || r.cfg.Time == nil {
		return t
	}
	for j := i; j >= 0 && i-j < stampLines; j-- {
		line := b.Text[b.Records[j].Start:b.Records[j].End]
		if u != octets {
			line = u.narrow(line[:min(len(line), wideStamp)])
		}
		if t, ok := r.cfg.Time(line); ok {
			return t
		}
	}
	return time.Time{}
}

// Owned is f as it would have been had the owner of its key been known, to be
// delivered as an update: its fingerprint is the same.
func (r *Redactor) Owned(f record.Finding, key *record.KeyInfo) record.Finding {
	rule, _ := r.cfg.Rules(f.Rule)
	f.Key, f.Update = key, true
	f.Severity = severity(record.SeverityNone, rule, key, f.Whole)
	if r.cfg.LiveAt != nil {
		f.LiveAtTime = r.cfg.LiveAt(key, f.Time)
	}
	return f
}

// Print is what shows that two secrets are equal and nothing else of them.
func (r *Redactor) Print(secret []byte) (p [8]byte) {
	mac := hmac.New(sha256.New, r.cfg.PrintKey)
	mac.Write(secret)
	copy(p[:], mac.Sum(nil))
	return p
}

// preview shows the public prefix of a secret and nothing behind it.
func (r *Redactor) preview(secret []byte) string {
	n := 0
	if r.cfg.Prefix != nil {
		n = min(max(r.cfg.Prefix(secret), 0), len(secret)/2)
	}
	return record.Visible(string(secret[:n])) + "…"
}

// fingerprint names a finding across runs and machines: it rests on no random
// key and no line number. A gateway key is named by the gateway's hash of it,
// others by the print where a key was given; else by the line's clean text,
// with the hash of secrets too strong to be guessed from it.
func (r *Redactor) fingerprint(f *record.Finding, c *chosen, line cleanText) (p [16]byte) {
	h := sha256.New()
	field := func(kind byte, value []byte) {
		h.Write([]byte{kind, byte(len(value) >> 24), byte(len(value) >> 16), byte(len(value) >> 8), byte(len(value))})
		h.Write(value)
	}
	field('v', []byte("sluice/v1"))
	field('r', []byte(f.Rule))
	field('p', []byte(f.Origin.Name))
	switch {
	case c.Hash != [32]byte{}:
		field('g', c.Hash[:])
	case r.cfg.KeyGiven:
		field('k', f.Print[:])
	default:
		field('l', blank(line, r.cfg.Rules))
		if c.rule.Strong && c.Whole {
			sum := sha256.Sum256(append([]byte("sluice/v1/secret\x00"), c.Secret...))
			field('s', sum[:])
		}
	}
	copy(p[:], h.Sum(nil))
	return p
}

// position says where the spans stand in the source as read.
func position(b *record.Batch, u units, spans []record.Span) record.Position {
	p := record.Position{Offset: -1}
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
	p.ColumnRunes = u.characters(b.Text[lineStart:start]) + 1
	p.EndLine = p.Line + u.lineEnds(b.Text[start:end])
	tail := lineStart + u.lastLine(b.Text[lineStart:end]) // messages have no line end before
	if tail >= end {                                      // it ends with a line end
		tail = lineStart
		p.EndLine = p.Line
	}
	p.EndColumnRunes = u.characters(b.Text[tail:end]) + 1
	return p
}
