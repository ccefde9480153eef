package pattern

import (
	"slices"
	"sort"
	"unicode/utf8"
)

// A view repeats most of the text byte for byte. What was found out there is
// not worked out again: places and verdicts that rest on bytes of one verbatim
// segment alone are the same in the view.

const (
	// horizon is how far behind a word a search mostly looks, bytes. Those that
	// looked further are remembered, and repeated in the view.
	horizon = 64
	// leastInside is the least of a segment that is worth being passed over.
	leastInside = 64
)

// past is what the search of a batch's text left for its views.
type past struct {
	usable   bool
	places   [][]place // by rule, sorted
	ruled    []int     // rules that have places
	verdicts [][]verdict
	found    []finding
	kept     []pastTry // ascending
}

// pastTry is a word whose target has to be asked again in a view.
type pastTry struct {
	end    int
	target *target
}

// verdict is what became of a place.
type verdict struct {
	known bool
	finds bool // it is the finding number found
	found int32
	far   int32 // no byte from here on was looked at
	end   int32 // of the match, -1 if there is none
}

func newPast(rules int) past {
	return past{places: make([][]place, rules), verdicts: make([][]verdict, rules)}
}

// begin makes ready for the search of another batch's text.
func (p *past) begin() {
	p.usable, p.kept, p.found = false, p.kept[:0], p.found[:0]
}

func (p *past) keep(frag *fragment, t *target, end int) {
	if frag.keep {
		p.kept = append(p.kept, pastTry{end, t})
	}
}

// room makes room for the verdicts of n places.
func (p *past) room(rule, n int) {
	list := slices.Grow(p.verdicts[rule][:0], n)[:n]
	clear(list)
	p.verdicts[rule] = list
}

// leave keeps the places and findings of a search that is over, if all of the
// text was searched.
func (m *machine) leave(found []finding) {
	p := &m.past
	p.found = append(p.found[:0], found...)
	p.places, m.places = m.places, p.places
	p.ruled, m.ruled = m.ruled, p.ruled
	for _, r := range m.ruled {
		m.places[r] = m.places[r][:0]
	}
	m.ruled = m.ruled[:0]
	p.usable = !m.folds && len(m.withheld) == 0 && !m.thrash
}

// candidatesInView is candidates for a view: inside of long verbatim segments
// the places are those of the text.
func (m *machine) candidatesInView(frag *fragment) {
	words := m.engine.words
	at := 0
	for i := range frag.view.Map {
		view, _, n := frag.view.Map[i].Same()
		from, to := view+words.reach+1, view+n-horizon
		if to-from < leastInside || from < at {
			continue
		}
		m.walk(frag, at, from)
		m.inside(frag, i, from, to)
		at, m.walker.state = to, words.enter(frag.text, to)
	}
	m.walk(frag, at, len(frag.text))
}

// inside notes the places whose word ends in (from,to] of the view, which lies
// in segment seg.
func (m *machine) inside(frag *fragment, seg, from, to int) {
	view, raw, _ := frag.view.Map[seg].Same()
	by := view - raw
	for _, r := range m.past.ruled {
		list := m.past.places[r]
		first := sort.Search(len(list), func(i int) bool { return int(list[i].at)+by >= view })
		for i := first; i < len(list) && int(list[i].at)+by < to; i++ {
			if end := int(list[i].hit) + by; end > from && end <= to {
				m.note(r, place{at: list[i].at + int32(by), hit: int32(end), past: int32(i + 1), seg: int32(seg)})
			}
		}
	}
	kept := m.past.kept
	first := sort.Search(len(kept), func(i int) bool { return kept[i].end+by > from })
	for i := first; i < len(kept) && kept[i].end+by <= to; i++ {
		if !m.overAt(frag, kept[i].end+by) {
			m.tryTarget(frag, kept[i].target, kept[i].end+by)
		}
	}
}

// judged says what became of the place p of a view in the text, if that is
// known to be the same here: the end of its match, and a finding of it is added.
func (m *machine) judged(frag *fragment, r *rule, p *place, from int) (end int, known bool) {
	if p.past == 0 {
		return 0, false
	}
	v := &m.past.verdicts[r.index][p.past-1]
	view, raw, n := frag.view.Map[p.seg].Same()
	by := view - raw
	first := int(p.at) - r.head - utf8.UTFMax
	if !v.known || from > first || first <= view || int(v.far)+by > view+n {
		return 0, false
	}
	if v.finds {
		m.found = append(m.found, m.past.found[v.found].moved(by))
	}
	if v.end < 0 {
		return from, true
	}
	return int(v.end) + by, true
}

// moved is f where its text stands n bytes further on.
func (f finding) moved(n int) finding {
	f.at, f.end = f.at+n, f.end+n
	for _, s := range []*span{&f.match, &f.secret} {
		s.start, s.end = s.start+n, s.end+n
	}
	return f
}
