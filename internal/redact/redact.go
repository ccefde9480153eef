// Package redact is where raw bytes end: it takes a batch and the matches in
// it and gives back a delivery that holds no secret.
//
// The promise: no byte of a matched span is in Clean, in a finding or in any
// other field of a delivery; bytes outside the spans are unchanged and in
// order; line ends inside a span stay, so framing and line count survive;
// redacting what was redacted changes nothing; a line or message that was a JSON
// document still is one, for which a placeholder outside a string gets quotes.
// Prints, fingerprints, previews, context and baseline identities are made here
// and nowhere else.
//
// Apply makes a delivery that is passed on, Tell one of which only the findings
// are wanted: the same findings.
//
// The limits: it believes the detectors. What no detector matched is passed on,
// and a match of severity info is reported and left in place.
package redact

import (
	"sync"
	"time"

	"sluice/internal/record"
	"sluice/internal/recycle"
)

// WithheldRule stands in the placeholder of a record that was not examined.
const WithheldRule = "withheld"

// Rule is what the redactor needs to know of a rule.
type Rule struct {
	Severity record.Severity
	// Strong says that the form of its secrets has 80 bits or more, so that an
	// unkeyed hash of one helps nobody to guess it.
	Strong bool
}

// Baseline recognises findings that are known. The secret is only read.
type Baseline interface {
	Has(rule, source string, secret []byte, strong bool) bool
	ID(rule, source string, secret []byte, strong bool) string
}

// Config says how to redact; all fields are read-only once New has them.
type Config struct {
	PrintKey []byte // key of the prints, at least 16 bytes
	KeyGiven bool   // it was given, not made for this run: fingerprints may rest on it
	Rules    func(id string) (Rule, bool)
	Keys     func(hash [32]byte) *record.KeyInfo // nil: no gateway
	Prefix   func(secret []byte) int             // bytes of its public prefix
	Baseline Baseline                            // nil: none
	Ignore   func(f *record.Finding) (by string, ok bool)
	Time     func(line []byte) (time.Time, bool)        // the time a line gives itself; nil: none
	LiveAt   func(k *record.KeyInfo, t time.Time) *bool // nil: never known
	Pass     record.Severity                            // up to this severity a match is reported, not taken out
}

// Redactor applies a Config; it is safe for concurrent use.
type Redactor struct {
	cfg    Config
	prints sync.Pool // of *printer
}

// New returns a redactor.
func New(cfg Config) *Redactor {
	if cfg.Pass == record.SeverityNone {
		cfg.Pass = record.SeverityInfo
	}
	return &Redactor{cfg: cfg}
}

// Apply redacts a batch. Matches come in the order of their precedence: where
// two overlap, the earlier one gives the name. It takes the batch over: if nothing
// was taken out, the delivery's Clean and Records are its memory, the records moved
// to begin at 0; else they are lent by the redactor.
func (r *Redactor) Apply(b *record.Batch, matches []record.Match) record.Delivery {
	d := delivery(b)
	j, ok := r.judge(b, matches)
	if !ok {
		d.Clean, d.Records = b.Text[b.Lead:], shift(b.Records, b.Lead)
		return d
	}
	out := rooms.Get().(*room)
	w := j.write(b, out)
	d.Clean, d.Records, d.Withheld, d.Free = w.out, w.records, w.count, out.free
	d.Findings = r.tell(b, w, &j)
	return d
}

// Tell is Apply for those who read findings only: the delivery has no Clean and no
// Records, and aliases nothing of the batch, which stays the caller's. Only the
// lines that findings stand in are written.
func (r *Redactor) Tell(b *record.Batch, matches []record.Match) record.Delivery {
	d := delivery(b)
	j, ok := r.judge(b, matches)
	if !ok {
		return d
	}
	j.few = j.withheld == nil // to count what is withheld all are written
	out := rooms.Get().(*room)
	w := j.write(b, out)
	d.Withheld, d.Findings = w.count, r.tell(b, w, &j)
	out.free()
	return d
}

func delivery(b *record.Batch) record.Delivery {
	return record.Delivery{
		Origin: b.Origin, End: b.End, Final: b.Final, Unread: b.Unread,
		Bytes: len(b.Text) - b.Lead,
	}
}

// judgement is what becomes of the matches of a batch.
type judgement struct {
	units    units
	withheld []bool // per record; nil: none
	kept     []chosen
	order    []int // of kept, by where they begin
	few      bool  // only records that are touched have to be written
}

// judge decides; not ok: nothing is found and nothing withheld.
func (r *Redactor) judge(b *record.Batch, matches []record.Match) (j judgement, ok bool) {
	j.withheld, j.units = withheldRecords(b, matches), unitsOf(b)
	j.kept = r.choose(b, j.units, matches)
	j.order = showOrder(j.kept)
	return j, len(j.kept) > 0 || j.withheld != nil
}

