package pattern

import "slices"

// prover proves that free bytes make no difference. It goes through automata in all states
// that what may stand there can lead to.
type prover struct {
	reach      map[uint32][]uint32 // by a state of the automaton of words and classes behind it
	hex        []hexWord           // of which something may come
	left       int                 // steps that the lesson in hand may take; below zero nothing is proven
	asked      bool                // what hex is
	now, next  []uint32            // scratch of failsAt and matchesEach
	states, to []uint32            // of over
}

func newProver() prover { return prover{reach: make(map[uint32][]uint32)} }

const (
	// mostReached bounds the states of the automaton of words that free bytes can lead to,
	// mostFailing those in which a try is followed; more are not.
	mostReached, mostFailing = 64, 256
	// proofSteps bounds the steps of a lesson for each of its bytes. Ordinary lines take one.
	proofSteps = 32
	// mostWalked bounds the bytes that are walked in one piece.
	mostWalked = 128
)

// freeCharacters are all that can be free.
var freeCharacters = []byte(wordCharacters + "-")

// part sees to it that no word ends in what is free, or because of it: it is proven, or
// will be walked. It says whether it could.
func (m *machine) part(t *template) bool {
	for i := range t.n {
		if t.free[i] == freeHex && (i == 0 || t.free[i-1] != freeHex) && !m.harmless(t, i) {
			return false
		}
	}
	words, state := m.engine.words, uint32(0)
	for i := 0; i < t.n; {
		if t.free[i] == 0 {
			state = words.step(state, t.text[i])
			i++
			continue
		}
		next, s := m.over(t, i, state)
		if next == 0 {
			if next, s = m.walkOver(t, i, state); next > 0 {
				t.walks = append(t.walks, walk{span{i, next - 1}, state})
			}
		}
		switch {
		case next > 0:
			i, state = next, s
		case !t.bind(i):
			return false
		}
	}
	return true
}

// over goes from a state over free bytes at i, and what follows, to where all that can
// stand there has led to one state again, without a word's end of which something can come
// on the way. next is 0 if there is no such place.
func (m *machine) over(t *template, i int, state uint32) (next int, one uint32) {
	p, words := &m.lesson.prover, m.engine.words
	states, to := append(p.states[:0], state), p.to
	defer func() { p.states, p.to = states, to }()
	for ; i < t.n; i++ {
		to = to[:0]
		if classes := t.free[i]; classes != 0 {
			for _, s := range states {
				all := m.reached(s, classes)
				if len(all) == 0 {
					return 0, 0
				}
				to = with(to, all...)
			}
			for i+1 < t.n && t.free[i+1] == classes {
				i++
			}
		} else {
			for _, s := range states {
				if s = words.step(s, t.text[i]); s >= words.hitState && !m.harmlessEnd(t, i+1, s) {
					return 0, 0
				}
				to = with(to, s)
			}
			if len(to) == 1 && to[0] < words.hitState {
				return i + 1, to[0]
			}
		}
		if p.spend(len(states), len(to)); len(to) > mostReached || p.left < 0 {
			return 0, 0
		}
		states, to = to, states
	}
	return 0, 0
}

// with is a set of states with some more.
func with(set []uint32, more ...uint32) []uint32 {
	for _, s := range more {
		if !slices.Contains(set, s) {
			set = append(set, s)
		}
	}
	return set
}

// reached are the states that any number of bytes of some classes, but none, lead to from
// one; none, if a word ends on the way, or there are too many. Words of hex digits may
// end among those, if they began there: harmless is asked about them.
func (m *machine) reached(state uint32, classes uint8) []uint32 {
	p, words := &m.lesson.prover, m.engine.words
	key := state<<8 | uint32(classes)
	if all, ok := p.reach[key]; ok {
		return all
	}
	var all []uint32
	level := []uint32{state} // after n bytes
	for n := 1; len(level) > 0; n++ {
		var next []uint32
		for _, s := range level {
			for _, c := range freeCharacters {
				to := words.step(s, c)
				if classOf[c]&classes == 0 || slices.Contains(next, to) {
					continue
				}
				if len(next) == mostReached || to >= words.hitState && (classes != freeHex || m.endsOther(to, n)) {
					p.reach[key] = nil
					return nil
				}
				next = append(next, to)
			}
		}
		level = level[:0]
		for _, s := range next {
			if !slices.Contains(all, s) {
				all, level = append(all, s), append(level, s)
			}
		}
		if len(all) > mostReached {
			p.reach[key] = nil
			return nil
		}
	}
	p.reach[key] = all
	return all
}

// endsOther says whether a word ends in a state that is not of hex digits alone, or has
// more than n of them.
func (m *machine) endsOther(state uint32, n int) bool {
	words := m.engine.words
	return slices.ContainsFunc(words.ends[state-words.hitState], func(word int) bool {
		text := []byte(m.engine.texts[word])
		return len(text) > n || !isDigest(text)
	})
}

// walkOver goes from a state over free bytes at i, and what follows, to a byte that no word
// has behind what can stand before it, if no word ends on the way. next is behind that
// byte, 0 if there is none.
func (m *machine) walkOver(t *template, i int, state uint32) (next int, one uint32) {
	words, line := m.engine.words, m.lesson.text[1:]
	for end := i + 1; end < min(t.n, i+mostWalked); end++ {
		if state = words.step(state, line[end-1]); state >= words.hitState {
			return 0, 0
		}
		joins := func(c byte) bool { return words.joins(c, line[end]) }
		if t.free[end] == 0 && !joins(line[end-1]) && !anyOf(t.free[end-1], joins) {
			return end + 1, words.step(0, line[end])
		}
	}
	return 0, 0
}

