package pattern

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// shape reads at once what most rules look for: a name, a gap, a separator,
// quotes, a value and what ends it. It holds for an expression whose parts
// follow each other so that nearly always a byte can belong to one of them only;
// there the match that regexp prefers is the only one. Where a byte leaves a
// choice, or is not ASCII, it says that it is unclear.
type shape struct {
	kind      [256]uint8
	gap       []some              // between name and separator
	longer    [256]*[256]bool     // by first byte of a separator: what may make it a longer one
	quotes    []some              // between separator and value
	value     some                // its least is how many bytes it has
	other     int                 // least bytes of a value of another form; 0: there is none
	spellings map[string][]string // of words that are not found in any case
	before    [utf8.RuneSelf]bool // what can stand before the name
}

// some is a run of bytes of one set.
type some struct {
	set         *[256]bool
	least, most int
}

// Kinds of bytes in a shape; one byte can be of several.
const (
	separates = 1 << iota
	opens     // one of quotes
	inValue   // of the first form
	inOther   // of another form
	ends      // ends a value by itself
	beginsEnd // may begin an end of several bytes
	wideRune  // not ASCII
)

// reading is what a shape finds behind a name.
type reading struct {
	verdict int8
	value   span
	end     int // of the match
	far     int // no byte from here on was looked at
}

const (
	unclear = iota
	noMatch
	isMatch
)

// longest bounds the values that a shape reads, bytes.
const longest = 512

// newShape is nil if the rule is not of that kind.
func newShape(r *rule, re *syntax.Regexp) *shape {
	if len(r.branches) != 1 || r.before == nil || r.SecretGroup > 1 {
		return nil
	}
	b := r.branches[0]
	parts := b.tail()
	s := &shape{}
	n := 1
	s.gap, n = runsOf(parts, n)
	separator := n
	s.quotes, n = runsOf(parts, n+1)
	if len(s.gap) == 0 || n+2 != len(parts) || !onlyGroup(re, parts[n]) {
		return nil
	}
	if !s.setWords(b) || !s.setValue(parts[n]) || !s.setSeparator(parts[separator]) || !s.setEnd(parts[n+1]) {
		return nil
	}
	for c := utf8.RuneSelf; c < len(s.kind); c++ {
		s.kind[c] = wideRune
	}
	for c := range s.before {
		s.before[c] = inSet(r.before, rune(c))
	}
	if s.ambiguous() {
		return nil
	}
	return s
}

// runsOf are the parts from n on that are runs of a set and may be empty, and
// the number of the part behind them.
func runsOf(parts []*syntax.Regexp, n int) (list []some, next int) {
	for ; n < len(parts); n++ {
		one, ok := runOf(parts[n])
		if !ok || one.least > 0 {
			break
		}
		list = append(list, one)
	}
	return list, n
}

func runOf(re *syntax.Regexp) (some, bool) {
	one := some{least: re.Min, most: re.Max}
	switch re.Op {
	case syntax.OpRepeat:
	case syntax.OpStar:
		one.least, one.most = 0, -1
	case syntax.OpPlus:
		one.least, one.most = 1, -1
	case syntax.OpQuest:
		one.least, one.most = 0, 1
	default:
		return one, false
	}
	if re.Sub[0].Op != syntax.OpCharClass {
		return one, false
	}
	if one.most < 0 {
		one.most = longest
	}
	set := allBytes(re.Sub[0])
	clear(set[utf8.RuneSelf:]) // read stops there
	one.set = &set
	return one, one.most <= longest
}

// onlyGroup says whether the expression has one group, and that is part.
func onlyGroup(re, part *syntax.Regexp) bool {
	if re.MaxCap() != 1 {
		return false
	}
	var group *syntax.Regexp
	var find func(re *syntax.Regexp)
	find = func(re *syntax.Regexp) {
		if re.Op == syntax.OpCapture {
			group = re
		}
		for _, sub := range re.Sub {
			find(sub)
		}
	}
	find(re)
	inside := plain(group)
	return len(inside) == 1 && inside[0] == part
}

func (s *shape) mark(set *[256]bool, kind uint8) {
	for c, in := range set {
		if in {
			s.kind[c] |= kind
		}
	}
}

// setValue takes a run, or a run and other forms after it in preference.
func (s *shape) setValue(re *syntax.Regexp) (ok bool) {
	forms := []*syntax.Regexp{re}
	if re.Op == syntax.OpAlternate {
		forms = re.Sub
	}
	if s.value, ok = runOf(forms[0]); !ok || s.value.least == 0 || forms[0].Flags&syntax.NonGreedy != 0 {
		return false
	}
	s.mark(s.value.set, inValue)
	for i, form := range forms[1:] {
		set := allBytes(form)
		s.mark(&set, inOther)
		if least := minWidth([]*syntax.Regexp{form}); i == 0 || least < s.other {
			s.other = least
		}
	}
	for i := range s.quotes {
		s.mark(s.quotes[i].set, opens)
	}
	return len(forms) == 1 || s.other > 0
}

