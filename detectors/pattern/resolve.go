package pattern

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// search is everything gitleaks does with a fragment: matches, allowlists,
// required rules, and which of two rules reports. The findings are m's until
// the next search.
func (m *machine) search(frag *fragment) []finding {
	m.passOver(frag)
	m.collect(frag)
	if m.crossed || m.folds && len(m.passed) > 0 {
		m.searchAll(frag)
		m.collect(frag)
	}
	for _, r := range m.engine.sweeps {
		if !m.off[r.index] && (r.aux || m.mayRun(frag, r)) {
			m.sweep(frag, r)
		}
	}
	if m.required && !m.options.RequiredMet {
		m.found = withRequired(m.found, frag)
	}
	m.found = slices.DeleteFunc(m.found, func(f finding) bool {
		return f.rule.SkipReport || f.rule.aux && !m.mayRun(frag, f.rule)
	})
	m.lower = nil
	return withoutGeneric(m.found, frag)
}

// collect finds the matches that count in what is fresh of a fragment, of all rules that
// have words.
func (m *machine) collect(frag *fragment) {
	m.reset()
	if frag.keep {
		m.past.begin()
	}
	m.candidates(frag)
	m.sortPlaces()
	if frag.keep {
		m.past.room()
	}
	for _, r := range m.ruled {
		m.resolve(frag, m.rules[r], m.places[r])
	}
	if frag.keep {
		m.leave(m.found)
	}
}

// mayRun says whether gitleaks would run the rule on this fragment: one of its
// keywords is somewhere in it.
func (m *machine) mayRun(frag *fragment, r *rule) bool {
	if len(r.Keywords) == 0 || !m.folds && m.open[r.index] {
		return true
	}
	if r.sweep && !m.folds && !m.wideWords {
		return false
	}
	if m.gates[r.index] == 0 {
		m.gates[r.index], m.asked = -1, true
		if m.lower == nil {
			m.lower = m.lowered(frag.text)
		}
		if keywordIn(r.Keywords, m.lower) {
			m.gates[r.index] = 1
		}
		m.steps += len(frag.text) / bytesPerStep
	}
	return m.gates[r.index] > 0
}

// keywordNear spares mayRun: mostly a keyword stands around the match.
func (m *machine) keywordNear(frag *fragment, r *rule, at int) bool {
	near := appendLower(nil, frag.text[max(0, at-nearby):min(len(frag.text), at+nearby)])
	return keywordIn(r.Keywords, near)
}

const nearby = 128 // bytes

func keywordIn(words []string, low []byte) bool {
	return slices.ContainsFunc(words, func(w string) bool { return bytes.Contains(low, []byte(w)) })
}

// lowered is text in lower case, as far as it matters for keywords.
func (m *machine) lowered(text []byte) []byte {
	if m.wideWords {
		return bytes.ToLower(text)
	}
	var low []byte
	if m.folds {
		low, _ = folded(text, asKeyword)
	} else {
		low = append([]byte{}, text...)
	}
	for i, c := range low {
		if c >= 'A' && c <= 'Z' {
			low[i] = c + 'a' - 'A'
		}
	}
	return low
}

// bytesPerStep is how far a plain search for a keyword gets in the time of a
// step.
const bytesPerStep = 8

// resolve finds the matches of r as repeated searches from the left would: the
// next one begins behind the last one's end. places are where a branch of r
// matches from a word on, ascending.
func (m *machine) resolve(frag *fragment, r *rule, places []place) {
	if !m.lesson.learning && !r.aux && (r.loose || m.folds) && !m.keywordNear(frag, r, int(places[0].at)) && !m.mayRun(frag, r) {
		return
	}
	m.newPass(frag)
	from := 0
	for i := range places {
		p := &places[i]
		at := int(p.at)
		if at < from || m.overAt(frag, at+1) {
			continue
		}
		if end, known := m.judged(frag, p, from); known {
			from = end
			continue
		}
		from = m.judge(frag, r, places[i:], from)
	}
}

