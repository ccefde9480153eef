package pattern

import (
	"math/bits"
	"unicode/utf8"
)

const (
	maxSlots = 64 // ends of groups that a mask can hold; beyond them regexp is asked
	linkCost = 24 // bytes of a link
)

// link says how an instruction of a state came to be there: from which of the
// state before, and which ends of groups lie on the way, before and behind the
// rune between them.
type link struct {
	from           uint32
	before, behind uint64
}

// groups finds where the groups of a match lie. It runs the dfa over the match
// and keeps the states; the preferred way to the end is then followed back
// along links, which are worked out once for each transition.
type groups struct {
	dfa   *dfa
	links []int32 // by transition, two each: where in table its links begin, and its last link
	table []link
	first []link // of the start states
	epoch int

	begins *[256]bool // bytes that a match can begin with
	start  uint32     // the state in which way begins
	way    []step     // scratch: along a match
	need   uint64     // slots that say where the secret is, once they are set; 0: all do
	opened int        // the slot that is where a match begins, unless that is with
	unless *[256]bool // one of these bytes; 0: none is known
	slots  [maxSlots]int
	tracer
}

// step is a transition on the way along a match: its state's row and class, and
// where that class stands.
type step struct{ transition, at uint32 }

const unlinked = -1

// run is dfa.run for the match that begins at at, with the way kept. limit is
// where text ends for all that the expression sees, or how far to look.
func (g *groups) run(text []byte, at, limit int) (end int) {
	d := g.dfa
	s := d.startState(text, at, true)
	if g.epoch != d.epoch {
		g.links, g.table, g.first, g.epoch = g.links[:0], nil, nil, d.epoch
	}
	rows, ascii, way := d.rows, &d.ascii, g.way[:0]
	g.start = s
	end = -1
	i := at
	for s < special {
		var class uint32
		n := 1
		if i < len(text) && text[i] < utf8.RuneSelf {
			class = uint32(ascii[text[i]])
		} else {
			class, n = d.classAt(text, i)
		}
		t := rows[s+class]
		if t == unknown {
			t = d.step(s, int(class))
			rows = d.rows
		}
		way = append(way, step{s + class, uint32(i)})
		if t&matchedHere != 0 {
			end = i
			t &^= matchedHere
		}
		if i >= limit {
			break
		}
		s = t
		i += n
	}
	g.way = way
	d.m.steps += len(way)
	d.m.far = max(d.m.far, i+utf8.UTFMax)
	return end
}

// within finds the groups in text[start:end] taken alone, after run over the
// whole of text from start. Up to end the states are the same, if what stands
// before start makes no difference, so only the end has to be looked at again.
// ok is false if nothing is known: the caches were full meanwhile, or text
// before start does make a difference.
func (g *groups) within(text []byte, start, end int) (matched, ok bool) {
	d := g.dfa
	if d.epoch != g.epoch || d.m.epoch != g.epoch || d.m.thrash || !g.beginAlone() {
		return false, false
	}
	n, last := len(g.way)-1, -1
	for n > 0 && int(g.way[n].at) > end {
		n--
	}
	if int(g.way[n].at) != end {
		return false, false
	}
	class, _ := d.classAt(text, end)
	row := g.way[n].transition - class
	s := step{row + uint32(d.stride-1), uint32(end)}
	t := d.rows[s.transition]
	if t == unknown {
		t = d.step(row, d.stride-1)
	}
	if t&matchedHere != 0 {
		g.way[n] = s
		last = n
	}
	for i := n - 1; i >= 0 && last < 0; i-- {
		if d.rows[g.way[i].transition]&matchedHere != 0 {
			last = i
		}
	}
	if last < 0 {
		return false, true
	}
	g.follow(text, last)
	for i := range g.slots[:d.slots] {
		if g.slots[i] >= 0 {
			g.slots[i] -= start
		}
	}
	return true, true
}

// beginAlone makes the way begin as if nothing stood before the match, if from
// the first rune on that is the same way.
func (g *groups) beginAlone() bool {
	d := g.dfa
	start := d.startState(nil, 0, true)
	if start != g.start && d.epoch == g.epoch {
		class := g.way[0].transition - g.start
		if next := d.rows[g.way[0].transition]; d.take(start, int(class)) != next || d.epoch != g.epoch {
			return false
		}
		g.way[0].transition = start + class
	}
	return d.epoch == g.epoch
}

// alone finds the groups of the match that begins first in text.
func (g *groups) alone(text []byte) (matched, ok bool) {
	for at := 0; at <= len(text); at += runeLen(text, at) {
		end := g.run(text, at, len(text))
		if g.dfa.epoch != g.epoch || g.dfa.m.thrash {
			return false, false
		}
		if end < 0 {
			continue
		}
		last := len(g.way) - 1
		for int(g.way[last].at) != end {
			last--
		}
		g.follow(text, last)
		return true, true
	}
	return false, true
}

// follow goes back from the match in text that ends in the state number last, until
// it has seen the slots that it needs.
func (g *groups) follow(text []byte, last int) {
	slots, way := &g.slots, g.way[:last+1]
	for i := range slots[:g.dfa.slots] {
		slots[i] = -1
	}
	need := g.need
	if at := int(way[0].at); g.opened > 0 && at < len(text) && !g.unless[text[at]] {
		slots[g.opened] = at
		need &^= 1 << g.opened
	}
	l := g.lastLink(way[last].transition)
	set := g.set(l.before, way[last].at)
	if need != 0 && set&need == need {
		return
	}
	for i := last - 1; i >= 0; i-- {
		n := l.from
		l = g.linkOf(way[i].transition, n)
		if mask := l.behind | l.before; mask != 0 {
			g.set(l.behind, way[i+1].at)
			g.set(l.before, way[i].at)
			if set |= mask; need != 0 && set&need == need {
				return
			}
		}
	}
	if g.first == nil {
		g.first = g.starting()
	}
	g.set(g.first[l.from].behind, way[0].at)
}

