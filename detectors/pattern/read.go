package pattern

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// read reads what stands behind a name in text[at:hit].
func (s *shape) read(text []byte, at, hit int) (r reading) {
	if s.spellings != nil && !s.spelt(text[at:hit]) {
		return nothing(hit)
	}
	if s.bare {
		return s.readBare(text, at, hit)
	}
	i := skip(text, hit, s.gap)
	if i+1 >= len(text) {
		return reading{}
	}
	c := text[i]
	longer := s.longer[c]
	switch {
	case s.kind[c]&wideRune != 0 || longer != nil && longer[text[i+1]]:
		return reading{}
	case s.kind[c]&separates == 0:
		return nothing(i + 2)
	}
	first := i + 1
	i = skip(text, first, s.quotes)
	for _, c := range text[first:i] {
		if s.kind[c]&(inValue|inOther|wideRune) != 0 {
			return reading{}
		}
	}
	if i+1 >= len(text) {
		return reading{}
	}
	if next := s.opener[text[i]]; next != nil && next[text[i+1]] {
		return reading{}
	}
	switch {
	case s.kind[text[i]]&(inValue|inOther|wideRune) == 0:
		return nothing(i + 2)
	case s.endless:
		return s.readEndless(text, i)
	}
	return s.readValue(text, i)
}

// nothing is the reading of no match, found out from the bytes before far.
func nothing(far int) reading { return reading{verdict: noMatch, far: int32(far)} }

// value is the reading of a match that ends at end, found out by the byte behind
// the value.
func value(start, stop, end int) reading {
	return reading{verdict: isMatch, start: int32(start), stop: int32(stop), end: int32(end), far: int32(stop + 1)}
}

// readBare reads a value that follows the name in text[at:hit] at once.
func (s *shape) readBare(text []byte, at, hit int) (r reading) {
	if s.endless {
		r = s.readEndless(text, hit)
	} else {
		r = s.readValue(text, hit)
	}
	if s.named {
		r.start = int32(at)
	}
	return r
}

// readEndless reads a value that ends where its bytes do: all of them are the
// secret, if the last can be last.
func (s *shape) readEndless(text []byte, start int) reading {
	limit := min(len(text), start+s.value.most+1)
	i := start
	for i < limit && s.kind[text[i]]&inValue != 0 {
		i++
	}
	switch {
	case s.cut && i-start >= s.value.most:
		return value(start, start+s.value.most, start+s.value.most)
	case i == limit || s.kind[text[i]]&(goesOn|wideRune) != 0:
		return reading{}
	case i-start < s.value.least:
		return nothing(i + 1)
	case s.kind[text[i-1]]&isLast == 0:
		return reading{}
	}
	return value(start, i, i)
}

// readValue reads a value that begins at start.
func (s *shape) readValue(text []byte, start int) reading {
	limit := min(len(text), start+s.value.most+1)
	i := start
	for i < limit && s.kind[text[i]]&inValue != 0 {
		i++
	}
	n := i - start
	if i == len(text) || n > s.value.most && (s.boundary || s.value.unbounded) {
		return reading{}
	}
	kind := s.kind[text[i]]
	switch {
	case n > s.value.most: // no end is among what a value is of
	case s.boundary && n >= s.value.least && kind&wideRune == 0 && isWord(text[i-1]) && !isWord(text[i]):
		return value(start, i, i)
	case s.boundary && n >= s.value.least:
		return reading{}
	case kind&wideRune != 0 || n >= s.value.least && kind&beginsEnd != 0:
		return reading{}
	case n >= s.value.least && kind&ends != 0:
		return value(start, i, i+1)
	}
	if s.other == 0 {
		return nothing(i + 1)
	}
	other := start
	for other < limit && s.kind[text[other]]&inOther != 0 {
		other++
	}
	if other == limit {
		return reading{}
	}
	kind = s.kind[text[other]]
	if kind&wideRune != 0 || other-start >= s.other && kind&(ends|beginsEnd) != 0 {
		return reading{}
	}
	return nothing(max(i, other) + 1)
}

// skip goes from i over runs, each as far as it goes: what one leaves, the next
// can take, so no other way gets further.
func skip(text []byte, i int, runs []some) int {
	for k := range runs {
		run := &runs[k]
		for limit := min(len(text), i+run.most); i < limit && run.set[text[i]]; i++ {
		}
	}
	return i
}

// spelt says whether the expression has a name as it is spelt.
func (s *shape) spelt(name []byte) bool {
	for i := range s.spellings {
		if w := &s.spellings[i]; len(w.word) == len(name) && bytes.EqualFold(name, w.word) {
			return slices.Contains(w.list, string(name))
		}
	}
	return true
}

// startOf goes back from a name at at to where the match begins: over what can
// stand before it, at most most runes, not before from.
func (s *shape) startOf(text []byte, r *rule, from, at int) int {
	i := at
	for least := max(from, at-r.run); i > least && text[i-1] < utf8.RuneSelf; i-- {
		if !s.before[text[i-1]] {
			return i
		}
	}
	if i > from && text[i-1] >= utf8.RuneSelf {
		return back(text, from, at, r.before, r.run)
	}
	return i
}
