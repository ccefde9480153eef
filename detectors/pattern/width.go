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
func width(parts []*syntax.Regexp) int {
	sum := 0
	for _, part := range parts {
		sum = min(sum+widthOf(part), maxSpan)
	}
	return sum
}

func widthOf(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral:
		n := 0
		for _, r := range re.Rune {
			n += widestFold(r, re.Flags&syntax.FoldCase != 0)
		}
		return n
	case syntax.OpCharClass:
		if n := len(re.Rune); n > 0 {
			return runeWidth(re.Rune[n-1])
		}
		return 0
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return utf8.UTFMax
	case syntax.OpCapture, syntax.OpQuest, syntax.OpConcat:
		return width(re.Sub)
	case syntax.OpAlternate:
		widest := 0
		for _, sub := range re.Sub {
			widest = max(widest, widthOf(sub))
		}
		return widest
	case syntax.OpStar, syntax.OpPlus:
		if widthOf(re.Sub[0]) == 0 {
			return 0
		}
		return maxSpan
	case syntax.OpRepeat:
		one := widthOf(re.Sub[0])
		if one > 0 && (re.Max < 0 || re.Max > maxSpan/one) {
			return maxSpan
		}
		return one * max(re.Max, 0)
	}
	return 0
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

// longestOf is how many runes a match of the sequence has at most, maxSpan if it has no
// bound or a larger one.
func longestOf(parts []*syntax.Regexp) int {
	sum := 0
	for _, re := range parts {
		sum = min(sum+runesIn(re), maxSpan)
	}
	return sum
}

func runesIn(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCapture, syntax.OpQuest, syntax.OpConcat:
		return longestOf(re.Sub)
	case syntax.OpAlternate:
		most := 0
		for _, sub := range re.Sub {
			most = max(most, runesIn(sub))
		}
		return most
	case syntax.OpStar, syntax.OpPlus:
		return maxSpan
	case syntax.OpRepeat:
		one := longestOf(re.Sub)
		if one > 0 && (re.Max < 0 || re.Max > maxSpan/one) {
			return maxSpan
		}
		return one * max(re.Max, 0)
	}
	return 0
}