func (s *shape) setSeparator(re *syntax.Regexp) bool {
	alone, next, ok := beginnings(re)
	for c := range alone {
		if alone[c] {
			s.kind[c] |= separates
		}
		s.longer[c] = next[c]
	}
	return ok
}

func (s *shape) setEnd(re *syntax.Regexp) bool {
	alone, next, ok := beginnings(re)
	for c := range alone {
		switch {
		case next[c] != nil:
			s.kind[c] |= beginsEnd
		case alone[c]:
			s.kind[c] |= ends
		}
	}
	return ok
}

// ambiguous says whether a byte could belong to two parts where read takes it
// for one of them.
func (s *shape) ambiguous() bool {
	for c := range utf8.RuneSelf {
		begins := s.kind[c]&separates != 0 || s.longer[c] != nil
		for i := range s.gap {
			if begins && s.gap[i].set[c] {
				return true
			}
		}
		if s.kind[c]&(ends|beginsEnd) != 0 && s.kind[c]&(inValue|inOther) != 0 {
			return true
		}
	}
	return false
}

// setWords finds out which spellings of the words the name has. They have to be
// the whole name.
func (s *shape) setWords(b *branch) bool {
	re, err := regexp.Compile(`^(?:` + b.parts[b.at].String() + `)$`)
	if err != nil {
		return false
	}
	found := make(map[string]bool)
	heads := headsOf(b.parts[b.at])
	for _, l := range heads {
		found[l.text] = true
		if !l.whole || !slices.Contains(b.words, l.text) {
			return false
		}
		for _, other := range heads {
			if other.text != l.text && strings.HasPrefix(other.text, l.text) {
				return false
			}
		}
		list, any := spellings(re, l.text)
		if len(list) == 0 {
			return false
		}
		if !any {
			if s.spellings == nil {
				s.spellings = make(map[string][]string)
			}
			s.spellings[l.text] = list
		}
	}
	return len(found) == len(b.words)
}

// spellings are those of a word in lower case that re matches, and whether
// these are all there are. Of a long word they are not listed.
func spellings(re *regexp.Regexp, word string) (list []string, any bool) {
	const most = 12 // letters: 4,096 spellings
	var letters []int
	for i := range len(word) {
		if c := word[i]; c >= 'a' && c <= 'z' {
			letters = append(letters, i)
		}
	}
	if len(letters) > most {
		return nil, false
	}
	text := []byte(word)
	for n := range 1 << len(letters) {
		for bit, i := range letters {
			if text[i] |= 0x20; n>>bit&1 != 0 {
				text[i] &^= 0x20
			}
		}
		if re.Match(text) {
			list = append(list, string(text))
		}
	}
	return list, len(list) == 1<<len(letters)
}

// beginnings are the bytes that match re by themselves, and for each first byte
// of a longer match the bytes that can follow. It is not ok if re looks at what
// stands around it, but for the end of the text.
func beginnings(re *syntax.Regexp) (alone [256]bool, next [256]*[256]bool, ok bool) {
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return alone, next, false
	}
	for i := range prog.Inst {
		if in := &prog.Inst[i]; in.Op == syntax.InstEmptyWidth && syntax.EmptyOp(in.Arg)&^syntax.EmptyEndText != 0 {
			return alone, next, false
		}
	}
	start, empty := closure(prog, []uint32{uint32(prog.Start)})
	for c := range rune(utf8.RuneSelf) {
		var done bool
		after, done := closure(prog, taken(prog, start, c))
		alone[c] = done
		for d := range rune(utf8.RuneSelf) {
			if len(taken(prog, after, d)) > 0 {
				if next[c] == nil {
					next[c] = new([256]bool)
				}
				next[c][d] = true
			}
		}
	}
	return alone, next, !empty
}

// closure is what instructions lead to without a rune, and whether that is a
// match. What holds at the end of a text only leads nowhere.
func closure(prog *syntax.Prog, list []uint32) (out []uint32, match bool) {
	seen := make(map[uint32]bool)
	for len(list) > 0 {
		pc := list[len(list)-1]
		list = list[:len(list)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch in := &prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			list = append(list, in.Out, in.Arg)
		case syntax.InstNop, syntax.InstCapture:
			list = append(list, in.Out)
		case syntax.InstMatch:
			match = true
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			out = append(out, pc)
		}
	}
	return out, match
}

// taken is what instructions lead to by r.
func taken(prog *syntax.Prog, list []uint32, r rune) (out []uint32) {
	for _, pc := range list {
		if prog.Inst[pc].MatchRune(r) {
			out = append(out, prog.Inst[pc].Out)
		}
	}
	return out
}
