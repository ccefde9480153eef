package pattern

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// look is a first look behind a word, before any automaton runs: between a name
// and its value stand only bytes of gap, at most most of them, and then one that
// is not of gap and must be of stop. Names in prose and code nearly always fail
// it. From the stop on stand bytes of middle, and then at least worth bytes of
// body: most values in a log are too short. The zero value lets everything pass.
type look struct {
	kind [256]uint8
	// least and most are how far behind the word's first byte the stop is.
	least, most int
	// The gap of any branch is of name, then of rest: so many bytes behind the word's first
	// name and all of it end, if they are ASCII. 0: that is not known, or they have no bound.
	name, gap int
	between   int // bytes of middle, at most
	worth     int // 0: the look ends at the stop
}

const (
	inGap = 1 << iota
	isStop
	inMiddle
	inBody
	inName // the gap's bytes of ASCII
	inRest
)

const (
	leastWorth  = 6  // bytes of a value; a shorter one tells nothing
	mostGap     = 96 // bytes of a gap that is read anew for each word
	mostBetween = 32 // bytes between stop and value
)

// newLook makes the look of branches that share a word; nil if they have no gap
// in common.
func newLook(list []*branch) *look {
	l := &look{least: maxSpan}
	ends := make([]int, len(list)) // part that begins with the stop, in tail
	for i := range ends {
		ends[i] = 1
		l.addGap(list[i].tail()[:1])
	}
	for again := true; again; {
		again = false
		for i, b := range list {
			for parts := b.tail(); ; ends[i]++ {
				if ends[i] == len(parts) {
					return nil
				}
				if l.stopsAt(parts[ends[i]]) {
					break
				}
				l.addGap(parts[ends[i] : ends[i]+1])
				again = true
			}
		}
	}
	for i, b := range list {
		first, _ := firstBytes(b.tail()[ends[i]])
		l.mark(first, isStop)
		l.least = min(l.least, minWidth(b.tail()[:ends[i]]))
		l.most = max(l.most, width(b.tail()[:ends[i]]))
	}
	l.addValues(list, ends)
	l.addNames(list, ends)
	return l
}

// addNames parts the gap of each branch: its last run is the rest, if there is another
// between that and the word.
func (l *look) addNames(list []*branch, ends []int) {
	rest := 0
	for i, b := range list {
		name, tail := b.tail()[:ends[i]], []*syntax.Regexp(nil)
		if ends[i] > 2 {
			name, tail = name[:ends[i]-1], name[ends[i]-1:]
		}
		for _, re := range name {
			l.mark(allBytes(re), inName)
		}
		for _, re := range tail {
			l.mark(allBytes(re), inRest)
		}
		l.name, rest = max(l.name, runes(name)), max(rest, runes(tail))
	}
	for c := utf8.RuneSelf; c < len(l.kind); c++ {
		l.kind[c] &^= inName | inRest
	}
	if l.gap = l.name + rest; l.gap > mostGap {
		l.name, l.gap = 0, 0
	}
}

// addValues extends the look to the values of all branches, if each has one.
func (l *look) addValues(list []*branch, ends []int) {
	worth := longest
	for i, b := range list {
		rest := b.tail()[ends[i]:]
		n := slices.IndexFunc(rest, func(re *syntax.Regexp) bool { return minWidthOf(re) >= leastWorth })
		if n < 0 || width(rest[:n]) > mostBetween {
			return
		}
		worth = min(worth, minWidthOf(rest[n]))
		l.between = max(l.between, width(rest[:n]))
		for _, re := range rest[:n] {
			l.mark(allBytes(re), inMiddle)
		}
		l.mark(allBytes(rest[n]), inBody)
	}
	l.worth = worth
}

func (l *look) mark(set [256]bool, kind uint8) {
	for c, in := range set {
		if in {
			l.kind[c] |= kind
		}
	}
}

func (l *look) addGap(parts []*syntax.Regexp) {
	for _, re := range parts {
		l.mark(allBytes(re), inGap)
	}
}

// stopsAt says whether a part has to be there and begins with none of the gap.
func (l *look) stopsAt(re *syntax.Regexp) bool {
	first, empty := firstBytes(re)
	if empty {
		return false
	}
	for c, in := range first {
		if in && l.kind[c]&inGap != 0 {
			return false
		}
	}
	return true
}

