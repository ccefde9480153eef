package pattern

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxLiterals   = 64 // of one element; more of them say little
	maxLiteral    = 48 // bytes; what is longer is rare enough by its head
	maxClassChars = 16 // a class of more characters is no literal
)

// literal is a string that a match has to have at some place, lower case.
// Whole says that it is all there is at that place, so that a longer literal
// can be made by adding what follows.
type literal struct {
	text  string
	whole bool
}

// anyText is the literal set of an expression that says nothing about its
// first byte.
var anyText = []literal{{}}

// plain returns re without captures, and its parts if it is a sequence.
func plain(re *syntax.Regexp) []*syntax.Regexp {
	switch re.Op {
	case syntax.OpCapture:
		return plain(re.Sub[0])
	case syntax.OpConcat:
		var parts []*syntax.Regexp
		for _, sub := range re.Sub {
			parts = append(parts, plain(sub)...)
		}
		return parts
	case syntax.OpEmptyMatch:
		return nil
	}
	return []*syntax.Regexp{re}
}

// literals are what expressions begin with, as far as they were worked
// out: planning a rule asks for those of a part many times. nil remembers nothing.
type literals map[*syntax.Regexp][]literal

// heads returns literals of which every match of the sequence begins with one.
func (k literals) heads(parts []*syntax.Regexp) []literal { return k.headsUpTo(parts, maxLiteral) }

// headsUpTo does not split literals of enough bytes any further.
func (k literals) headsUpTo(parts []*syntax.Regexp, enough int) []literal {
	set := []literal{{whole: true}}
	for _, part := range parts {
		tails := k.headsOf(part)
		next := cross(set, tails)
		if next == nil || len(tails) > 2 && shortest(set) >= enough {
			return open(set)
		}
		set = next
		if !slices.ContainsFunc(set, func(l literal) bool { return l.whole }) {
			break
		}
	}
	return set
}

func shortest(set []literal) int {
	n := maxLiteral
	for _, l := range set {
		n = min(n, len(l.text))
	}
	return n
}

// open marks all literals as not whole: something unknown follows.
func open(set []literal) []literal {
	out := make([]literal, len(set))
	for i, l := range set {
		out[i] = literal{text: l.text}
	}
	return out
}

// cross puts each of tails behind each whole literal of set. It returns nil if
// there would be too many of them.
func cross(set, tails []literal) []literal {
	if len(set)*len(tails) > 2*maxLiterals {
		return nil // even if half of them were equal
	}
	twice := len(set) > 1 && len(tails) > 1 // two ways may make one literal
	out := make([]literal, 0, min(len(set)*len(tails), maxLiterals+1))
	for _, l := range set {
		if !l.whole {
			out = append(out, l)
			continue
		}
		for _, t := range tails {
			n := literal{l.text + t.text, t.whole}
			if len(n.text) > maxLiteral {
				n = literal{text: n.text[:maxLiteral]}
			}
			if !twice && n.whole || !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
		if len(out) > maxLiterals {
			return nil
		}
	}
	return out
}

// headsOf is heads of one part. The list must not change.
func (k literals) headsOf(re *syntax.Regexp) []literal {
	list, ok := k[re]
	if !ok {
		list = slices.Clip(k.workOut(re))
		if k != nil {
			k[re] = list
		}
	}
	return list
}

func (k literals) workOut(re *syntax.Regexp) []literal {
	switch re.Op {
	case syntax.OpLiteral:
		return headsOfLiteral(re)
	case syntax.OpCharClass:
		return headsOfClass(re)
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText,
		syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return []literal{{whole: true}}
	case syntax.OpCapture, syntax.OpConcat:
		return k.heads(plain(re))
	case syntax.OpAlternate:
		var out []literal
		for _, sub := range re.Sub {
			out = append(out, k.headsOf(sub)...)
		}
		return limited(out)
	case syntax.OpQuest:
		return limited(append(k.headsOf(re.Sub[0]), literal{whole: true}))
	case syntax.OpPlus:
		return open(k.headsOf(re.Sub[0]))
	case syntax.OpRepeat:
		return k.headsOfRepeat(re)
	}
	return anyText
}

func limited(set []literal) []literal {
	if len(set) > maxLiterals {
		return anyText
	}
	return set
}

// headsOfRepeat follows the repetitions that must be there.
func (k literals) headsOfRepeat(re *syntax.Regexp) []literal {
	if re.Min == 0 {
		return anyText
	}
	one := k.headsOf(re.Sub[0])
	set := one
	for range min(re.Min, maxLiteral) - 1 {
		if !slices.ContainsFunc(set, func(l literal) bool { return l.whole }) {
			break
		}
		next := cross(set, one)
		if next == nil {
			return open(set)
		}
		set = next
	}
	if re.Min == re.Max && re.Min <= maxLiteral {
		return set
	}
	return open(set)
}

// headsOfLiteral is the literal in lower case. The automaton that looks for it
// knows ASCII only; what is not ends it.
func headsOfLiteral(re *syntax.Regexp) []literal {
	var b strings.Builder
	for _, r := range re.Rune {
		if r >= utf8.RuneSelf {
			return []literal{{text: b.String()}}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return []literal{{text: b.String(), whole: true}}
}

// headsOfClass is one literal a character. Long s and the Kelvin sign, which
// only stand there because of (?i), are found by the folded pass.
func headsOfClass(re *syntax.Regexp) []literal {
	var out []literal
	chars := 0
	for i := 0; i+1 < len(re.Rune); i += 2 {
		lo, hi := re.Rune[i], re.Rune[i+1]
		if chars += int(hi-lo) + 1; chars > 2*maxClassChars+2 { // both cases, and two that fold
			return anyText
		}
		if lo == hi && (lo == longS || lo == kelvin) {
			continue
		}
		if hi >= utf8.RuneSelf {
			return anyText
		}
		for r := lo; r <= hi; r++ {
			if l := (literal{string(unicode.ToLower(r)), true}); !slices.Contains(out, l) {
				out = append(out, l)
			}
		}
	}
	if len(out) == 0 || len(out) > maxClassChars {
		return anyText
	}
	return out
}
