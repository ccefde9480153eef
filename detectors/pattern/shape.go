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
	opener    [256]*[256]bool     // what may stand there too, by its first two bytes
	value     some                // its least is how many bytes it has
	other     int                 // least bytes of a value of another form; 0: there is none
	endless   bool                // a value ends where its bytes end, and nothing has to follow
	boundary  bool                // a value ends at a boundary of words, if there is one
	bare      bool                // the value follows the name at once
	named     bool                // and the name is part of what is secret
	cut       bool                // an endless value that is long enough ends, whatever follows
	spellings []spelling          // of words that are not found in any case
	before    [utf8.RuneSelf]bool // what can stand before the name
	// partial: it does not know where a match begins, only what is secret then.
	partial bool
	heads   []head // of the branches
	digits  bool   // which it reads makes no difference
}

// spelling is how a word can be spelt.
type spelling struct {
	word []byte // in lower case
	list []string
}

// some is a run of bytes of one set.
type some struct {
	set         *[256]bool
	least, most int
	unbounded   bool // most is where read stops
}

// Kinds of bytes in a shape; one byte can be of several.
const (
	separates = 1 << iota
	inValue   // of the first form
	inOther   // of another form
	ends      // ends a value by itself
	beginsEnd // may begin an end of several bytes
	isLast    // can be the last of an endless value
	goesOn    // behind an endless value it would be part of it
	wideRune  // not ASCII
)

// reading is what a shape finds behind a name.
type reading struct {
	verdict     int8
	start, stop int32 // of the value
	end         int32 // of the match
	far         int32 // no byte from here on was looked at
}

// moved is r where its text stands n bytes further on.
func (r reading) moved(n int32) reading {
	r.start, r.stop, r.end, r.far = r.start+n, r.stop+n, r.end+n, r.far+n
	return r
}

func (r reading) value() span { return span{int(r.start), int(r.stop)} }

func (r reading) secretIn(frag *fragment) []byte { return frag.text[r.start:r.stop] }

const (
	unclear = iota
	noMatch
	isMatch
)

// longest bounds the values that a shape reads, bytes.
const longest = 512

