package pattern

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// triesAlike says whether the same rules match, or none, from the word of a try on,
// whichever digits stand behind it. A look decides nothing: what it lets pass in vain
// is found not to match.
func (m *machine) triesAlike(r *rest) bool {
	k := &m.known[r.target.group]
	if k.way != byShape || r.tail {
		return m.engine.groups[r.target.group].program().digitsAlike()
	}
	return !slices.ContainsFunc(k.shaped, func(s shapedRule) bool {
		return !s.shape.digits || s.shape.read(m.lesson.text, r.low+1, r.end).verdict == unclear
	})
}

// judgesAlike says whether a match is none, or does not count, whichever digits stand
// there; of one that a shape reads, in its value.
func (m *machine) judgesAlike(r *rest) bool {
	if r.innocent && !r.rule.shape().digits || !r.innocent && !m.groupsAt(r.rule).dfa.digitsAlike() {
		return false
	}
	return !r.matched || m.innocentAnyway(r.rule, m.lesson.text[r.secret.start:r.secret.end])
}

// innocentAnyway says whether a rule takes a secret for none, and would whatever its
// digits are.
func (m *machine) innocentAnyway(r *rule, secret []byte) bool {
	if r.Entropy != 0 {
		if most, ok := manifold(secret); ok && !m.entropyAbove(most, r.Entropy-2*alike) {
			return true
		}
	}
	j := r.judge()
	return slices.ContainsFunc(bytes.FieldsFunc(secret, isDigit), j.words.in) || slices.ContainsFunc(j.secret, func(e either) bool {
		return m.eitherAt(&e).matchesEach(secret, e.atStart)
	})
}

// manifold is a value of ASCII whose digits are all replaced by characters that it has
// not, each once: no digits have more entropy. It is not ok if there are not so many.
func manifold(value []byte) (most []byte, ok bool) {
	most = slices.Clone(value)
	other := byte(0)
	for i, c := range most {
		if !isDigit(rune(c)) {
			continue
		}
		for slices.Contains(most, other) {
			other++
		}
		if other >= utf8.RuneSelf {
			return nil, false // more would be no characters, or there are no more
		}
		most[i] = other
	}
	return most, true
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// matchesEach says whether the program matches a text of ASCII, and would whatever its
// digits are.
func (d *dfa) matchesEach(text []byte, anchored bool) bool {
	p, epoch := &d.m.lesson.prover, d.epoch
	p.now = append(p.now[:0], d.startState(nil, 0, anchored))
	for _, c := range text {
		p.next = p.next[:0]
		for _, class := range d.classesFor(c, classOf[c]&freeDigit) {
			for _, s := range p.now {
				switch t := d.take(s, int(class)); {
				case t&matchedHere != 0: // whatever follows
				case t&dead != 0 || len(p.next) > mostReached:
					return false
				case !slices.Contains(p.next, t):
					p.next = append(p.next, t)
				}
			}
		}
		if p.spend(len(p.now), len(p.next)); p.left < 0 {
			return false
		}
		p.now, p.next = p.next, p.now
	}
	missed := slices.ContainsFunc(p.now, func(s uint32) bool { return d.take(s, d.stride-1)&matchedHere == 0 })
	return !missed && d.epoch == epoch && !d.m.thrash
}

// digitsAlike says whether the program makes no difference between digits.
func (p *program) digitsAlike() bool { return forDigits(func(c byte) uint8 { return p.ascii[c] }) }

// digitsAlike says whether s reads the same, whichever digits stand where one is, but
// right behind a per cent sign.
func (s *shape) digitsAlike() bool {
	sets := []*[256]bool{s.value.set}
	for _, run := range slices.Concat(s.gap, s.quotes) {
		sets = append(sets, run.set)
	}
	for _, next := range [][256]*[256]bool{s.longer, s.opener} {
		if !forDigits(func(c byte) *[256]bool { return next[c] }) {
			return false
		}
		for c, set := range next {
			if set != nil && c != '%' {
				sets = append(sets, set)
			}
		}
	}
	for _, set := range sets {
		if set != nil && !forDigits(func(c byte) bool { return set[c] }) {
			return false
		}
	}
	return forDigits(func(c byte) uint8 { return s.kind[c] }) && forDigits(func(c byte) bool { return s.before[c] })
}

// forDigits says whether f is the same of all digits.
func forDigits[T comparable](f func(c byte) T) bool {
	for c := byte('1'); c <= '9'; c++ {
		if f(c) != f('0') {
			return false
		}
	}
	return true
}
