package pattern

import (
	"math/bits"
	"slices"
	"unicode/utf8"
)

// place is where a branch of a rule matches from a word on.
type place struct {
	at, hit  int32   // hit: where the word ended that led here
	number   int32   // of the place in a text that others repeat, from 1
	of       int32   // number of the place that this one repeats; 0: none
	stretch  int32   // number of the stretch that it lies in then
	read     reading // what the shape of the rule says; verdict unclear: it was not asked
	innocent bool    // the value that was read is known not to count
}

// machine is what one goroutine needs to search: caches that grow to a bound,
// and scratch. It holds no bytes of a fragment once search has returned.
type machine struct {
	*Detector
	lists         []*dfa    // by allowlist
	eithers       []*dfa    // by number in the pool, as far as they were asked for
	groups        []*groups // by rule
	heads         []*dfa    // by branch
	memory, epoch int       // bytes in dfas, and how often they were forgotten
	key           []byte

	memo   memo
	ids    []*forms // by rule, as takes found them
	proven []*forms // by number of an either

	walker  walker
	repeats repeats
	same    []stretch // those of the fragment that need not be searched
	past    past      // what the search of the text left for what repeats it
	id      passedID  // that the last try ended at
	known   []known   // by group
	met     []int     // groups that known has something of for the fragment
	places  [][]place // by rule, in about the order of the text
	ruled   []int     // the rules that have places
	open    []bool    // by rule: a keyword of a swept rule is there
	folds   bool      // a letter is there that folds to ASCII
	// What the last match and its verdict rested on: no byte before low or from far
	// on, and whether the line it stands in.
	low, far int
	lined    bool
	lower    []byte // the fragment in lower case, if it was needed
	gates    []int8 // by rule: a keyword is there, 1, or not, -1
	found    []finding
	lines    []lineAnswer // by allowlist

	opened, asked bool // open, or gates and lines, have something in them
	passing
	pathState
	budget
}

func newMachine(d *Detector) *machine {
	return &machine{
		Detector: d,
		lists:    make([]*dfa, d.allowlists),
		lines:    make([]lineAnswer, d.allowlists),
		groups:   make([]*groups, len(d.rules)),
		heads:    make([]*dfa, len(d.engine.branches)),
		known:    make([]known, len(d.engine.groups)),
		memo:     newMemo(),
		ids:      make([]*forms, len(d.rules)),
		open:     make([]bool, len(d.rules)),
		places:   make([][]place, len(d.rules)),
		gates:    make([]int8, len(d.rules)),
		passing:  newPassing(),
	}
}

// maxMemory bounds the caches of one machine, bytes. All rules together use
// less than a quarter of it on real logs.
const maxMemory = 16 << 20

// forget voids all caches.
func (m *machine) forget() {
	m.epoch++
	m.memory = 0
}

// dfaAt returns the dfa of a slot, made when first needed.
func (m *machine) dfaAt(slot **dfa, program func() *program, which bool) *dfa {
	if *slot == nil {
		*slot = newDFA(m, program(), which)
	}
	return *slot
}

// candidates fills m.places with where the rest of some branch matches.
func (m *machine) candidates(frag *fragment) {
	m.stretches(frag)
	m.walk(frag)
	if m.folds {
		m.tryFolded(frag)
	}
}

// try tries all words that end at end.
func (m *machine) try(frag *fragment, state uint32, end int) {
	list := m.engine.ends[state]
	for i := range list {
		m.tryWithin(frag, &list[i], end)
	}
}

// tryWithin is tryTarget as far as the budget goes.
func (m *machine) tryWithin(frag *fragment, t *target, end int) {
	if cheap := m.steps <= baseSteps && end > m.resume && !m.thrash; cheap || !m.overAt(frag, end) {
		m.tryTarget(frag, t, end)
	}
}

func (m *machine) tryTarget(frag *fragment, t *target, end int) {
	first, far := len(m.past.noted), end
	m.id = passedID{}
	switch {
	case t.group >= 0:
		far = m.tryBranches(frag, t, end)
	case t.folds:
		m.folds = true
	default:
		for _, r := range t.keyword {
			m.open[r], m.opened = true, true
		}
	}
	if m.lesson.learning {
		m.lesson.tried(t, end, far, m.id)
	}
	if frag.keep && (far > end+near || len(m.past.noted) > first || t.group < 0) {
		m.past.add(t, end, far, first, m.id)
	}
}

