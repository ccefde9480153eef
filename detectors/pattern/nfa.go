package pattern

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// program is an expression as a machine over classes of runes: two runes that
// no part of the expression tells apart are one class. It is read only.
type program struct {
	insts  []inst
	owner  []uint8 // of each instruction: its expression
	start  uint32  // of a match that begins here
	search uint32  // of one that begins here or later
	ascii  [utf8.RuneSelf]uint8
	bounds []rune   // ascending; class i covers bounds[i] up to bounds[i+1]
	class  []uint16 // of the runes from bounds[i]
	kinds  []uint8  // of each class: what stands beside it decides \b, ^ and $
	stride int      // classes, and one for the end of the text
	sets   [][]uint64
	looks  bool   // it has \b, ^, $ or the like
	slots  int    // ends of groups, two each, with those of the match itself
	all    uint64 // a bit for each of the expressions
	turns  bool   // a \b or the like can lead back to itself without taking a rune
}

type inst struct {
	op       uint8
	out, arg uint32 // arg: the less preferred branch, a set, what has to hold, or which expression
}

// slot is the end of a group that an opSkip marks, as a mask.
func (in inst) slot() uint64 { return 1 << in.arg &^ 1 }

// holds says whether all that an opLook asks for is among ops.
func (in inst) holds(ops syntax.EmptyOp) bool { return syntax.EmptyOp(in.arg)&^ops == 0 }

const (
	opRune = iota
	opFork
	opLook
	opSkip
	opMatch
	opFail
)

// kinds of classes.
const (
	kindWord = 1 << iota
	kindLine // the line feed
)

// compile makes a program of expressions, each a sequence of parts. Which of
// them matches, the argument of its opMatch says.
func compile(list ...[]*syntax.Regexp) *program {
	p := &program{all: 1<<len(list) - 1}
	sets := newRuneSets()
	var starts []uint32
	for id, parts := range list {
		re := &syntax.Regexp{Op: syntax.OpConcat, Sub: parts}
		prog, err := syntax.Compile(re.Simplify())
		if err != nil { // never, of what syntax.Parse made; and then nothing matches
			prog = &syntax.Prog{Inst: []syntax.Inst{{Op: syntax.InstFail}}}
		}
		base := uint32(len(p.insts))
		starts = append(starts, base+uint32(prog.Start))
		for i := range prog.Inst {
			p.add(&prog.Inst[i], base, uint32(id), sets)
		}
	}
	p.start = starts[len(starts)-1]
	for i := len(starts) - 2; i >= 0; i-- {
		p.insts = append(p.insts, inst{opFork, starts[i], p.start})
		p.owner = append(p.owner, ofAll)
		p.start = uint32(len(p.insts) - 1)
	}
	p.turns = p.looks && p.anyTurn()
	p.addSearch(sets)
	p.classify(sets)
	return p
}

func (p *program) add(in *syntax.Inst, base, id uint32, sets *runeSets) {
	n := inst{out: base + in.Out}
	switch in.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		n.op, n.arg = opFork, base+in.Arg
	case syntax.InstNop:
		n.op = opSkip
	case syntax.InstCapture:
		n.op, n.arg = opSkip, in.Arg
		p.slots = max(p.slots, int(in.Arg)+1)
	case syntax.InstEmptyWidth:
		n.op, n.arg = opLook, in.Arg
		p.looks = true
	case syntax.InstMatch:
		n.op, n.arg = opMatch, id
	case syntax.InstFail:
		n.op = opFail
	case syntax.InstRune, syntax.InstRune1:
		n.op, n.arg = opRune, sets.add(runesOf(in))
	case syntax.InstRuneAny:
		n.op, n.arg = opRune, sets.add([]rune{0, utf8.MaxRune})
	case syntax.InstRuneAnyNotNL:
		n.op, n.arg = opRune, sets.add([]rune{0, '\n' - 1, '\n' + 1, utf8.MaxRune})
	}
	p.insts = append(p.insts, n)
	p.owner = append(p.owner, uint8(id))
}

// addSearch puts a lazy loop over any rune before the start, so that a match
// that begins earlier is preferred.
func (p *program) addSearch(sets *runeSets) {
	p.search = uint32(len(p.insts))
	p.insts = append(p.insts,
		inst{opFork, p.start, p.search + 1},
		inst{opRune, p.search, sets.add([]rune{0, utf8.MaxRune})})
	p.owner = append(p.owner, ofAll, ofAll)
}

// ofAll is the owner of an instruction of all expressions; no mask has its bit.
const ofAll = 64