// newShape is nil if the rule is not of that kind: its branches differ in the
// name alone, and its only group is the value.
func newShape(r *rule, re *syntax.Regexp) *shape {
	if len(r.branches) == 0 || r.SecretGroup > 1 || re.MaxCap() > 1 {
		return nil
	}
	s := &shape{partial: len(r.branches) > 1 || r.before == nil}
	name := nameOf(r.branches[0])
	rest := r.branches[0].tail()[name:]
	for _, b := range r.branches {
		if name == 0 || nameOf(b) != name || !slices.Equal(b.tail()[name:], rest) || !s.setSpellings(b, name) {
			return nil
		}
		s.heads = append(s.heads, headOf(b))
	}
	if !s.setNamed(r, groupOf(re), name) && !s.setParts(groupOf(re), rest) {
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
	s.digits = s.digitsAlike()
	return s
}

// nameOf is how many parts of a branch its words are, all of them; 0 if they end
// within one, or where one of them does is not clear.
func nameOf(b *branch) int {
	const most = 3
	for n := 1; n <= min(most, len(b.tail())); n++ {
		list := literals(nil).heads(b.tail()[:n])
		texts := make(map[string]bool)
		fits := true
		for _, l := range list {
			texts[l.text] = true
			fits = fits && l.whole && slices.Contains(b.words, l.text)
			for _, other := range list {
				fits = fits && (other.text == l.text || !strings.HasPrefix(other.text, l.text))
			}
		}
		if fits && len(texts) == len(b.words) {
			return n
		}
	}
	return 0
}

// setNamed takes what stands behind a name of some parts, where the name is secret
// too, as a prefix is that issuers give their keys.
func (s *shape) setNamed(r *rule, group []*syntax.Regexp, name int) bool {
	b := r.branches[0]
	parts := b.tail()
	for name > 0 && width(parts[:1]) == 0 {
		parts, name = parts[1:], name-1
	}
	if group == nil && width(b.parts[:b.at]) == 0 {
		group = parts
	}
	if len(r.branches) > 1 || name == 0 || len(group) <= name || len(group) > len(parts) || !slices.Equal(parts[:len(group)], group) {
		return false
	}
	value, end := group[name:], parts[len(group):]
	s.bare, s.named = true, true
	switch len(end) {
	case 0:
		s.endless = true
		s.cut = len(value) == 1 && value[0].Op == syntax.OpRepeat && value[0].Max > 0
		return s.setEndless(value)
	case 1:
		return len(value) == 1 && s.setValue(value[0]) && s.setEnd(end[0])
	}
	return false
}

// setParts takes what stands behind the name.
func (s *shape) setParts(value, parts []*syntax.Regexp) bool {
	if value == nil || s.named {
		return false
	}
	if slices.Equal(parts, value) {
		s.endless, s.partial, s.bare = true, true, true
		return s.setEndless(parts)
	}
	n := 0
	s.gap, n = runsOf(parts, n)
	if len(s.gap) == 0 || n == len(parts) || !s.setSeparator(parts[n]) {
		return false
	}
	s.quotes, n = runsOf(parts, n+1)
	if n < len(parts) && parts[n].Op == syntax.OpQuest {
		alone, next, ok := beginnings(parts[n].Sub[0])
		if !ok || alone != [256]bool{} {
			return false
		}
		s.opener = next
		n++
	}
	switch rest := parts[n:]; {
	case slices.Equal(rest, value):
		s.endless, s.partial = true, true
		return s.setEndless(rest)
	case len(rest) == 2 && slices.Equal(rest[:1], value):
		return s.setValue(rest[0]) && s.setEnd(rest[1])
	}
	return false
}

// groupOf is the first group of an expression, in parts.
func groupOf(re *syntax.Regexp) []*syntax.Regexp {
	if re.Op == syntax.OpCapture {
		return plain(re.Sub[0])
	}
	for _, sub := range re.Sub {
		if group := groupOf(sub); group != nil {
			return group
		}
	}
	return nil
}

// runsOf are the parts from n on that are runs of a set and may be empty, and
// the number of the part behind them.
func runsOf(parts []*syntax.Regexp, n int) (list []some, next int) {
	for ; n < len(parts); n++ {
		one, ok := runOf(parts[n])
		if !ok || one.least > 0 || one.unbounded { // read would stop within it
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
	if sub := re.Sub[0]; sub.Op != syntax.OpCharClass && (sub.Op != syntax.OpLiteral || len(sub.Rune) > 1) {
		return one, false
	}
	if one.most < 0 {
		one.most, one.unbounded = longest, true
	}
	set := allBytes(re.Sub[0])
	clear(set[utf8.RuneSelf:]) // read stops there
	one.set = &set
	return one, one.most <= longest
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
	return len(forms) == 1 || s.other > 0
}

// setEndless takes a run, then perhaps one more of some bytes, then perhaps a few
// others.
func (s *shape) setEndless(parts []*syntax.Regexp) (ok bool) {
	if len(parts) > 3 || parts[0].Flags&syntax.NonGreedy != 0 {
		return false
	}
	if s.value, ok = runOf(parts[0]); !ok || s.value.least == 0 {
		return false
	}
	s.mark(s.value.set, inValue)
	last := s.value.set
	if len(parts) > 1 && parts[1].Op == syntax.OpCharClass {
		set := allBytes(parts[1])
		last = &set
		s.value.least++
		parts = parts[1:]
	}
	s.mark(last, isLast|goesOn)
	for _, re := range parts[1:] {
		one, ok := runOf(re)
		if !ok || one.least > 0 {
			return false
		}
		s.mark(one.set, goesOn)
	}
	return true
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
	if re.Op == syntax.OpAlternate && re.Sub[0].Op == syntax.OpWordBoundary {
		s.boundary = true
		return s.other == 0
	}
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

// setSpellings finds out how the words of a branch, whose name is of some parts,
// can be spelt.
func (s *shape) setSpellings(b *branch, parts int) bool {
	name := &syntax.Regexp{Op: syntax.OpConcat, Sub: b.tail()[:parts]}
	if anyCase(name) {
		return true
	}
	re, err := regexp.Compile(`^(?:` + name.String() + `)$`)
	if err != nil {
		return false
	}
	for _, w := range b.words {
		list, any := spellings(re, w)
		if len(list) == 0 {
			return false
		}
		if !any {
			s.spellings = append(s.spellings, spelling{[]byte(w), list})
		}
	}
	return true
}