// write makes the clean bytes in out.
func (j *judgement) write(b *record.Batch, out *room) *writer {
	w := &writer{
		b: b, units: j.units, withheld: j.withheld, few: j.few,
		at: make([]int, len(j.kept)), out: out.clean[:0], records: out.records[:0],
	}
	w.write(j.kept, j.order)
	out.clean, out.records = w.out, w.records
	return w
}

// tell makes the findings of what w has written.
func (r *Redactor) tell(b *record.Batch, w *writer, j *judgement) []record.Finding {
	findings := make([]record.Finding, 0, len(j.kept))
	t := newTeller(r, b, w)
	for _, i := range j.order {
		if !j.kept[i].rest {
			findings = append(findings, record.Finding{})
			t.finding(&findings[len(findings)-1], &j.kept[i], w.at[i])
		}
	}
	return findings
}

// room is memory of a delivery: it has the size of a batch each time.
type room struct {
	clean   []byte
	records []record.Record
}

var rooms = sync.Pool{New: func() any { return new(room) }}

// maxRoom bounds what is kept of a long line's, bytes.
const maxRoom = 512 << 10

// free puts the memory back. Nobody reads it from here on.
func (r *room) free() {
	recycle.Spoil(r.clean)
	recycle.SpoilEach(r.records, record.Record{})
	if cap(r.clean) <= maxRoom {
		rooms.Put(r)
	}
}

// shift moves records by so many bytes to the front.
func shift(records []record.Record, by int) []record.Record {
	if by != 0 {
		for i := range records {
			records[i].Start -= by
			records[i].End -= by
		}
	}
	return records
}

// chosen is a match that counts, with what was decided about it.
type chosen struct {
	*record.Match
	rule     Rule
	severity record.Severity
	key      *record.KeyInfo
	print    [8]byte
	out      []record.Span // what is taken out: raw spans behind the lead
	rest     bool          // the edge of another match: taken out with it, no finding of its own
}

// minOwn is how many bytes beside those of better matches make a match a
// finding of its own; no secret is shorter.
const minOwn = 8

// choose drops matches that were delivered before, stand in a placeholder of
// ours, or lie wholly in one of better precedence.
func (r *Redactor) choose(b *record.Batch, u units, matches []record.Match) []chosen {
	if len(matches) == 0 {
		return nil
	}
	own := r.ownNear(b, u, matches)
	kept := make([]chosen, 0, len(matches))
	prints := r.printer()
	defer r.prints.Put(prints)
	var covered cover
	for i := range matches {
		m := &matches[i]
		spans := clip(m.Spans, len(b.Text))
		if m.Withhold || len(spans) == 0 || spans[len(spans)-1].End <= b.Lead {
			continue
		}
		spans = own.of(spans).without(spans)
		left := covered.without(spans)
		if len(left) == 0 {
			continue
		}
		c := chosen{Match: m, print: prints.of(m.Secret)}
		c.rest = size(left) < min(minOwn, size(spans))
		c.rule, _ = r.cfg.Rules(m.Rule)
		c.key = r.key(m)
		c.severity = severity(m.Severity, c.rule, c.key, m.Whole)
		if c.severity > r.cfg.Pass || !m.Whole {
			c.out = clipLead(spans, b.Lead)
		}
		for _, s := range spans {
			covered.add(s)
		}
		kept = append(kept, c)
	}
	return kept
}

// key names the owner of a gateway key; one that no gateway knows is said so.
func (r *Redactor) key(m *record.Match) *record.KeyInfo {
	if m.Hash == ([32]byte{}) {
		return nil
	}
	if r.cfg.Keys != nil {
		if k := r.cfg.Keys(m.Hash); k != nil {
			return k
		}
	}
	return &record.KeyInfo{State: record.KeyUnknown}
}

// severity is the match's own, else the rule's, lowered for a key that no
// longer opens anything.
func severity(own record.Severity, rule Rule, key *record.KeyInfo, whole bool) record.Severity {
	switch {
	case own != record.SeverityNone:
		return own
	case rule.Severity == record.SeverityNone:
		return record.SeverityHigh
	case key == nil || !whole || rule.Severity <= record.SeverityMedium:
		return rule.Severity
	}
	switch key.State {
	case record.KeyLive:
		return rule.Severity
	case record.KeyExpired, record.KeyDeleted:
		return record.SeverityMedium
	default:
		return min(rule.Severity, record.SeverityHigh)
	}
}

// withheldRecords marks the records that must not be passed on; nil: none.
func withheldRecords(b *record.Batch, matches []record.Match) []bool {
	var marked []bool
	mark := func(i int) {
		if marked == nil {
			marked = make([]bool, len(b.Records))
		}
		marked[i] = true
	}
	for i := range b.Records {
		if b.Records[i].Withhold {
			mark(i)
		}
	}
	for i := range matches {
		if !matches[i].Withhold {
			continue
		}
		for _, s := range clip(matches[i].Spans, len(b.Text)) {
			for j := recordAt(b.Records, s.Start); j < len(b.Records) && b.Records[j].Start < s.End; j++ {
				mark(j)
			}
		}
	}
	return marked
}
