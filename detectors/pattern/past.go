package pattern

import (
	"math"
	"sort"

	"sluice/internal/record"
)

// A view repeats most of the text byte for byte, and a text repeats itself. What
// was found out there is not worked out again: what becomes of a word, or of a
// match, is the same where all bytes that it rests on are.

const (
	// near is how far behind a word a search mostly looks, bytes. What looked
	// further is remembered; the rest is searched for again at a stretch's end.
	near = 8
	// indexBits: the tries of a text are indexed by blocks of so many bits.
	indexBits = 7
	// leastInside is the least of a stretch that is worth being passed over, bytes
	// that need not be walked.
	leastInside = 16
	// mostTries and mostNoted bound what is remembered of a text, which is some MB. An
	// ordinary batch has a tenth; where there is more, what follows is searched.
	mostTries, mostNoted = 1 << 16, 1 << 15
)

// past is what the search of a batch's text leaves for what repeats it: its views,
// and what stands further on.
type past struct {
	usable   bool      // by views
	tries    []pastTry // ascending
	noted    []notedPlace
	index    []int32   // by block of text: the first try whose word ends there or behind it
	verdicts []verdict // by number of a place, less one
	found    []finding
	fresh    []span // what was searched
	full     bool   // nothing more is remembered
}

// pastTry is what became of a word. Batches have thousands of them, most of which
// are read again many times, so it is small.
type pastTry struct {
	end    int32 // behind the word
	far    int32 // no byte from here on was looked at
	first  int32 // of noted: the first place it led to; the next try's is behind the last
	target int32 // by number
	id     passedID
}

// passedID is an id that ended a try: a value that is innocent whatever its digits
// are, and the byte behind it. Any other id of its form and end would end the try too.
type passedID struct {
	form   uint8 // 0: there is none
	behind byte
}

// idStart is where the id that ended the try began.
func (t *pastTry) idStart() int {
	_, n := setOf(int(t.id.form))
	return int(t.far) - 1 - n
}

// notedPlace is a place that was noted, and of which rule.
type notedPlace struct {
	place
	rule int32
}

// verdict is what became of a place.
type verdict struct {
	known bool
	finds bool // it is the finding number found
	found int32
	at    int32 // of the place
	low   int32 // no byte before this was looked at
	far   int32 // nor any from here on
	end   int32 // of the match, -1 if there is none
}

// begin makes ready for the search of another batch's text.
func (p *past) begin() {
	*p = past{tries: p.tries[:0], noted: p.noted[:0], index: p.index[:0], verdicts: p.verdicts[:0], found: p.found[:0], fresh: p.fresh[:0]}
}

// add remembers a try that noted the places from first on. It looked at no byte
// from far on.
func (p *past) add(t *target, end, far, first int, id passedID) {
	if p.full = p.full || len(p.tries) >= mostTries; p.full {
		return
	}
	for len(p.index) <= end>>indexBits {
		p.index = append(p.index, int32(len(p.tries)))
	}
	if t.group < 0 {
		far = math.MaxInt32 // what it means is meant anew each time
	}
	p.tries = append(p.tries, pastTry{int32(end), int32(far), int32(first), t.number, id})
}

// again remembers tries, which noted so many places, where their text stands by
// bytes further on and as many places are about to be noted.
func (p *past) again(tries []pastTry, noted int, by int32) bool {
	if p.full = p.full || len(p.tries)+len(tries) > mostTries || len(p.noted)+noted > mostNoted; p.full {
		return false
	}
	further := int32(len(p.noted)) - tries[0].first
	for _, t := range tries {
		t.end, t.far, t.first = t.end+by, t.far+by, t.first+further
		for len(p.index) <= int(t.end)>>indexBits {
			p.index = append(p.index, int32(len(p.tries)))
		}
		p.tries = append(p.tries, t)
	}
	return true
}

// note remembers a place, and returns its number; 0: nothing more is remembered.
func (p *past) note(at place, rule int) int32 {
	if p.full = p.full || len(p.noted) >= mostNoted; p.full {
		return 0
	}
	at.number = int32(len(p.noted) + 1)
	p.noted = append(p.noted, notedPlace{at, int32(rule)})
	return at.number
}

// behind is the number of the first try whose word ends behind at.
func (p *past) behind(at int) int {
	if at>>indexBits >= len(p.index) {
		return len(p.tries)
	}
	n := int(p.index[at>>indexBits])
	for n < len(p.tries) && int(p.tries[n].end) <= at {
		n++
	}
	return n
}

// room makes room for the verdicts of all places.
func (p *past) room() {
	if n := len(p.noted); n > cap(p.verdicts) {
		p.verdicts = make([]verdict, n, n+n/4)
	} else {
		p.verdicts = p.verdicts[:n]
		clear(p.verdicts)
	}
}

// leave keeps the findings of a search that is over, if all of the text was
// searched.
func (m *machine) leave(found []finding) {
	m.past.found = append(m.past.found[:0], found...)
	m.past.fresh = append(m.past.fresh[:0], m.fresh...)
	m.past.usable = !m.past.full && !m.folds && len(m.withheld) == 0 && !m.thrash
}

// stretches sets those of the fragment that need not be searched.
func (m *machine) stretches(frag *fragment) {
	m.same = m.same[:0]
	switch {
	case frag.keep:
		m.same = m.repeats.find(m.same, frag.text, m.fresh)
	case frag.view != nil && m.past.usable:
		m.viewed(frag.view)
	}
	n := 0
	for i := range m.same {
		s := &m.same[i]
		if s.in = m.inside(frag.text, s); s.in.end-s.in.start < leastInside {
			continue
		}
		if n < i {
			m.same[n] = *s
		}
		n++
	}
	m.same = m.same[:n]
}

