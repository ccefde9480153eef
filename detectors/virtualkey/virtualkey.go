package virtualkey

import (
	"fmt"
	"sync"

	"sluice/internal/record"
	"sluice/internal/view"
)

const (
	// maxKey is the longest key looked for, in bytes. LiteLLM sets no limit;
	// longer ones come from nobody we know of, and each byte more is a length
	// to hash while names are hidden.
	maxKey = 256
	// lookBack is how far into the lead a match can begin that ends behind it:
	// a head, a cut mark and a tail.
	lookBack = 2 * maxKey
	// maxPrefixes and the two lengths bound what a configuration asks for.
	maxPrefixes             = 8
	minPrefix, maxPrefixLen = 2, 32
)

// Options change what is looked for. The zero value is LiteLLM's.
type Options struct {
	Prefixes []string // of live keys; nil: "sk-". 2 to 32 bytes each, at most 8
}

// Detector finds the keys of one snapshot. It is read-only once built.
type Detector struct {
	keys     Keys
	prefixes []prefix
	suffixes suffixSet
	hides    bool
	known    bool // there are keys to look up
	memos    sync.Pool
}

// New builds a detector around a snapshot; nil is one without keys. It costs a
// few milliseconds for 100,000 keys. The error names the prefix that is wrong.
func New(keys Keys, o Options) (*Detector, error) {
	d := &Detector{keys: keys, known: keys != nil}
	if keys == nil {
		d.keys = noKeys{}
	}
	d.suffixes, d.hides = newSuffixSet(d.keys), d.keys.HidesNames()
	d.memos.New = func() any { return newMemo() }
	list := o.Prefixes
	if len(list) == 0 {
		list = []string{DefaultPrefix}
	}
	if len(list) > maxPrefixes {
		return nil, fmt.Errorf("virtual key prefixes: %d given, at most %d", len(list), maxPrefixes)
	}
	for _, text := range list {
		if err := checkPrefix(text); err != nil {
			return nil, err
		}
		d.prefixes = append(d.prefixes, newPrefix(text))
	}
	return d, nil
}

func checkPrefix(text string) error {
	if len(text) < minPrefix || len(text) > maxPrefixLen {
		return fmt.Errorf("virtual key prefix %q: want %d to %d characters", text, minPrefix, maxPrefixLen)
	}
	if run([]byte(text), 0, len(text), tokenByte) != len(text) {
		return fmt.Errorf("virtual key prefix %q: want ASCII letters, digits and signs without quotes, brackets or spaces", text)
	}
	return nil
}

// Detect implements pipeline.Detector. It allocates only for what it finds,
// and examines each text of the batch in one pass.
func (d *Detector) Detect(dst []record.Match, b *record.Batch) []record.Match {
	s := scan{d: d, lead: b.Lead, dst: dst, several: len(b.Views) > 0}
	s.text, s.kind = b.Text, record.Plain
	for i := range d.prefixes {
		eachMessage(b, func(lo, hi int) { s.keysIn(&d.prefixes[i], lo, hi) })
		s.flush()
	}
	if d.known {
		eachMessage(b, s.hashesIn)
	}
	for i := range b.Views {
		v := &b.Views[i]
		s.text, s.kind, s.view = v.Text, v.Kind, v
		for i := range d.prefixes {
			s.keysIn(&d.prefixes[i], 0, len(v.Text))
			s.flush()
		}
		if d.known {
			s.hashesIn(0, len(v.Text))
		}
	}
	if s.memo != nil {
		s.memo.forget()
		d.memos.Put(s.memo)
	}
	return s.dst
}

// eachMessage calls examine for each stretch of the text that no match crosses
// the ends of: a part of a Kafka message, or all of it for lines.
func eachMessage(b *record.Batch, examine func(lo, hi int)) {
	lo, n := 0, len(b.Records)
	if n > 0 && !b.Messages && sameMessage(&b.Records[0], &b.Records[n-1]) {
		n = 0 // lines, of one message all: no need to look at each
	}
	for i := 1; i < n; i++ {
		r, before := &b.Records[i], &b.Records[i-1]
		if !sameMessage(r, before) {
			examine(lo, r.Start)
			lo = r.Start
		}
	}
	if lo < len(b.Text) {
		examine(lo, len(b.Text))
	}
}

func sameMessage(a, z *record.Record) bool { return a.Msg == z.Msg && a.Part == z.Part }

// place is what makes two matches the same one.
type place struct {
	rule       string
	start, end int // raw
}

// scan examines the texts of one batch, one after the other.
type scan struct {
	d    *Detector
	dst  []record.Match
	text []byte
	view *record.View // nil: text is the batch's own
	kind record.Encoding
	lead int

	several bool // texts: the same match can be met twice
	seen    map[place]struct{}

	reach    reach
	budget   budget
	covered  int           // in text: where the last live key ended
	withheld []record.Span // raw, ascending
	memo     *memo         // nil until needed
}

// floor is where a match must end behind to be new, in text. In a view only
// the raw spans can tell.
func (s *scan) floor() int {
	if s.view == nil {
		return s.lead
	}
	return 0
}

// from is where a match in [lo,…) that is new can begin at the earliest.
func (s *scan) from(lo int) int { return max(lo, s.floor()-lookBack) }

// add reports text[start:end), m holding all but where it stands.
func (s *scan) add(m record.Match, start, end int) {
	s.addSpans(m, s.spans(nil, start, end), s.text[start:end], s.kind)
}

// addSpans is add for what stands in several places.
func (s *scan) addSpans(m record.Match, spans []record.Span, secret []byte, as record.Encoding) {
	if len(spans) == 0 || spans[len(spans)-1].End <= s.lead {
		return
	}
	if s.several {
		at := place{m.Rule, spans[0].Start, spans[len(spans)-1].End}
		if _, twice := s.seen[at]; twice {
			return
		}
		if s.seen == nil {
			s.seen = make(map[place]struct{})
		}
		s.seen[at] = struct{}{}
	}
	m.Spans, m.Secret, m.Encoding = spans, secret, as
	s.dst = append(s.dst, m)
}

// spans appends where text[start:end) stands in the batch.
func (s *scan) spans(dst []record.Span, start, end int) []record.Span {
	if s.view == nil {
		return append(dst, record.Span{Start: start, End: end})
	}
	return view.Spans(dst, s.view, start, end)
}

// withhold says that text[start:end) was not examined.
func (s *scan) withhold(start, end int) {
	for _, raw := range s.spans(nil, start, end) {
		last := len(s.withheld) - 1
		switch {
		case raw.End <= s.lead:
		case last >= 0 && raw.Start <= s.withheld[last].End:
			s.withheld[last].End = max(s.withheld[last].End, raw.End)
		default:
			s.withheld = append(s.withheld, raw)
		}
	}
}

// flush reports what was withheld and makes ready for another pass.
func (s *scan) flush() {
	if len(s.withheld) > 0 {
		s.dst = append(s.dst, record.Match{
			Rule: RuleVirtual, Spans: s.withheld, Encoding: s.kind, Withhold: true,
		})
	}
	s.withheld, s.covered, s.reach, s.budget = nil, 0, reach{}, budget{}
}
