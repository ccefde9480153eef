package pattern

import (
	"bytes"
	"regexp/syntax"
	"slices"
)

// head is what can stand between where a match begins and the words of a branch.
type head struct {
	words []string
	none  edge // bytes before a word at which the match begins: those tell it for sure
	some  edge // bytes that may be the last of a match's before its word
	width int  // bytes, at most
	index int  // of the branch
	// program matches what ends with one of some, up to the end of a text; nil: it
	// depends on what stands around it.
	program func() *program
}

// What is known of where the match begins that has a word at a place.
const (
	beginsElsewhere = iota // or it is not known
	beginsHere
	beginsNowhere
)

// headOf is the head of a branch.
func headOf(b *branch) head {
	before, letters := b.before()
	h := head{words: b.words, width: width(before), index: b.index}
	ways := [][]*syntax.Regexp{before}
	if len(ways[0]) == 1 {
		ways = alternatives(ways[0][0])
	}
	long := &syntax.Regexp{Op: syntax.OpAlternate}
	for _, parts := range ways {
		e, empty := edgeOf(parts, letters)
		switch {
		case len(parts) == 0:
			h.none = anyEdge()
		case len(parts) == 1 && isEdge(parts[0], letters):
			h.none.add(e)
		case empty:
			h.some = anyEdge()
			long.Sub = append(long.Sub, &syntax.Regexp{Op: syntax.OpConcat, Sub: parts})
		default:
			h.some.add(e)
			long.Sub = append(long.Sub, &syntax.Regexp{Op: syntax.OpConcat, Sub: parts})
		}
	}
	if !looksAround(long) {
		h.program = lazily([]*syntax.Regexp{long, {Op: syntax.OpEndText}})
	}
	return h
}

// isEdge says whether re, before letters, looks just at the byte before it.
func isEdge(re *syntax.Regexp, letters bool) bool {
	return re.Op == syntax.OpWordBoundary && letters || re.Op == syntax.OpBeginLine || re.Op == syntax.OpBeginText
}

// looksAround says whether re has a \b, ^, $ or the like.
func looksAround(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	return slices.ContainsFunc(re.Sub, looksAround)
}

// begins says whether the match that has a word in text[at:hit] begins there.
func (s *shape) begins(text []byte, at, hit int) (verdict int) {
	verdict = beginsNowhere
	for i := range s.heads {
		h := &s.heads[i]
		switch {
		case !h.has(text[at:hit]):
		case h.some.has(text, at):
			return beginsElsewhere
		case h.none.has(text, at):
			verdict = beginsHere
		}
	}
	return verdict
}

// startBefore is where the match of r begins, from from on, that has a word in
// text[at:hit] and whose tail matches; behind at, if there is none. It is not ok if
// that is not known.
func (m *machine) startBefore(text []byte, r *rule, from, at, hit int) (start int, ok bool) {
	begins := r.begins()
	start = at + 1
	for n := range r.shape().heads {
		h := &r.shape().heads[n]
		if !h.has(text[at:hit]) {
			continue
		}
		if h.none.has(text, at) {
			start = min(start, at)
		}
		if !h.some.has(text, at) {
			continue
		}
		if h.program == nil {
			return at, false
		}
		d := m.dfaAt(&m.heads[h.index], h.program, true)
		for i := runeStart(text, from, at-h.width); i < start; i += runeLen(text, i) {
			if !begins[text[i]] {
				continue
			}
			if end, _ := d.run(text[:at], i, at, true); end >= 0 {
				start = i
			}
		}
	}
	return start, !m.thrash
}

func (h *head) has(word []byte) bool {
	for _, w := range h.words {
		if len(w) == len(word) && bytes.EqualFold([]byte(w), word) {
			return true
		}
	}
	return false
}

// openedBy are the bytes unless a match of re begins with which a group begins where
// it does; nil if that is not so or not known.
func openedBy(re *syntax.Regexp, group int) *[256]bool {
	unless := new([256]bool)
	for {
		parts := []*syntax.Regexp{re}
		if re.Op == syntax.OpConcat {
			parts = re.Sub
		}
		n := slices.IndexFunc(parts, func(part *syntax.Regexp) bool { return minWidthOf(part) > 0 || part.Op == syntax.OpCapture })
		if n < 0 || parts[n].Op != syntax.OpCapture {
			return nil
		}
		for _, part := range parts[:n] {
			begin, _ := firstBytes(part)
			for c, in := range begin {
				unless[c] = unless[c] || in
			}
		}
		if parts[n].Cap == group {
			return unless
		}
		re = parts[n].Sub[0]
	}
}