// viewed appends what a view has of the text, as far as neither is passed over.
func (m *machine) viewed(v *record.View) {
	for _, f := range m.fresh {
		first := sort.Search(len(v.Map), func(i int) bool { return v.Map[i].End() > f.start })
		for i := first; i < len(v.Map) && v.Map[i].View() < f.end; i++ {
			seg := &v.Map[i]
			if seg.N() <= leastInside+near {
				continue // most are of one byte where encodings are nested
			}
			at, from, n := seg.Same()
			if before := f.start - at; before > 0 {
				at, from, n = at+before, from+before, n-before
			}
			n = min(n, f.end-at, spanAt(m.past.fresh, from).end-from)
			if n > leastInside+near {
				m.same = append(m.same, stretch{at: at, from: from, n: n})
			}
		}
	}
}

// spanAt is that of some spans, ascending, which holds at; empty if none does.
func spanAt(list []span, at int) span {
	n := sort.Search(len(list), func(i int) bool { return list[i].end > at })
	if n == len(list) || list[n].start > at {
		return span{}
	}
	return list[n]
}

// inside are the ends of words that need not be searched for in s: behind a place
// near its start that no word reaches over, which is one in the text that it
// repeats too.
func (m *machine) inside(text []byte, s *stretch) span {
	words := m.engine.words
	start, last := s.at+1, s.at+words.reach+1
	for start < last && !words.parted(text, start) {
		start++
	}
	return span{start, s.at + s.n - near}
}

// repeat notes what the words inside of stretch number n led to before. What
// looked beyond the stretch is tried again, but for where an id stood behind it.
func (m *machine) repeat(frag *fragment, n int) {
	s := &m.same[n]
	by, at := s.at-s.from, s.in.start
	next, last := m.past.behind(s.in.start-by), m.past.behind(s.in.end-by)
	for {
		first := next
		next = m.past.within(frag.text, s, next, last)
		if frag.view == nil && (m.past.full || len(m.withheld) > 0 || m.thrash) || !m.takeOver(frag, first, next, n) {
			m.walkPlainly(frag, span{at, s.in.end}) // what is to be repeated may have been left out
			return
		}
		if next == last {
			if s.from+s.n <= s.at {
				return
			}
			if last = m.past.behind(s.in.end - by); next == last {
				return
			}
			continue // it overlaps what it repeats
		}
		t := m.past.tries[next]
		at = int(t.end) + by - 1 // another word may end there too
		m.tryWithin(frag, m.engine.ended[t.target], at+1)
		next++
	}
}

// within is the first try from next on, or last, that became something else in a
// stretch of text than where it was made.
func (p *past) within(text []byte, s *stretch, next, last int) int {
	end, by := int32(s.from+s.n), s.at-s.from
	asked, same := -1, false // where an id stood, and whether one of its form does now
	for ; next < last; next++ {
		t := &p.tries[next]
		if t.far <= end {
			continue
		}
		at := t.idStart()
		if t.id.form == 0 || at > int(end) {
			break
		}
		if at != asked {
			form, stop := idAt(text, at+by)
			asked, same = at, form == int(t.id.form) && stop < len(text) && text[stop] == t.id.behind
		}
		if !same {
			break
		}
	}
	return next
}

// takeOver notes what tries[first:last] noted, in stretch number n, and remembers
// the tries there, if those of frag are. It does nothing and returns false where
// no more is remembered.
func (m *machine) takeOver(frag *fragment, first, last, n int) bool {
	if first == last {
		return true
	}
	p, by := &m.past, m.same[n].at-m.same[n].from
	tries, noted := p.tries[first:last], p.noted[p.tries[first].first:]
	if last < len(p.tries) {
		noted = p.noted[p.tries[first].first:p.tries[last].first]
	}
	if frag.keep && !p.again(tries, len(noted), int32(by)) {
		return false
	}
	for _, place := range noted {
		m.note(frag, int(place.rule), place.moved(by, n))
	}
	return true
}

// moved is p where its text stands by bytes further on, in stretch number n.
func (p place) moved(by, n int) place {
	p.of, p.stretch, p.number = p.number, int32(n), 0
	p.at, p.hit = p.at+int32(by), p.hit+int32(by)
	if p.read.verdict == isMatch {
		p.read = p.read.moved(int32(by))
	}
	return p
}

// judged says what became of the place p in the text that it repeats, if that is
// known to be the same here: the end of its match, and a finding of it is added.
func (m *machine) judged(frag *fragment, p *place, from int) (end int, known bool) {
	if p.of == 0 {
		return 0, false
	}
	v := m.past.verdicts[p.of-1]
	s, by := m.same[p.stretch], int(p.at-v.at)
	low := int(v.low) + by
	if !v.known || from > low || low < s.at || int(v.far)+by > s.at+s.n {
		return 0, false
	}
	found := m.past.found
	if frag.view == nil {
		found = m.found
	}
	if end = from; v.end >= 0 {
		end = int(v.end) + by
	}
	if v.finds {
		m.found = append(m.found, found[v.found].moved(by))
	}
	if p.number > 0 {
		v.at, v.low, v.far, v.found = p.at, int32(low), v.far+int32(by), int32(len(m.found)-1)
		if v.end >= 0 {
			v.end += int32(by)
		}
		m.past.verdicts[p.number-1] = v
	}
	return end, true
}

// moved is f where its text stands n bytes further on.
func (f finding) moved(n int) finding {
	f.at, f.end = f.at+n, f.end+n
	for _, s := range []*span{&f.match, &f.secret} {
		s.start, s.end = s.start+n, s.end+n
	}
	return f
}
