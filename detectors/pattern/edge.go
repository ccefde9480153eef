package pattern

import (
	"regexp/syntax"
	"slices"
)

// edge is a set of bytes that can stand right before a place, and whether the
// text can begin there.
type edge struct {
	bytes byteSet
	start bool
}

// byteSet is a set of bytes, small enough to lie beside what it decides on.
type byteSet [4]uint64

func (b *byteSet) add(c byte) { b[c>>6] |= 1 << (c & 63) }

func (b *byteSet) has(c byte) bool { return b[c>>6]>>(c&63)&1 != 0 }

func (e *edge) add(other edge) {
	for i, in := range other.bytes {
		e.bytes[i] |= in
	}
	e.start = e.start || other.start
}

// has says whether the byte before text[at] is in the set.
func (e *edge) has(text []byte, at int) bool {
	if at == 0 {
		return e.start
	}
	return e.bytes.has(text[at-1])
}

// hasEither says whether c, as a word has it, is in the set in either case.
func (e *edge) hasEither(c byte) bool {
	return e.bytes.has(c) || c >= 'a' && c <= 'z' && e.bytes.has(c-'a'+'A')
}

func (e *edge) addIf(in func(c byte) bool) {
	for c := range 256 {
		if in(byte(c)) {
			e.bytes.add(byte(c))
		}
	}
}

// anyEdge is the edge that says nothing.
func anyEdge() edge {
	e := edge{start: true}
	e.addIf(func(byte) bool { return true })
	return e
}

// beside is what can stand right before the word of a branch. Most words of
// rules stand in longer words of ordinary text, and this is the cheapest way to
// see it.
func (b *branch) beside() edge {
	e, empty := edgeOf(b.before())
	if empty {
		return anyEdge()
	}
	return e
}

// before is the parts that stand before the words of a branch, with those of no
// width right before them. letters: the words begin with word characters.
func (b *branch) before() (parts []*syntax.Regexp, letters bool) {
	end := b.at
	for end < len(b.parts) && width(b.parts[end:end+1]) == 0 {
		end++
	}
	return b.parts[:end], !slices.ContainsFunc(b.words, func(w string) bool { return !isWord(w[0]) })
}

// edgeOf is what a sequence can end with, and whether it can be empty without
// saying anything. letters: what follows begins with a word character.
func edgeOf(parts []*syntax.Regexp, letters bool) (e edge, empty bool) {
	for i := len(parts) - 1; i >= 0; i-- {
		one, none := edgeOfPart(parts[i], letters)
		e.add(one)
		if !none {
			return e, false
		}
	}
	return e, true
}

func edgeOfPart(re *syntax.Regexp, letters bool) (e edge, empty bool) {
	switch re.Op {
	case syntax.OpLiteral:
		set := bytesOf(re.Rune[len(re.Rune)-1:], re.Flags&syntax.FoldCase != 0)
		e.addIf(func(c byte) bool { return set[c] })
		return e, false
	case syntax.OpCharClass:
		e.bytes[2], e.bytes[3] = ^uint64(0), ^uint64(0) // what is not ASCII
		eachASCII(re.Rune, e.bytes.add)
		return e, false
	case syntax.OpWordBoundary:
		if letters {
			e.start = true
			e.addIf(func(c byte) bool { return !isWord(c) })
			return e, false
		}
	case syntax.OpBeginText:
		return edge{start: true}, false
	case syntax.OpBeginLine:
		e.start = true
		e.bytes.add('\n')
		return e, false
	case syntax.OpCapture, syntax.OpConcat:
		return edgeOf(plain(re), letters)
	case syntax.OpEmptyMatch:
		return e, true
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			one, none := edgeOf(plain(sub), letters)
			e.add(one)
			empty = empty || none
		}
		return e, empty
	case syntax.OpQuest, syntax.OpStar, syntax.OpPlus, syntax.OpRepeat:
		e, empty = edgeOf(plain(re.Sub[0]), letters)
		return e, empty || re.Op == syntax.OpQuest || re.Op == syntax.OpStar || re.Op == syntax.OpRepeat && re.Min == 0
	}
	return anyEdge(), false
}
