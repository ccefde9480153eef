package pattern

import (
	"math/bits"
	"slices"
)

// passed is a place from which on a branch of a rule matches.
type passed struct{ rule, at int }

// machine is what one goroutine needs to search: caches that grow to a bound,
// and scratch. It holds no bytes of a fragment once search has returned.
type machine struct {
	*Detector
	tails, lists     []*dfa    // by group, allowlist
	secrets, matched []*dfa    // by rule: what allows a secret, or a match
	groups           []*groups // by rule
	memory, epoch    int       // bytes in dfas, and how often they were forgotten
	key              []byte

	walker walker
	tried  []int // by group: the last place tried, plus one
	gaps   []run // by group: what its look found last
	passed []passed
	open   []bool // by rule: a keyword of a swept rule is there
	folds  bool   // a letter is there that folds to ASCII
	low    []byte // the fragment in lower case, if it was needed
	gates  []int8 // by rule: a keyword is there, 1, or not, -1
	found  []finding
	lines  []lineAnswer // by allowlist
	pathState
	budget
}

func newMachine(d *Detector) *machine {
	return &machine{
		Detector: d,
		tails:    make([]*dfa, len(d.engine.groups)),
		lists:    make([]*dfa, d.allowlists),
		lines:    make([]lineAnswer, d.allowlists),
		secrets:  make([]*dfa, len(d.rules)),
		matched:  make([]*dfa, len(d.rules)),
		groups:   make([]*groups, len(d.rules)),
		tried:    make([]int, len(d.engine.groups)),
		gaps:     make([]run, len(d.engine.groups)),
		open:     make([]bool, len(d.rules)),
		gates:    make([]int8, len(d.rules)),
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

// candidates fills m.passed with the places where the rest of some branch
// matches, in the order of the text.
func (m *machine) candidates(frag *fragment) {
	const block = lanes * laneBytes
	m.walker.state = 0
	for at := 0; at < len(frag.text); at += block {
		m.engine.words.walk(&m.walker, frag.text, at, min(at+block, len(frag.text)))
		for i := range m.walker.hits {
			m.try(frag, m.walker.hits[i])
		}
	}
	if m.folds {
		m.tryFolded(frag)
	}
}

func (m *machine) try(frag *fragment, hits []hit) {
	for _, h := range hits {
		if m.overAt(frag, h.end) {
			continue
		}
		for _, word := range m.engine.words.ends[h.state] {
			for i := range m.engine.targets[word] {
				m.tryTarget(frag, &m.engine.targets[word][i], h.end)
			}
		}
	}
}

func (m *machine) tryTarget(frag *fragment, t *target, end int) {
	switch {
	case t.group >= 0:
		g, at := m.engine.groups[t.group], end-t.back
		if g.beside.has(frag.text, at) && (g.look == nil || g.look.passes(frag.text, at, &m.gaps[t.group])) {
			m.tryGroup(frag, t.group, at)
		}
	case t.folds:
		m.folds = true
	default:
		for _, r := range t.keyword {
			m.open[r] = true
		}
	}
}

// tryGroup notes the place for each branch of a group that matches from there
// on.
func (m *machine) tryGroup(frag *fragment, n, at int) {
	if m.tried[n] == at+1 {
		return
	}
	m.tried[n] = at + 1
	g := m.engine.groups[n]
	d := m.dfaAt(&m.tails[n], g.program, true)
	_, mask := d.run(frag.text, at, min(at+maxSpan, len(frag.text)), true)
	for ; mask != 0; mask &= mask - 1 {
		if r := g.branches[bits.TrailingZeros64(mask)].rule.index; !m.off[r] {
			m.passed = append(m.passed, passed{r, at})
		}
	}
	if m.thrash {
		m.overAt(frag, at+1)
	}
}

// reset makes m ready for a fragment.
func (m *machine) reset() {
	clear(m.tried)
	clear(m.gaps)
	clear(m.open)
	clear(m.gates)
	m.passed, m.found = m.passed[:0], m.found[:0]
	m.folds, m.low = false, nil
	clear(m.lines)
	m.budget.reset()
}

// sortPassed puts the places of each rule together, ascending.
func (m *machine) sortPassed() {
	slices.SortFunc(m.passed, func(a, b passed) int {
		if a.rule != b.rule {
			return a.rule - b.rule
		}
		return a.at - b.at
	})
	m.passed = slices.Compact(m.passed)
}