// set notes the ends of groups at pos, and returns them. The way is followed backwards, so what
// is set already came later and stays.
func (g *groups) set(mask uint64, pos uint32) uint64 {
	for left := mask; left != 0; left &= left - 1 {
		if slot := bits.TrailingZeros64(left); g.slots[slot] < 0 {
			g.slots[slot] = int(pos)
		}
	}
	return mask
}

// linkOf says how instruction n of the state behind a transition came there.
func (g *groups) linkOf(transition, n uint32) link {
	at := g.slot(transition)
	if g.links[at] == unlinked {
		g.links[at] = int32(len(g.table))
		g.table = append(g.table, g.trace(g.dfa.apart(transition))...)
	}
	return g.table[g.links[at]+int32(n)]
}

// lastLink is how the match is reached that ends before the class of a
// transition.
func (g *groups) lastLink(transition uint32) link {
	at := g.slot(transition) + 1
	if g.links[at] == unlinked {
		g.links[at] = int32(len(g.table))
		g.table = append(g.table, g.matching(g.dfa.apart(transition)))
	}
	return g.table[g.links[at]]
}

func (g *groups) slot(transition uint32) uint32 {
	at := 2 * transition
	for int(at)+1 >= len(g.links) {
		g.links = append(g.links, unlinked, unlinked)
	}
	return at
}

// apart is the row and the class of a transition.
func (d *dfa) apart(transition uint32) (row uint32, class int) {
	class = int(transition) % d.stride
	return transition - uint32(class), class
}

// tracer repeats the steps of a dfa with the ways kept.
type tracer struct {
	queue
	masks []uint64 // beside queue.stack
}

// visit follows pc without taking a rune, in the order of preference, and calls
// reach with each instruction that stops it. visit ends when reach says so.
func (g *groups) visit(pc uint32, mask uint64, holds func(inst) bool, reach func(pc uint32, mask uint64) bool) bool {
	q := &g.tracer
	q.stack, q.masks = append(q.stack[:0], pc), append(q.masks[:0], mask)
	for len(q.stack) > 0 {
		n := len(q.stack) - 1
		pc, mask := q.stack[n], q.masks[n]
		q.stack, q.masks = q.stack[:n], q.masks[:n]
		if q.seen[pc] == q.gen {
			continue
		}
		q.seen[pc] = q.gen
		in := g.dfa.insts[pc]
		if holds == nil && g.dfa.turns {
			in.op = opLook
		}
		switch {
		case in.op == opFork:
			q.stack, q.masks = append(q.stack, in.arg, in.out), append(q.masks, mask, mask)
		case in.op == opSkip:
			q.stack, q.masks = append(q.stack, in.out), append(q.masks, mask|in.slot())
		case in.op == opLook && holds != nil:
			if holds(in) {
				q.stack, q.masks = append(q.stack, in.out), append(q.masks, mask)
			}
		case in.op != opFail:
			if !reach(pc, mask) {
				return false
			}
		}
	}
	return true
}

// holding is what holds between a state and the class behind it.
func (g *groups) holding(row uint32, class int) func(inst) bool {
	ops := g.dfa.holding(g.dfa.before[int(row)/g.dfa.stride], class)
	return func(in inst) bool { return in.holds(ops) }
}

// matching is the link of a match to the state in which it ends.
func (g *groups) matching(row uint32, class int) (l link) {
	g.reset(len(g.dfa.insts))
	for i, pc := range g.dfa.lists[int(row)/g.dfa.stride] {
		if !g.visit(pc, 0, g.holding(row, class), func(pc uint32, m uint64) bool {
			l = link{from: uint32(i), before: m}
			return g.dfa.insts[pc].op != opMatch
		}) {
			return l
		}
	}
	return l
}

// trace works out the links of a transition.
func (g *groups) trace(row uint32, class int) []link {
	d := g.dfa
	var held []uint32
	var ways []link
	g.reset(len(d.insts))
	for i, pc := range d.lists[int(row)/d.stride] {
		if !g.visit(pc, 0, g.holding(row, class), func(pc uint32, mask uint64) bool {
			if d.insts[pc].op == opMatch {
				return false
			}
			held, ways = append(held, pc), append(ways, link{uint32(i), mask, 0})
			return true
		}) {
			break
		}
	}
	g.reset(len(d.insts))
	var out []link
	for i, pc := range held {
		if !d.takes(d.insts[pc].arg, class) {
			continue
		}
		way := ways[i]
		if !g.visit(d.insts[pc].out, 0, nil, func(pc uint32, mask uint64) bool {
			out = append(out, link{way.from, way.before, mask})
			return d.insts[pc].op != opMatch
		}) {
			break
		}
	}
	d.m.memory += linkCost * len(out)
	return out
}

// starting is the links of a start state: only what lies before the first rune.
func (g *groups) starting() []link {
	g.reset(len(g.dfa.insts))
	var out []link
	g.visit(g.dfa.start, 0, nil, func(pc uint32, mask uint64) bool {
		out = append(out, link{behind: mask})
		return g.dfa.insts[pc].op != opMatch
	})
	return out
}