// judge finds the match of the first of places, and whether it counts. It returns
// where the next one can begin.
func (m *machine) judge(frag *fragment, r *rule, places []place, from int) (next int) {
	p, found := &places[0], len(m.found)
	at := int(p.at)
	m.low, m.far, m.lined = at, at, false
	if m.innocent(frag, r, places) {
		return from
	}
	f, end := m.matchAt(frag, r, places, from)
	cut := m.thrash || from > m.low
	if m.thrash {
		m.overAt(frag, at+1)
	}
	if next = from; end > f.at {
		m.crosses(r, int(p.hit), f.at, end)
		m.consider(frag, f)
		next = end
	} else {
		end = -1
	}
	if m.lesson.learning {
		m.lesson.judged(r, &f, end, m.low, m.far, m.lined || from > max(m.low, 0))
	}
	if p.number > 0 {
		m.past.verdicts[p.number-1] = verdict{
			known: !cut && !m.lined, finds: len(m.found) > found, found: int32(found),
			at: p.at, low: int32(m.low), far: int32(m.far), end: int32(end),
		}
	}
	return next
}

// innocent says, where the shape of r tells only what a match at the first of
// places would hold, that this does not count. The match need not be known then,
// nor where it ends: no other place is in its value, and those before have the
// same.
func (m *machine) innocent(frag *fragment, r *rule, places []place) bool {
	s, p := r.shape(), &places[0]
	if s == nil || !s.partial || m.folds {
		return false
	}
	read := m.reading(frag, s, p)
	if read.verdict != isMatch {
		return false
	}
	if r.otherIn(read, places[1:]) {
		return false
	}
	if !p.innocent && (p.read.verdict != unclear || !m.innocentSecret(r, read.secretIn(frag))) {
		return false
	}
	if m.lesson.learning {
		m.lesson.innocent(r, p, read)
	}
	m.crosses(r, int(p.hit), int(p.at), int(read.end))
	return true
}

// reading is what a shape says of a place.
func (m *machine) reading(frag *fragment, s *shape, p *place) reading {
	if p.read.verdict != unclear {
		return p.read
	}
	read := s.read(frag.text, int(p.at), int(p.hit))
	m.steps += max(int(read.far-p.hit), 0)
	return read
}

// otherIn says whether a match that has a word at one of places may begin before
// what was read ends, but for those that read the same.
func (r *rule) otherIn(read reading, places []place) bool {
	for i := range places {
		if int(places[i].at)-r.head >= int(read.end) {
			break
		}
		if places[i].at >= read.start {
			return true
		}
	}
	return false
}

// matchAt is what the match that has a word at the first of places finds; it begins
// at from or later. end is -1 if there is none.
func (m *machine) matchAt(frag *fragment, r *rule, places []place, from int) (f finding, end int) {
	s, p := r.shape(), &places[0]
	if s == nil || m.folds {
		return m.matchAround(frag, r, int(p.at), from)
	}
	read := m.reading(frag, s, p)
	m.far = max(m.far, int(read.far))
	switch {
	case read.verdict == noMatch:
		return finding{at: int(p.at)}, -1
	case read.verdict == isMatch && s.partial:
		return m.matchRead(frag, r, places, read, from)
	case read.verdict == isMatch:
		start := s.startOf(frag.text, r, from, int(p.at))
		m.low = start - utf8.UTFMax
		return newFinding(r, frag, start, int(read.end)).with(read.value()), int(read.end)
	}
	return m.matchAround(frag, r, int(p.at), from)
}

// matchRead is matchAt where the shape tells all but where the match begins.
func (m *machine) matchRead(frag *fragment, r *rule, places []place, read reading, from int) (f finding, end int) {
	text, at, hit := frag.text, int(places[0].at), int(places[0].hit)
	start, known, low := at, true, at-1
	switch r.shape().begins(text, at, hit) {
	case beginsNowhere:
		start = at + 1
	case beginsElsewhere:
		start, known = m.startBefore(text, r, from, at, hit)
		low = at - r.head - 2*utf8.UTFMax
	}
	switch {
	case !known || len(places) > 1 && int(places[1].at)-r.head <= start:
	case start > at:
		m.low = low
		return finding{at: at}, -1
	case text[start] != '\n' && text[read.end-1] != '\n': // else gitleaks matches what is left once more
		m.low = low
		return newFinding(r, frag, start, int(read.end)).with(read.value()), int(read.end)
	}
	return m.matchAround(frag, r, at, from)
}

