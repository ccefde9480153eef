package pattern

import (
	"math"
	"slices"
	"unicode/utf8"
)

// lesson is how a machine learns from a line: it searches the line alone, and notes what
// bytes all that it finds out rests on. What it rests on is bound then, unless the
// other bytes that may stand there are proven to lead to the same.
type lesson struct {
	learning  bool
	text      []byte // a line feed, the line, and behindLesson
	rests     []rest
	tail      bool // the try in hand has asked the automaton of its group
	elsewhere bool // what was found out has to do with other lines
	prover    prover
}

// mostOpen bounds the words of a template that are tried each time.
const mostOpen = 16

// behindLesson follows a line that is learned from, so that it is not the last.
const behindLesson = "xxxxxxxx"

// rest is bytes of a lesson that what was found out rests on: from low up to far, of which
// those from id on are an id and the byte behind it. far: there is none.
type rest struct {
	low, far, id int

	target *target // of a try, whose word ends at end; nil: of a match
	end    int
	tail   bool // of a try: the automaton of its group was asked

	rule     *rule // of a match
	matched  bool
	secret   span
	innocent bool // as a shape reads it
}

// tried notes a try whose word ends at end; it looked at no byte from far on.
func (l *lesson) tried(of *target, end, far int, id passedID) {
	r := rest{low: end - of.back - 1, far: far, id: far, target: of, end: end, tail: l.tail}
	if id.form != 0 {
		_, n := setOf(int(id.form))
		r.id = far - 1 - n
	}
	if of.group < 0 {
		r.low, r.far, r.id = end, math.MaxInt, math.MaxInt // what it means is meant anew each time
	}
	l.rests = append(l.rests, r)
	l.tail = false
}

// judged notes a match f of r, or, if it ends at its start or before, that there is none.
// elsewhere: what was before it, or its line, had a part in that.
func (l *lesson) judged(r *rule, f *finding, end, low, far int, elsewhere bool) {
	if !r.feeds {
		low = max(low, 0) // none begins before the line
	}
	l.rests = append(l.rests, rest{low: low, far: far, id: far, rule: r, matched: end > f.at, secret: f.secret})
	l.elsewhere = l.elsewhere || elsewhere
}

// innocent notes a place whose value, as a shape reads it, does not count. Whether a match
// that holds it began before the line has to be known all the same: what stands there
// would be no match of its own then.
func (l *lesson) innocent(r *rule, p *place, read reading) {
	low, far := int(p.at)-1, int(read.far)
	if r.feeds {
		low = int(p.at) - r.head - 2*utf8.UTFMax
	}
	l.rests = append(l.rests, rest{low: low, far: far, id: far, rule: r, matched: true, secret: read.value(), innocent: true})
}

// learn makes a template of a line with its line feed, or of several; nil: something is
// found there, or what becomes of it depends on more, or on ids.
func (m *machine) learn(line []byte) *template {
	m.credit -= len(line) + lessonCost
	if slices.ContainsFunc(line, func(c byte) bool { return c >= utf8.RuneSelf }) {
		return nil
	}
	l := &m.lesson
	l.text = append(append(append(l.text[:0], '\n'), line...), behindLesson...)
	l.rests, l.elsewhere, l.tail, l.learning = l.rests[:0], false, false, true
	fresh, passed := m.fresh, m.passed
	m.fresh, m.passed = []span{{0, len(l.text)}}, nil
	m.collect(&fragment{text: l.text})
	l.learning = false
	steps := proofSteps * (len(line) + lessonCost)
	l.prover.left = steps
	t := m.newTemplate(line)
	m.credit -= (steps - l.prover.left) / proofSteps
	m.fresh, m.passed, m.crossed = fresh, passed, false
	m.reset()
	clear(l.text)
	return t
}

