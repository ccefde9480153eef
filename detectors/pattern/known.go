package pattern

// known is what a machine knows of a group, all that most places ask for side by
// side.
type known struct {
	seen
	way    uint8        // in which its places are tried; 0: not known yet
	shaped []shapedRule // byShape: its rules
	ids    *forms       // that are innocent for all of those; nil: not known yet
	ahead  *ahead       // byTail; nil: it has none
	tail   *dfa         // of all branches from the word on; nil: not made yet
}

// seen is what is known of a group in the fragment. Most fragments are single
// messages, in which few groups are met: only theirs is cleared behind one.
type seen struct {
	met   bool
	tried int // the last place tried, plus one
	gap   run // what its look found last
}

// shapedRule is a rule that is read by its shape.
type shapedRule struct {
	*rule
	shape *shape
}

// Ways to try the places of a group.
const (
	byShape = iota + 1
	byTail  // by the automaton of all branches from the word on
	byWhole // by the rule's expression, when places are resolved
)

// meet is what is known of a group.
func (m *machine) meet(group int) *seen {
	s := &m.known[group].seen
	if !s.met {
		s.met = true
		m.met = append(m.met, group)
	}
	return s
}

// how is the way in which the places of a target's group are tried.
func (k *known) how(m *machine, t *target) uint8 {
	if k.way == 0 {
		k.settle(m, t)
	}
	return k.way
}

func (k *known) settle(m *machine, t *target) {
	g := m.engine.groups[t.group]
	shaped := g.shaped()
	switch {
	case shaped != nil && t.look != nil:
		k.way = byShape
		for _, r := range shaped {
			k.shaped = append(k.shaped, shapedRule{r, r.shape()})
		}
	case g.direct:
		k.way = byWhole
	default:
		k.way = byTail
		m.aside(func() { k.ahead = newAhead(m, g.branches) })
	}
}
