package pattern

import (
	"encoding/binary"
	"math"
	"regexp/syntax"
	"slices"
)

// A transition is the offset of the next state's row, or says that it is not
// known yet, with what happened before the class was taken.
const (
	matchedHere = 1 << 31 // a match ended before this class
	dead        = 1 << 30 // nothing can match any more
	special     = dead
	unknown     = ^uint32(0)
)

const (
	maxStates = 8192 // of one dfa; more of them are no longer a cache
	rowCost   = 64   // bytes of a state besides its row, for the machine's bound
)

// dfa runs a program as a deterministic automaton whose states are made when
// first needed. It belongs to one machine.
//
// With which it tells the expressions of the program that match at all. Else
// it finds the end of the match that regexp would: of those that begin first,
// the preferred one.
type dfa struct {
	*program
	m      *machine
	which  bool
	tells  bool     // which, and there are several expressions to tell apart
	epoch  int      // of the machine's memory; behind it everything here is void
	rows   []uint32 // stride entries a state
	lists  [][]uint32
	before []uint8 // of each state: what stood before it
	index  map[string]uint32
	starts [2][4]uint32 // by anchored and by what stands before
	marks  []uint16     // with which: by transition, where in masks its expressions are
	masks  []uint64
	ids    uint64 // expressions of the transition that step made last

	free    map[uint8][]uint8 // classes of bytes that are free, as a template has it
	rounds  int               // bytes that it went round in a state, as far as they count
	circles map[uint32]*circle
	asked   [1 << askedBits]askedCircle // by a hash of the state

	now, next queue // scratch of step
}

// queue is a set of instructions in the order of preference.
type queue struct {
	seen  []uint32 // generation in which an instruction was added
	gen   uint32
	list  []uint32
	stack []uint32
}

func (q *queue) reset(n int) {
	if len(q.seen) < n {
		q.seen = make([]uint32, n)
	}
	q.gen++
	q.list = q.list[:0]
}

func newDFA(m *machine, p *program, which bool) *dfa {
	d := &dfa{program: p, m: m, which: which, tells: which && p.all != 1}
	d.clear()
	return d
}

// clear forgets all states.
func (d *dfa) clear() {
	d.epoch = d.m.epoch
	d.rows, d.lists, d.before, d.marks, d.masks = nil, nil, nil, nil, nil
	d.index = make(map[string]uint32)
	d.rounds, d.circles, d.asked = 0, nil, [1 << askedBits]askedCircle{}
	d.starts = [2][4]uint32{{unknown, unknown, unknown, unknown}, {unknown, unknown, unknown, unknown}}
}

// What stands before a place, as \b and ^ see it.
const (
	afterOther = iota
	afterWord
	afterLine
	afterNothing
)

