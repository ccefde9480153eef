package pattern

import "bytes"

// locate makes a finding of the match of r at [start,end) that was found last:
// it finds the secret in it. gitleaks matches again on the match alone, without
// what stands around it, and so do we.
func (m *machine) locate(r *rule, frag *fragment, start, end int) finding {
	f := newFinding(r, frag, start, end)
	ends := m.groupsOf(r, frag.text, start, f.match)
	if g := secretGroup(ends, r.SecretGroup); g.start >= 0 {
		f.secret = span{f.match.start + g.start, f.match.start + g.end}
	}
	return f
}

// newFinding is a match that is all secret.
func newFinding(r *rule, frag *fragment, start, end int) finding {
	f := finding{rule: r, at: start, match: trimmed(frag.text, span{start, end})}
	f.end = start + f.match.end - f.match.start
	f.secret = f.match
	return f
}

func (f finding) with(secret span) finding {
	f.secret = secret
	return f
}

// groupsOf is where the groups of r lie in a match, as regexp has it; nil if
// there are none. It is valid until the next call. start is where the match
// began before line feeds were taken off.
func (m *machine) groupsOf(r *rule, text []byte, start int, match span) []int {
	g := m.groupsAt(r)
	if g.dfa.slots == 0 {
		return nil
	}
	alone := text[match.start:match.end]
	if g.dfa.slots > maxSlots {
		return r.Regexp().FindSubmatchIndex(alone)
	}
	matched, ok := false, false
	if start == match.start {
		matched, ok = g.within(text, match.start, match.end)
	}
	if !ok || !matched {
		matched, ok = g.alone(alone)
	}
	switch {
	case !ok:
		return r.Regexp().FindSubmatchIndex(alone)
	case !matched:
		return nil
	}
	return g.slots[:g.dfa.slots]
}

// groupsAt runs the whole expression of r.
func (m *machine) groupsAt(r *rule) *groups {
	if m.groups[r.index] == nil {
		g := &groups{dfa: newDFA(m, r.whole(), false), begins: r.begins()}
		if r.SecretGroup > 0 || g.dfa.slots == 4 {
			group := 2 * max(r.SecretGroup, 1)
			g.need = 3 << group // of one group the ends are enough
			if g.unless = r.opened(); g.unless != nil {
				g.opened = group
			}
		}
		m.groups[r.index] = g
	}
	return m.groups[r.index]
}

// trimmed takes the line feeds off both ends.
func trimmed(text []byte, s span) span {
	for s.start < s.end && text[s.end-1] == '\n' {
		s.end--
	}
	s.start += len(text[s.start:s.end]) - len(bytes.TrimLeft(text[s.start:s.end], "\n"))
	return s
}

// secretGroup is the group that holds the secret: the one asked for, else the
// first that took part with any bytes. start is -1 if there is none and the
// match itself is the secret.
func secretGroup(groups []int, want int) span {
	if len(groups) < 4 {
		return span{-1, -1}
	}
	if want > 0 {
		if g := groups[2*want:]; g[0] >= 0 {
			return span{g[0], g[1]}
		}
		return span{0, 0}
	}
	for i := 2; i < len(groups); i += 2 {
		if groups[i] >= 0 && groups[i+1] > groups[i] {
			return span{groups[i], groups[i+1]}
		}
	}
	return span{-1, -1}
}
