package pattern

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// anyCase says whether re takes each letter of ASCII in either case.
func anyCase(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpLiteral:
		return re.Flags&syntax.FoldCase != 0 || strings.IndexFunc(string(re.Rune), unicode.IsLetter) < 0
	case syntax.OpCharClass:
		for c := 'a'; c <= 'z'; c++ {
			if inSet(re.Rune, c) != inSet(re.Rune, c-'a'+'A') {
				return false
			}
		}
		return true
	}
	return !slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return !anyCase(sub) })
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