// anyTurn says whether some opLook reaches itself without taking a rune. Which
// way is preferred then depends on all that was passed on the way to it, so a
// state cannot begin at the opLook.
func (p *program) anyTurn() bool {
	seen := make([]int, len(p.insts))
	for from := range p.insts {
		if p.insts[from].op != opLook {
			continue
		}
		stack := []uint32{p.insts[from].out}
		for len(stack) > 0 {
			pc := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if int(pc) == from {
				return true
			}
			if seen[pc] == from+1 {
				continue
			}
			seen[pc] = from + 1
			switch in := p.insts[pc]; in.op {
			case opFork:
				stack = append(stack, in.out, in.arg)
			case opSkip, opLook:
				stack = append(stack, in.out)
			}
		}
	}
	return false
}

// runesOf is the set of an instruction as pairs, folded where it says so.
func runesOf(in *syntax.Inst) []rune {
	if len(in.Rune) != 1 {
		return in.Rune
	}
	orbit := []rune{in.Rune[0]}
	if syntax.Flags(in.Arg)&syntax.FoldCase != 0 {
		for r := unicode.SimpleFold(in.Rune[0]); r != in.Rune[0]; r = unicode.SimpleFold(r) {
			orbit = append(orbit, r)
		}
	}
	slices.Sort(orbit)
	var pairs []rune
	for _, r := range orbit {
		pairs = append(pairs, r, r)
	}
	return pairs
}

// runeSets numbers sets of runes, equal ones once.
type runeSets struct {
	list  [][]rune // pairs, ascending
	index map[string]uint32
}

func newRuneSets() *runeSets { return &runeSets{index: make(map[string]uint32)} }

func (s *runeSets) add(pairs []rune) uint32 {
	var key []byte
	for _, r := range pairs {
		key = binary.AppendUvarint(key, uint64(r))
	}
	n, ok := s.index[string(key)]
	if !ok {
		n = uint32(len(s.list))
		s.index[string(key)] = n
		s.list = append(s.list, pairs)
	}
	return n
}

// eachASCII calls f with each character of ASCII in a set of runes, as pairs.
func eachASCII(pairs []rune, f func(c byte)) {
	for i := 0; i+1 < len(pairs) && pairs[i] < utf8.RuneSelf; i += 2 {
		for r := pairs[i]; r <= min(pairs[i+1], utf8.RuneSelf-1); r++ {
			f(byte(r))
		}
	}
}

func inSet(pairs []rune, r rune) bool {
	if len(pairs) <= 16 { // as nearly all are
		for i := 0; i+1 < len(pairs) && pairs[i] <= r; i += 2 {
			if r <= pairs[i+1] {
				return true
			}
		}
		return false
	}
	i, exact := slices.BinarySearch(pairs, r)
	return exact || i&1 == 1
}

// words are the runes that \b counts as part of a word.
var words = []rune{'0', '9', 'A', 'Z', '_', '_', 'a', 'z'}

// classify parts the runes into classes. Classes of ASCII come first, so they
// fit a byte.
func (p *program) classify(sets *runeSets) {
	cuts := []rune{0, '\n', '\n' + 1, utf8.RuneSelf}
	all := sets.list
	if p.looks {
		all = append(slices.Clip(all), words)
	}
	for _, pairs := range all {
		for i, r := range pairs {
			cuts = append(cuts, r+rune(i&1))
		}
	}
	slices.Sort(cuts)
	p.bounds = slices.Compact(cuts)
	index := make(map[string]uint16)
	p.sets = make([][]uint64, len(sets.list))
	for _, r := range p.bounds {
		p.class = append(p.class, p.classOf(r, sets, index))
	}
	p.stride = len(index) + 1
	for r, i := rune(0), 0; r < utf8.RuneSelf; r++ {
		for i+1 < len(p.bounds) && p.bounds[i+1] <= r {
			i++
		}
		p.ascii[r] = uint8(p.class[i])
	}
}

// classOf is the class of r, new if no rune before was in the same sets.
func (p *program) classOf(r rune, sets *runeSets, index map[string]uint16) uint16 {
	key := make([]byte, 1, len(sets.list)+1)
	if p.looks {
		if inSet(words, r) {
			key[0] = kindWord
		} else if r == '\n' {
			key[0] = kindLine
		}
	}
	for _, pairs := range sets.list {
		in := byte(0)
		if inSet(pairs, r) {
			in = 1
		}
		key = append(key, in)
	}
	c, ok := index[string(key)]
	if ok {
		return c
	}
	c = uint16(len(index))
	index[string(key)] = c
	p.kinds = append(p.kinds, key[0])
	for s := range p.sets {
		if int(c)/64 >= len(p.sets[s]) {
			p.sets[s] = append(p.sets[s], 0)
		}
		if key[s+1] == 1 {
			p.sets[s][c/64] |= 1 << (c % 64)
		}
	}
	return c
}

// wide is the class of a rune outside ASCII, or of a byte that is none.
func (p *program) wide(r rune) uint32 {
	i, exact := slices.BinarySearch(p.bounds, r)
	if !exact {
		i--
	}
	return uint32(p.class[i])
}

func (p *program) takes(set uint32, class int) bool {
	return p.sets[set][class/64]&(1<<(class%64)) != 0
}