// tryBranches tries the group of a target: by what stands beside the word, by a
// look behind it, and then by shapes or by the automaton. It looked at no byte from
// far on.
func (m *machine) tryBranches(frag *fragment, t *target, end int) (far int) {
	at := end - t.back
	if !t.beside.has(frag.text, at) {
		return end
	}
	k, stop := &m.known[t.group], 0
	if t.look != nil {
		passes, i := t.look.passes(frag.text, at, &m.meet(t.group).gap)
		if !passes {
			return i + 1
		}
		stop = i
	}
	switch k.how(m, t) {
	case byShape:
		if far = m.idBehind(frag, t, k, stop); far == 0 {
			far = m.readGroup(frag, t, k, at, end)
		}
	case byTail:
		far = m.tryGroup(frag, t, at, end)
	default:
		far = end
		if r := m.engine.groups[t.group].branches[0].rule.index; !m.off[r] {
			m.note(frag, r, place{at: int32(at), hit: int32(end)})
		}
	}
	return far
}

// tryGroup notes the place for each branch of a group that matches from there
// on; end is where the word ends. It looked at no byte from far on.
func (m *machine) tryGroup(frag *fragment, t *target, at, end int) (far int) {
	k := &m.known[t.group]
	if m.meet(t.group); k.tried == at+1 {
		return end
	}
	k.tried = at + 1
	m.lesson.tail = true
	steps, limit := m.steps, min(at+maxSpan, len(frag.text))
	if k.ahead != nil {
		if may, far := k.ahead.possible(frag.text, at, limit); !may && !m.thrash {
			m.steps += far - at
			return far
		}
	}
	g := m.engine.groups[t.group]
	_, mask := m.dfaAt(&k.tail, g.program, true).run(frag.text, at, limit, true)
	last := at + m.steps - steps
	if far = last + utf8.UTFMax; mask == 0 && last > at && last < limit && frag.text[last-1] < utf8.RuneSelf {
		far = max(last, end) // the byte before ended it
	}
	for ; mask != 0; mask &= mask - 1 {
		if r := g.branches[bits.TrailingZeros64(mask)].rule.index; !m.off[r] {
			m.note(frag, r, place{at: int32(at), hit: int32(end)})
		}
	}
	if m.thrash {
		m.overAt(frag, at+1)
	}
	return far
}

// readGroup is tryGroup where all rules of the group have a shape, which tells the
// same and more. The word ends at end.
func (m *machine) readGroup(frag *fragment, t *target, k *known, at, end int) (far int) {
	for i := range k.shaped {
		r := &k.shaped[i]
		if m.off[r.index] {
			continue
		}
		read := r.shape.read(frag.text, at, end)
		if read.verdict == unclear {
			return max(far, m.tryGroup(frag, t, at, end)) // what was noted already is noted once
		}
		m.steps += max(int(read.far)-end, 0)
		far = max(far, int(read.far))
		if read.verdict == isMatch {
			innocent := m.innocentSecret(r.rule, read.secretIn(frag))
			m.note(frag, r.index, place{at: int32(at), hit: int32(end), read: read, innocent: innocent})
		}
	}
	return far
}

func (m *machine) note(frag *fragment, rule int, p place) {
	if len(m.places[rule]) == 0 {
		m.ruled = append(m.ruled, rule)
	}
	if frag.keep {
		p.number = m.past.note(p, rule)
	}
	m.places[rule] = append(m.places[rule], p)
}

// reset makes m ready for a fragment.
func (m *machine) reset() {
	for _, g := range m.met {
		m.known[g].seen = seen{}
	}
	m.met = m.met[:0]
	if m.opened {
		clear(m.open)
	}
	if m.asked {
		clear(m.gates)
		clear(m.lines)
	}
	m.opened, m.asked = false, false
	for _, r := range m.ruled {
		m.places[r] = m.places[r][:0]
	}
	m.ruled, m.found = m.ruled[:0], m.found[:0]
	m.folds, m.lower = false, nil
	m.budget.reset()
}

// sortPlaces puts the places of each rule in order, and the rules. Of two at one
// byte it keeps one.
func (m *machine) sortPlaces() {
	slices.Sort(m.ruled)
	for _, r := range m.ruled {
		list := m.places[r]
		if inOrder(list) {
			continue // as nearly all are
		}
		slices.SortStableFunc(list, func(a, b place) int { return int(a.at) - int(b.at) })
		m.places[r] = slices.CompactFunc(list, func(a, b place) bool { return a.at == b.at })
	}
}

// inOrder says whether each place is behind the one before.
func inOrder(list []place) bool {
	for i := 1; i < len(list); i++ {
		if list[i].at <= list[i-1].at {
			return false
		}
	}
	return true
}
