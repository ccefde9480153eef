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
	links []int32 // by transition, two each: where in table its links are, and its last link
	table [][]link
	first []link // of the start states
	epoch int

	way   []step // scratch: along a match
	slots [maxSlots]int
	tracer
}

// step is a state on the way along a match, where it stands, and the class
// behind it.
type step struct {
	row, class uint32
	at         int
}

const unlinked = -1

// run is dfa.run for the match that begins at at, with the way kept. limit is
// where text ends for all that the expression sees, or how far to look.
func (g *groups) run(text []byte, at, limit int) (end int) {
	d := g.dfa
	s := d.startState(text, at, true)
	if g.epoch != d.epoch {
		g.links, g.table, g.first, g.epoch = g.links[:0], nil, nil, d.epoch
	}
	g.way = g.way[:0]
	end = -1
	for i := at; s < special; {
		var class uint32
		n := 1
		if i < len(text) && text[i] < utf8.RuneSelf {
			class = uint32(d.ascii[text[i]])
		} else {
			class, n = d.wideAt(text, i)
		}
		t := d.rows[s+class]
		if t == unknown {
			t = d.step(s, int(class))
		}
		g.way = append(g.way, step{s, class, i})
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
	d.m.steps += len(g.way)
	if n := len(g.way); n > 0 {
		d.m.far = max(d.m.far, g.way[n-1].at+utf8.UTFMax)
	}
	return end
}

// within finds the groups in text[start:end] taken alone, after run over the
// whole of text from start. Up to end the states are the same, if what stands
// before start makes no difference, so only the end has to be looked at again.
// ok is false if nothing is known: the caches were full meanwhile, or text
// before start does make a difference.
func (g *groups) within(text []byte, start, end int) (matched, ok bool) {
	d := g.dfa
	if d.epoch != g.epoch || d.m.epoch != g.epoch || d.m.thrash || d.startState(nil, 0, true) != g.way[0].row {
		return false, false
	}
	n, last := len(g.way)-1, -1
	for n > 0 && g.way[n].at > end {
		n--
	}
	if g.way[n].at != end {
		return false, false
	}
	s := step{g.way[n].row, uint32(d.stride - 1), end}
	t := d.rows[s.row+s.class]
	if t == unknown {
		t = d.step(s.row, int(s.class))
	}
	if t&matchedHere != 0 {
		g.way[n] = s
		last = n
	}
	for i := n - 1; i >= 0 && last < 0; i-- {
		if d.rows[g.way[i].row+g.way[i].class]&matchedHere != 0 {
			last = i
		}
	}
	if last < 0 {
		return false, true
	}
	g.follow(last)
	for i := range g.slots[:d.slots] {
		if g.slots[i] >= 0 {
			g.slots[i] -= start
		}
	}
	return true, true
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
		for g.way[last].at != end {
			last--
		}
		g.follow(last)
		return true, true
	}
	return false, true
}

// follow goes back from the match that ends in the state number last.
func (g *groups) follow(last int) {
	for i := range g.slots[:g.dfa.slots] {
		g.slots[i] = -1
	}
	l := g.lastLink(g.way[last])
	g.set(l.before, g.way[last].at)
	for i := last - 1; i >= 0; i-- {
		n := l.from
		l = g.linksOf(g.way[i])[n]
		if l.behind|l.before != 0 {
			g.set(l.behind, g.way[i+1].at)
			g.set(l.before, g.way[i].at)
		}
	}
	if g.first == nil {
		g.first = g.starting()
	}
	g.set(g.first[l.from].behind, g.way[0].at)
}

// set notes the ends of groups at pos. The way is followed backwards, so what
// is set already came later and stays.
func (g *groups) set(mask uint64, pos int) {
	for ; mask != 0; mask &= mask - 1 {
		if slot := bits.TrailingZeros64(mask); g.slots[slot] < 0 {
			g.slots[slot] = pos
		}
	}
}

// linksOf returns, for each instruction of the state behind a transition, how
// it came there.
func (g *groups) linksOf(s step) []link {
	at := g.slot(s)
	if g.links[at] == unlinked {
		g.links[at] = int32(len(g.table))
		g.table = append(g.table, g.trace(s.row, int(s.class)))
	}
	return g.table[g.links[at]]
}

// lastLink is how the match is reached that ends before the class of s.
func (g *groups) lastLink(s step) link {
	at := g.slot(s) + 1
	if g.links[at] == unlinked {
		g.links[at] = int32(len(g.table))
		g.table = append(g.table, []link{g.matching(s.row, int(s.class))})
	}
	return g.table[g.links[at]][0]
}

func (g *groups) slot(s step) uint32 {
	at := 2 * (s.row + s.class)
	for int(at) >= len(g.links) {
		g.links = append(g.links, unlinked, unlinked)
	}
	return at
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
