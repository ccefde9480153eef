package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"sluice/internal/record"
)

// teller makes the findings of a batch, from left to right. What it works out of a
// line it keeps for the findings behind: a line can have thousands.
type teller struct {
	*Redactor
	b *record.Batch
	w *writer

	stamps  stamps
	columns columns
	line    cleanText
	names   names
	scratch []byte
}

func newTeller(r *Redactor, b *record.Batch, w *writer) *teller {
	return &teller{
		Redactor: r, b: b, w: w,
		stamps: stamps{found: -1}, line: cleanText{record: -1}, names: names{rules: r.cfg.Rules},
	}
}

// finding makes the record of a match that may leave the program. at is where
// its place stands in the clean bytes.
func (t *teller) finding(f *record.Finding, c *chosen, at int) {
	b := t.b
	spans := clip(c.Spans, len(b.Text))
	u := t.w.units.in(b.Text[spans[0].Start:spans[0].End])
	*f = record.Finding{
		Origin: b.Origin, Rule: c.Rule, Name: c.Name, Severity: c.severity, Encoding: c.Encoding,
		Whole: c.Whole, Print: c.print, Pos: t.position(u, spans), Preview: t.preview(c.Secret),
		Length: len(c.Secret), Key: c.key, Shown: c.Shown, BitsLeft: c.BitsLeft,
	}
	if f.Encoding == "" {
		f.Encoding = record.Plain
	}
	f.Time = t.timeAt(recordAt(b.Records, max(spans[0].Start, b.Lead)))
	if t.cfg.LiveAt != nil {
		f.LiveAtTime = t.cfg.LiveAt(f.Key, f.Time)
	}
	line := t.lineAt(u, at)
	f.Context = t.context(line)
	f.Fingerprint = t.fingerprint(f, c, line)
	if t.cfg.Baseline != nil {
		f.BaselineID = t.cfg.Baseline.ID(f.Rule, f.Origin.Name, c.Secret, c.rule.Strong)
		if t.cfg.Baseline.Has(f.Rule, f.Origin.Name, c.Secret, c.rule.Strong) {
			f.Known, f.KnownBy = true, "baseline"
		}
	}
	if t.cfg.Ignore != nil && !f.Known {
		f.KnownBy, f.Known = t.cfg.Ignore(f)
	}
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

// printer makes prints. It is used again, since a keyed state takes longer to make
// than to use.
type printer struct {
	mac hash.Hash
	sum []byte
}

func (r *Redactor) printer() *printer {
	if p, ok := r.prints.Get().(*printer); ok {
		return p
	}
	return &printer{mac: hmac.New(sha256.New, r.cfg.PrintKey)}
}

func (p *printer) of(secret []byte) [8]byte {
	p.mac.Reset()
	p.mac.Write(secret)
	p.sum = p.mac.Sum(p.sum[:0])
	return [8]byte(p.sum)
}

// Print is what shows that two secrets are equal and nothing else of them.
func (r *Redactor) Print(secret []byte) [8]byte {
	p := r.printer()
	defer r.prints.Put(p)
	return p.of(secret)
}

// preview shows the public prefix of a secret and nothing behind it.
func (r *Redactor) preview(secret []byte) string {
	const rest = "…"
	n := 0
	if r.cfg.Prefix != nil {
		n = min(max(r.cfg.Prefix(secret), 0), len(secret)/2)
	}
	if n == 0 {
		return rest
	}
	return record.Visible(string(secret[:n])) + rest
}

// fingerprint names a finding across runs and machines: it rests on no random
// key and no line number. A gateway key is named by the gateway's hash of it,
// others by the print where a key was given; else by the line's clean text,
// with the hash of secrets too strong to be guessed from it.
func (t *teller) fingerprint(f *record.Finding, c *chosen, line cleanText) [16]byte {
	text := appendHashed(t.scratch[:0], 'v', "sluice/v1")
	text = appendHashed(text, 'r', f.Rule)
	text = appendHashed(text, 'p', f.Origin.Name)
	switch {
	case c.Hash != [32]byte{}:
		text = appendHashed(text, 'g', c.Hash[:])
	case t.cfg.KeyGiven:
		text = appendHashed(text, 'k', f.Print[:])
	default:
		at := len(text)
		text = appendBlank(appendHashed(text, 'l', ""), line)
		binary.BigEndian.PutUint32(text[at+1:], uint32(len(text)-at-hashedHead))
		if c.rule.Strong && c.Whole {
			sum := sha256.Sum256(append([]byte("sluice/v1/secret\x00"), c.Secret...))
			text = appendHashed(text, 's', sum[:])
		}
	}
	t.scratch = text
	sum := sha256.Sum256(text)
	return [16]byte(sum[:16])
}

// hashedHead is the kind of a value and its length, bytes.
const hashedHead = 1 + 4

// appendHashed appends a value as fingerprints rest on it.
func appendHashed[T string | []byte](dst []byte, kind byte, value T) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, kind), uint32(len(value)))
	return append(dst, value...)
}