// firstBytes are those that a match of re can begin with, and whether it can be
// empty.
func firstBytes(re *syntax.Regexp) (set [256]bool, empty bool) {
	add := func(other [256]bool) {
		for c, in := range other {
			set[c] = set[c] || in
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		return bytesOf(re.Rune[:1], re.Flags&syntax.FoldCase != 0), false
	case syntax.OpCapture, syntax.OpPlus:
		return firstBytes(re.Sub[0])
	case syntax.OpStar, syntax.OpQuest:
		set, _ = firstBytes(re.Sub[0])
		return set, true
	case syntax.OpRepeat:
		set, empty = firstBytes(re.Sub[0])
		return set, empty || re.Min == 0
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			one, none := firstBytes(sub)
			add(one)
			if !none {
				return set, false
			}
		}
		return set, true
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			one, none := firstBytes(sub)
			add(one)
			empty = empty || none
		}
		return set, empty
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return allBytes(re), false
	}
	return set, true
}

// beginsOf are the bytes that a match of re can begin with; all of them, if it can
// be empty.
func beginsOf(re *syntax.Regexp) *[256]bool {
	set, empty := firstBytes(re)
	for c := range set {
		set[c] = set[c] || empty
	}
	return &set
}

// allBytes are those that can stand in a match of re.
func allBytes(re *syntax.Regexp) (set [256]bool) {
	switch re.Op {
	case syntax.OpLiteral:
		return bytesOf(re.Rune, re.Flags&syntax.FoldCase != 0)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		for c := range set {
			set[c] = re.Op == syntax.OpAnyChar || c != '\n'
		}
	case syntax.OpCharClass:
		eachASCII(re.Rune, func(c byte) { set[c] = true })
		if n := len(re.Rune); n > 0 && re.Rune[n-1] >= utf8.RuneSelf {
			wide(&set)
		}
	}
	for _, sub := range re.Sub {
		for c, in := range allBytes(sub) {
			set[c] = set[c] || in
		}
	}
	return set
}

// bytesOf are the bytes of runes, in both cases if they fold.
func bytesOf(runes []rune, fold bool) (set [256]bool) {
	for _, r := range runes {
		if r >= utf8.RuneSelf {
			wide(&set)
			continue
		}
		set[r] = true
		if c := byte(r) | 0x20; fold && c >= 'a' && c <= 'z' {
			set[c], set[c&^0x20] = true, true
			if c == 'k' || c == 's' {
				wide(&set)
			}
		}
	}
	return set
}

// wide adds every byte that a rune beyond ASCII has, and what is no UTF-8.
func wide(set *[256]bool) {
	for c := utf8.RuneSelf; c < len(set); c++ {
		set[c] = true
	}
}

// run is a stretch of text that is all gap.
type run struct{ start, end int }

// passes says whether the text behind a word at at may hold the rest of a match,
// and where the stop stands then, else up to where it looked. known is a stretch
// that an earlier look found to be gap.
func (l *look) passes(text []byte, at int, known *run) (ok bool, far int) {
	i := at + l.least
	if l.gap > 0 {
		for limit := min(at+l.name, len(text)); i < limit && l.kind[text[i]]&inName != 0; i++ {
		}
		for limit := min(at+l.gap, len(text)); i < limit && l.kind[text[i]]&inRest != 0; i++ {
		}
		switch {
		case i >= len(text):
			return false, i
		case l.kind[text[i]]&isStop != 0:
			return l.worthIt(text, i)
		case text[i] < utf8.RuneSelf || l.kind[text[i]]&inGap == 0:
			return false, i
		}
		i = at + l.least
	}
	if i < known.start || i > known.end {
		known.start = i
	} else {
		i = known.end
	}
	for limit := min(at+l.most, len(text)-1); i <= limit && l.kind[text[i]]&inGap != 0; i++ {
	}
	known.end = i
	if i >= len(text) || i > at+l.most || l.kind[text[i]]&isStop == 0 {
		return false, i
	}
	return l.worthIt(text, i)
}

// worthIt is passes for what stands behind the stop: whether a value may begin
// there. It begins within the bytes of middle, or right behind them.
func (l *look) worthIt(text []byte, stop int) (ok bool, far int) {
	if l.worth == 0 {
		return true, stop
	}
	i := stop
	for limit := min(stop+l.between, len(text)); i < limit && l.kind[text[i]]&inMiddle != 0; i++ {
	}
	start := i
	for start > stop && l.kind[text[start-1]]&inBody != 0 {
		start--
	}
	for limit := min(start+l.worth, len(text)); i < limit && l.kind[text[i]]&inBody != 0; i++ {
	}
	if i < start+l.worth {
		return false, i
	}
	return true, stop
}