func contextAt(text []byte, at int) int {
	switch {
	case at == 0:
		return afterNothing
	case text[at-1] == '\n':
		return afterLine
	case isWord(text[at-1]):
		return afterWord
	}
	return afterOther
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// startState is the state before the first rune. anchored: the match begins
// here.
func (d *dfa) startState(text []byte, at int, anchored bool) uint32 {
	context, which := 0, 0
	if d.looks {
		context = contextAt(text, at)
	}
	pc := d.search
	if anchored {
		pc, which = d.start, 1
	}
	if d.epoch != d.m.epoch {
		d.clear()
	}
	if s := d.starts[which][context]; s != unknown {
		return s
	}
	d.next.reset(len(d.insts))
	d.spread(pc)
	before := uint8(context)
	if !d.pending() {
		before = afterOther // then it makes no difference, and fewer states
	}
	s := d.intern(before)
	d.starts[which][context] = s
	return s
}

// step makes the transition from the state at row s by a class; the last class
// is the end of the text.
func (d *dfa) step(s uint32, class int) uint32 {
	state := int(s) / d.stride
	d.ids = 0
	if d.m.builds++; d.m.builds > maxBuilds {
		d.m.thrash = true
		return dead
	}
	d.now.reset(len(d.insts))
	result := uint32(0)
	known := true
	ids := d.hold(d.lists[state], d.holding(d.before[state], class))
	done := uint64(0) // expressions that need not be followed any further
	if ids != 0 {
		result = matchedHere
	}
	if d.tells {
		d.ids, done = ids, ids
	}
	d.next.reset(len(d.insts))
	if class != d.stride-1 {
		for _, pc := range d.now.list {
			if done>>d.owner[pc]&1 == 0 && d.takes(d.insts[pc].arg, class) {
				d.spread(d.insts[pc].out)
			}
		}
	}
	if len(d.next.list) == 0 {
		result |= dead
	} else {
		context := uint8(afterOther)
		switch {
		case !d.pending():
		case d.kinds[class]&kindWord != 0:
			context = afterWord
		case d.kinds[class]&kindLine != 0:
			context = afterLine
		}
		epoch := d.epoch
		result |= d.intern(context)
		known = d.epoch == epoch // else the memory was full, and the row of s is gone
	}
	if known {
		d.rows[int(s)+class] = result
		d.mark(int(s)+class, d.ids)
	}
	return result
}

// mark notes the expressions of which a match ends at a transition.
func (d *dfa) mark(transition int, ids uint64) {
	if ids == 0 {
		return
	}
	if n := len(d.rows) - len(d.marks); n > 0 {
		d.marks = append(d.marks, make([]uint16, n)...)
		d.m.memory += 2 * n
	}
	n := slices.Index(d.masks, ids)
	if n < 0 {
		if n = len(d.masks); n > math.MaxUint16 {
			d.m.forget()
			return
		}
		d.masks = append(d.masks, ids)
	}
	d.marks[transition] = uint16(n)
}

// pending says whether a state still has to look around.
func (d *dfa) pending() bool {
	for _, pc := range d.next.list {
		if d.turns || d.insts[pc].op == opLook {
			return true
		}
	}
	return false
}

// holding is which of \b, ^, $ and their kin hold between what stands before
// and a class.
func (d *dfa) holding(before uint8, class int) syntax.EmptyOp {
	if !d.looks {
		return 0
	}
	var ops syntax.EmptyOp
	switch before {
	case afterNothing:
		ops |= syntax.EmptyBeginText | syntax.EmptyBeginLine
	case afterLine:
		ops |= syntax.EmptyBeginLine
	}
	word := false
	if class == d.stride-1 {
		ops |= syntax.EmptyEndText | syntax.EmptyEndLine
	} else {
		word = d.kinds[class]&kindWord != 0
		if d.kinds[class]&kindLine != 0 {
			ops |= syntax.EmptyEndLine
		}
	}
	if word != (before == afterWord) {
		return ops | syntax.EmptyWordBoundary
	}
	return ops | syntax.EmptyNoWordBoundary
}

// hold puts into d.now what list becomes when ops hold, and returns the
// expressions of which a match ends here. Without which, what is less preferred
// than the match is left out.
func (d *dfa) hold(list []uint32, ops syntax.EmptyOp) (matched uint64) {
	q := &d.now
	for _, pc := range list {
		q.stack = append(q.stack[:0], pc)
		for len(q.stack) > 0 {
			pc := q.stack[len(q.stack)-1]
			q.stack = q.stack[:len(q.stack)-1]
			if q.seen[pc] == q.gen {
				continue
			}
			q.seen[pc] = q.gen
			switch in := d.insts[pc]; in.op {
			case opMatch:
				if matched |= 1 << in.arg; !d.which {
					return matched
				}
			case opRune:
				q.list = append(q.list, pc)
			case opFork:
				q.stack = append(q.stack, in.arg, in.out)
			case opSkip:
				q.stack = append(q.stack, in.out)
			case opLook:
				if in.holds(ops) {
					q.stack = append(q.stack, in.out)
				}
			}
		}
	}
	return matched
}

// spread adds to d.next what pc leads to before the next rune is known.
func (d *dfa) spread(pc uint32) {
	q := &d.next
	if n := len(q.list); n > 0 && d.insts[q.list[n-1]].op == opMatch && !d.which {
		return
	}
	q.stack = append(q.stack[:0], pc)
	for len(q.stack) > 0 {
		pc := q.stack[len(q.stack)-1]
		q.stack = q.stack[:len(q.stack)-1]
		if q.seen[pc] == q.gen {
			continue
		}
		q.seen[pc] = q.gen
		in := d.insts[pc]
		if d.turns { // hold follows the whole way, as regexp does
			in.op = opLook
		}
		switch in.op {
		case opFork:
			q.stack = append(q.stack, in.arg, in.out)
		case opSkip:
			q.stack = append(q.stack, in.out)
		case opRune, opLook:
			q.list = append(q.list, pc)
		case opMatch:
			if q.list = append(q.list, pc); !d.which {
				return
			}
		}
	}
}

// intern is the row of the state that d.next is, made if it is new.
func (d *dfa) intern(context uint8) uint32 {
	if len(d.next.list) == 0 {
		return dead
	}
	if d.which { // in which order does not matter then
		slices.Sort(d.next.list)
	}
	key := append(d.m.key[:0], context)
	for _, pc := range d.next.list {
		key = binary.AppendUvarint(key, uint64(pc))
	}
	d.m.key = key
	if s, ok := d.index[string(key)]; ok {
		return s
	}
	cost := 4*d.stride + 4*len(d.next.list) + len(key) + rowCost
	if len(d.lists) >= maxStates || d.m.memory+cost > maxMemory {
		d.m.forget()
		d.clear()
	}
	d.m.memory += cost
	s := uint32(len(d.lists) * d.stride)
	for range d.stride {
		d.rows = append(d.rows, unknown)
	}
	d.lists = append(d.lists, append([]uint32(nil), d.next.list...))
	d.before = append(d.before, context)
	d.index[string(key)] = s
	return s
}