func (m *machine) matchAround(frag *fragment, r *rule, at, from int) (f finding, end int) {
	start, end := m.around(frag.text, r, from, at)
	if end <= start {
		return finding{at: start}, -1
	}
	return m.locate(r, frag, start, end), end
}

// around is the match that begins first among those that begin at from or
// later and have a word at at.
func (m *machine) around(text []byte, r *rule, from, at int) (start, end int) {
	g := m.groupsAt(r)
	if r.before != nil {
		start = back(text, from, at, r.before, r.run)
		m.low = start - utf8.UTFMax
		return start, g.run(text, start, min(start+maxSpan, len(text)))
	}
	m.low = at - r.head - 2*utf8.UTFMax
	return first(g, text, runeStart(text, from, at-r.head), at)
}

// first is the match that begins first from start on and not behind last.
func first(g *groups, text []byte, start, last int) (int, int) {
	for start <= last {
		if start < len(text) && !g.begins[text[start]] {
			start++ // within a rune too: none of its bytes begins a match either
			continue
		}
		if !g.dfa.hopeless(text, start) {
			if end := g.run(text, start, min(start+maxSpan, len(text))); end >= 0 {
				return start, end
			}
		}
		start += runeLen(text, start)
	}
	return last, -1
}

// back goes back from at over at most run runes of a set, not before from.
func back(text []byte, from, at int, set []rune, run int) int {
	for ; run > 0 && at > from; run-- {
		r, n := rune(text[at-1]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeLastRune(text[from:at])
		}
		if !inSet(set, r) {
			break
		}
		at -= n
	}
	return at
}

// runeStart is the beginning of the rune at or before at, not before from.
func runeStart(text []byte, from, at int) int {
	if at <= from || at >= len(text) {
		return max(at, from)
	}
	for i := at; i >= from && i > at-utf8.UTFMax; i-- {
		if utf8.RuneStart(text[i]) {
			if i+runeLen(text, i) > at {
				return i
			}
			break
		}
	}
	return at
}

func runeLen(text []byte, at int) int {
	if at >= len(text) || text[at] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRune(text[at:])
	return n
}

// sweep finds the matches of a rule that has no word to start from.
func (m *machine) sweep(frag *fragment, r *rule) {
	m.newPass(frag)
	g := m.groupsAt(r)
	text := frag.text
	for from := 0; from < len(text); {
		spent := m.steps
		end, _ := g.dfa.run(text, from, len(text), false)
		m.steps = spent // one pass over the text is not what the budget is for
		if m.thrash {
			m.overAt(frag, from+1)
			from = m.resume
			continue
		}
		if end < 0 {
			return
		}
		start, stop := first(g, text, runeStart(text, from, end-r.widest), end)
		switch {
		case m.overAt(frag, max(end, 1)):
			from = m.resume
		case stop > start:
			m.consider(frag, m.locate(r, frag, start, stop))
			from = stop
		default: // an empty match is no secret
			from = max(end, start) + runeLen(text, max(end, start))
		}
	}
}

// consider keeps a finding, if it counts.
func (m *machine) consider(frag *fragment, f finding) {
	if m.counts(&f, frag) {
		m.found = append(m.found, f)
	}
}

var allowComment = []byte("gitleaks:allow")

// counts says whether a finding passes the rule's entropy and all allowlists.
func (m *machine) counts(f *finding, frag *fragment) bool {
	if secret := f.secretIn(frag); m.innocentSecret(f.rule, secret) {
		return false
	}
	if m.options.HonorAllowComments {
		m.lined = true
		line := frag.line(f)
		if bytes.Contains(frag.text[line.start:line.end], allowComment) {
			return false
		}
	}
	return !m.allowed(f, frag)
}
