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
	var room [2][maxLiterals + 1]literal // for sets that are not the last
	set := append(room[0][:0], literal{whole: true})
	for i, part := range parts {
		tails := k.headsOf(part)
		next := cross(room[(i+1)%2][:0], set, tails)
		if next == nil || len(tails) > 3 && shortest(set) >= enough {
			return open(set)
		}
		set = next
		if !slices.ContainsFunc(set, func(l literal) bool { return l.whole }) {
			break
		}
	}
	return slices.Clone(set)
}

// opens says whether some literal that every match of the sequence can begin with
// is bad and nothing can be added to it: for a sequence whose first part says so,
// nobody has to work out the rest.
func (k literals) opens(parts []*syntax.Regexp, bad func(literal) bool) bool {
	return slices.ContainsFunc(k.headsOf(parts[0]), func(l literal) bool { return !l.whole && bad(l) })
}

func tooShort(l literal) bool { return len(l.text) < minWord }

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

// cross appends to out, which is empty, each of tails behind each whole literal of
// set. It returns nil if there would be too many of them.
func cross(out, set, tails []literal) []literal {
	if len(set)*len(tails) > 2*maxLiterals {
		return nil // even if half of them were equal
	}
	twice := len(set) > 1 && len(tails) > 1 && !apart(set, tails) // two ways may make one literal
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
			if !twice && n.whole || !contains(out, n) {
				out = append(out, n)
			}
		}
		if len(out) > maxLiterals {
			return nil
		}
	}
	return out
}

// apart says whether set and tails are so alike in length that no two ways can make
// one literal: nearly always they are characters of classes.
func apart(set, tails []literal) bool {
	even := func(list []literal) bool {
		for i, l := range list {
			if !l.whole || len(l.text) != len(list[0].text) || contains(list[:i], l) {
				return false
			}
		}
		return true
	}
	return len(set[0].text)+len(tails[0].text) <= maxLiteral && even(set) && even(tails)
}

// contains is slices.Contains, which compares all of the texts first.
func contains(list []literal, l literal) bool {
	for i := range list {
		if o := &list[i]; len(o.text) == len(l.text) && o.whole == l.whole && (l.text == "" || o.text[len(o.text)-1] == l.text[len(l.text)-1]) && o.text == l.text {
			return true
		}
	}
	return false
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
		next := cross(nil, set, one)
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
	chars := 0
	for i := 0; i+1 < len(re.Rune); i += 2 {
		if chars += int(re.Rune[i+1]-re.Rune[i]) + 1; chars > 2*maxClassChars+2 { // both cases, and two that fold
			return anyText
		}
	}
	out := make([]literal, 0, chars)
	for i := 0; i+1 < len(re.Rune); i += 2 {
		lo, hi := re.Rune[i], re.Rune[i+1]
		if lo == hi && (lo == longS || lo == kelvin) {
			continue
		}
		if hi >= utf8.RuneSelf {
			return anyText
		}
		for r := lo; r <= hi; r++ {
			if l := (literal{string(unicode.ToLower(r)), true}); !contains(out, l) {
				out = append(out, l)
			}
		}
	}
	if len(out) == 0 || len(out) > maxClassChars {
		return anyText
	}
	return out
}