// anyOf says whether f holds of a byte of some classes.
func anyOf(classes uint8, f func(c byte) bool) bool {
	return classes != 0 && slices.ContainsFunc(freeCharacters, func(c byte) bool { return classOf[c]&classes != 0 && f(c) })
}

// hexWord is a target of a word of hex digits.
type hexWord struct {
	*target
	word []byte
}

// hexWords are those of which something may come in lower case.
func (m *machine) hexWords() []hexWord {
	p := &m.lesson.prover
	if p.asked {
		return p.hex
	}
	p.asked = true
	for n, text := range m.engine.texts {
		if !isDigest([]byte(text)) {
			continue
		}
		for i := range m.engine.targets[n] {
			of := &m.engine.targets[n][i]
			if of.group < 0 || !m.diesIn(of, []byte(text)) {
				p.hex = append(p.hex, hexWord{of, []byte(text)})
			}
		}
	}
	return p.hex
}

// diesIn says whether no match of a target's group begins with a word as it is spelt,
// whatever stands before it.
func (m *machine) diesIn(of *target, word []byte) bool {
	d := m.groupDFA(of)
	for _, before := range []string{"\n", " ", "a"} {
		s, epoch := d.startState([]byte(before), len(before), true), d.epoch
		for _, c := range word {
			if s = d.take(s, int(d.ascii[c])); s&(dead|matchedHere) != 0 {
				break
			}
		}
		if s != dead || d.epoch != epoch || m.thrash {
			return false
		}
	}
	return true
}

// harmless says whether nothing can come of the words that free hex digits from start on
// may be.
func (m *machine) harmless(t *template, start int) bool {
	end := start
	for end < t.n && t.free[end] == freeHex {
		end++
	}
	for _, w := range m.hexWords() {
		if w.group < 0 {
			return false
		}
		has := w.beside.bytes.has
		for at := start; at+len(w.word) <= end; at++ {
			if at == start+1 && !anyOf(freeHex, has) {
				break
			}
			if m.comesOf(t, w.target, at, w.word) {
				return false
			}
		}
	}
	return true
}

// harmlessEnd says whether nothing can come of the words that end at end in a state.
func (m *machine) harmlessEnd(t *template, end int, state uint32) bool {
	for _, n := range m.engine.words.ends[state-m.engine.words.hitState] {
		word := []byte(m.engine.texts[n])
		at := end - len(word)
		if at < 0 {
			continue // no word reaches over a line feed: so many free bytes are not there
		}
		for i := range m.engine.targets[n] {
			if m.comesOf(t, &m.engine.targets[n][i], at, word) {
				return false
			}
		}
	}
	return true
}

// comesOf says whether something may come of a target's word at a place of the line.
func (m *machine) comesOf(t *template, of *target, at int, word []byte) bool {
	return of.group < 0 || m.besideAny(of, t, at) && !m.failsAt(t, of, at+1, word)
}

// besideAny says whether what can be before a place of the line may stand beside a target.
func (m *machine) besideAny(of *target, t *template, at int) bool {
	has := of.beside.bytes.has
	switch {
	case at == 0:
		return has('\n')
	case t.free[at-1] == 0:
		return has(t.text[at-1])
	}
	return anyOf(t.free[at-1], has)
}

func (m *machine) groupDFA(of *target) *dfa {
	return m.dfaAt(&m.known[of.group].tail, m.engine.groups[of.group].program, true)
}

// failsAt says whether no match of a target's group has its word at at of the lesson,
// whatever the free bytes are, but for those that word has.
func (m *machine) failsAt(t *template, of *target, at int, word []byte) bool {
	p, d := &m.lesson.prover, m.groupDFA(of)
	epoch := d.epoch
	p.now = append(p.now[:0], d.startState(m.lesson.text, at, true))
	for i := at; i <= t.n; i++ { // up to the line feed
		free, c := t.free[i-1], m.lesson.text[i]
		if i-at < len(word) && free != 0 {
			free, c = 0, word[i-at]
		}
		var matched, other bool
		p.next, matched = d.follows(p.next[:0], p.now, c, free)
		if upper := c - 'a' + 'A'; free == 0 && classOf[upper]&t.free[i-1]&freeUpper != 0 { // as the word may be spelt
			p.next, other = d.follows(p.next, p.now, upper, 0)
		}
		if matched || other || len(p.next) > mostFailing || p.left < 0 || d.epoch != epoch || m.thrash {
			return false
		}
		if p.now, p.next = p.next, p.now; len(p.now) == 0 {
			return true
		}
	}
	return false
}

// follows appends to dst the states that some lead to by c, or by each byte of the classes
// that are free, but for dead ones. matched: a match ended before, in one.
func (d *dfa) follows(dst, states []uint32, c byte, free uint8) (next []uint32, matched bool) {
	classes := d.classesFor(c, free)
	for _, class := range classes {
		for _, s := range states {
			switch to := d.take(s, int(class)); {
			case to&matchedHere != 0:
				matched = true
			case to&dead == 0 && !slices.Contains(dst, to):
				dst = append(dst, to)
			}
		}
	}
	d.m.lesson.prover.spend(len(classes)*len(states), len(dst))
	return dst, matched
}

// spend counts steps that each were looked for among some.
func (p *prover) spend(steps, among int) { p.left -= steps * (1 + among/16) }

// classesFor are the classes of c, or of the bytes of the classes that are free.
func (d *dfa) classesFor(c byte, free uint8) []uint8 {
	if free == 0 {
		return d.ascii[c : c+1]
	}
	if d.free[free] == nil {
		if d.free == nil {
			d.free = make(map[uint8][]uint8)
		}
		anyOf(free, func(c byte) bool {
			if class := d.ascii[c]; !slices.Contains(d.free[free], class) {
				d.free[free] = append(d.free[free], class)
			}
			return false
		})
	}
	return d.free[free]
}
