package pattern

import (
	"regexp/syntax"
	"unicode/utf8"
)

// maxSpan bounds what a rule without a bound of its own can reach, in bytes: a
// private key of 64 KiB is none.
const maxSpan = 64 << 10

// width is how many bytes a match of the sequence has at most, maxSpan if it
// has no bound or a larger one.
func width(parts []*syntax.Regexp) int { return most(parts, bytesIn) }

func widthOf(re *syntax.Regexp) int { return mostOf(re, bytesIn) }

// runes is width in runes.
func runes(parts []*syntax.Regexp) int { return most(parts, runesIn) }

// most is how much a match of the sequence has at most of what one of a literal or a
// character has.
func most(parts []*syntax.Regexp, one func(*syntax.Regexp) int) int {
	sum := 0
	for _, part := range parts {
		sum = min(sum+mostOf(part, one), maxSpan)
	}
	return sum
}

func mostOf(re *syntax.Regexp, one func(*syntax.Regexp) int) int {
	switch re.Op {
	case syntax.OpLiteral, syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return one(re)
	case syntax.OpCapture, syntax.OpQuest, syntax.OpConcat:
		return most(re.Sub, one)
	case syntax.OpAlternate:
		widest := 0
		for _, sub := range re.Sub {
			widest = max(widest, mostOf(sub, one))
		}
		return widest
	case syntax.OpStar, syntax.OpPlus:
		if mostOf(re.Sub[0], one) == 0 {
			return 0
		}
		return maxSpan
	case syntax.OpRepeat:
		n := mostOf(re.Sub[0], one)
		if n > 0 && (re.Max < 0 || re.Max > maxSpan/n) {
			return maxSpan
		}
		return n * max(re.Max, 0)
	}
	return 0
}

func bytesIn(re *syntax.Regexp) int {
	n := 0
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			n += widestFold(r, re.Flags&syntax.FoldCase != 0)
		}
	case syntax.OpCharClass:
		if last := len(re.Rune) - 1; last >= 0 {
			n = runeWidth(re.Rune[last])
		}
	default:
		n = utf8.UTFMax
	}
	return n
}

func runesIn(re *syntax.Regexp) int {
	if re.Op == syntax.OpLiteral {
		return len(re.Rune)
	}
	return 1
}

// widestFold is the width of r in the widest of its cases.
func widestFold(r rune, fold bool) int {
	switch {
	case !fold:
		return runeWidth(r)
	case r == 'k' || r == 'K':
		return runeWidth(kelvin)
	case r == 's' || r == 'S':
		return runeWidth(longS)
	case r < utf8.RuneSelf:
		return 1
	}
	return utf8.UTFMax
}

func runeWidth(r rune) int {
	if n := utf8.RuneLen(r); n > 0 {
		return n
	}
	return utf8.UTFMax
}

// minWidth is how many bytes a match of the sequence has at least.
func minWidth(parts []*syntax.Regexp) int {
	sum := 0
	for _, part := range parts {
		sum += minWidthOf(part)
	}
	return sum
}

func minWidthOf(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune) // each rune has a case of one byte, or is wider
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCapture, syntax.OpPlus, syntax.OpConcat:
		return minWidth(re.Sub)
	case syntax.OpAlternate:
		least := maxSpan
		for _, sub := range re.Sub {
			least = min(least, minWidthOf(sub))
		}
		return least
	case syntax.OpRepeat:
		return min(re.Min*minWidthOf(re.Sub[0]), maxSpan)
	}
	return 0
}