// newTemplate makes a template of what was just searched.
func (m *machine) newTemplate(line []byte) *template {
	l, found := &m.lesson, len(m.found) > 0 || len(m.withheld) > 0 || m.folds || m.thrash
	if found || l.elsewhere || m.steps > stepsPerByte*len(line) {
		return nil
	}
	size := (len(line) + blockBytes - 1) &^ (blockBytes - 1)
	both := make([]byte, 2*size)
	t := &template{n: len(line), text: both[:size:size], free: both[size:], rules: slices.Clone(m.ruled)}
	copy(t.text, line)
	setFree(t.free, line)
	for i := range l.rests {
		switch r := &l.rests[i]; {
		case r.target != nil && r.end > 1+len(line): // its word is of behindLesson
		case r.low >= 0 && r.far <= 1+len(line):
			if !m.hold(t, r) {
				return nil
			}
		case r.target == nil || len(t.open) == mostOpen || m.leads(r.end):
			return nil
		default:
			t.leaveOpen(r.end-1, m.closing(t, r))
			if r.far > len(l.text) {
				t.blocks.Store(mostBlocks) // it has to do with more than a few lines
			}
		}
	}
	if !m.part(t) || l.prover.left < 0 {
		return nil
	}
	for i, classes := range t.free {
		if classes != 0 {
			t.text[i] = '0' // which is of all that is free
		}
	}
	return t
}

// leads says whether a word that ends at end led to a place.
func (m *machine) leads(end int) bool {
	return slices.ContainsFunc(m.ruled, func(r int) bool {
		return slices.ContainsFunc(m.places[r], func(p place) bool { return int(p.hit) == end })
	})
}

// closing are first bytes of what follows with which a look ends a try, whatever else
// stands there.
func (m *machine) closing(t *template, r *rest) (next byteSet) {
	if r.target.group < 0 || anyFree(t.free[max(r.low-1, 0):t.n]) {
		return next
	}
	text, look, at, behind := m.lesson.text, r.target.look, r.low+1, 1+t.n
	if look == nil || !r.target.beside.has(text, at) {
		return next
	}
	was := text[behind]
	for c := range byte(utf8.RuneSelf) {
		text[behind] = c
		if ok, far := look.passes(text, at, &run{}); !ok && far <= behind {
			next.add(c)
		}
	}
	text[behind] = was
	return next
}

// hold binds what a rest is of, but for what is proven to make no difference. It says
// whether all ids are still free.
func (m *machine) hold(t *template, r *rest) bool {
	low, far := max(r.low-1, 0), min(r.far, r.id)-1 // of the line: in the lesson a line feed stands before
	if far <= low || !anyFree(t.free[low:far]) {
		return true
	}
	if r.target != nil {
		if t.free[low] != 0 && !t.bind(low) { // beside the word
			return false
		}
		digits := m.triesAlike(r)
		if digits && onlyDigits(t.free[low:far]) || r.id == r.far && m.failsAt(t, r.target, r.low+1, nil) {
			return true
		}
		return t.bindAll(low, far, func(int) bool { return digits })
	}
	digits := m.judgesAlike(r)
	return t.bindAll(low, far, func(i int) bool {
		return digits && (!r.innocent || i+1 >= r.secret.start && i+1 < r.secret.end)
	})
}

// bindAll binds what is free from low up to far, but for digits where they may be others.
func (t *template) bindAll(low, far int, digits func(i int) bool) bool {
	for i := low; i < far; i++ {
		if t.free[i] != 0 && !(t.free[i] == freeDigit && digits(i)) && !t.bind(i) {
			return false
		}
	}
	return true
}

// bind takes the run of free bytes around i from what is free; not if it is of an id,
// since a line with that does not come again.
func (t *template) bind(i int) bool {
	classes := t.free[i]
	if classes != freeDigit {
		return false
	}
	from, to := i, i
	for from > 0 && t.free[from-1] == classes {
		from--
	}
	for to < len(t.free) && t.free[to] == classes {
		to++
	}
	clear(t.free[from:to])
	return true
}

func anyFree(free []byte) bool {
	return slices.ContainsFunc(free, func(classes byte) bool { return classes != 0 })
}

func onlyDigits(free []byte) bool {
	return !slices.ContainsFunc(free, func(classes byte) bool { return classes&^freeDigit != 0 })
}
