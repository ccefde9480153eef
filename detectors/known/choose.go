package known

import (
	"cmp"
	"slices"
	"strings"

	"sluice/internal/record"
)

// hit is a match and the secret that it is of.
type hit struct {
	record.Match
	of *secret
}

// choose appends the matches that are not told better by another: those whose
// bytes all stand in a whole match, or, of parts, in a longer part. A part of
// which a whole match of the same secret leaves less than a part goes too: it is
// that one over a line break, and by chance a byte of the escape for the break.
func choose(dst []record.Match, found []hit) []record.Match {
	if len(found) == 0 {
		return dst
	}
	slices.SortStableFunc(found, func(a, b hit) int {
		return cmp.Or(
			cmp.Compare(a.Spans[0].Start, b.Spans[0].Start),
			cmp.Compare(end(&b.Match), end(&a.Match)),
			cmp.Compare(len(a.Spans), len(b.Spans)),
			-compareBool(a.Whole, b.Whole),
			cmp.Compare(rounds(&a.Match), rounds(&b.Match)),
		)
	})
	kept := found[:0]
	var whole, last *record.Match // of those before, the ones that end last
	wholes := map[*secret][]record.Span{}
	for i := range found {
		m := found[i] // a copy: kept grows over found
		if covers(whole, &m.Match) || !m.Whole && covers(last, &m.Match) {
			continue
		}
		kept = append(kept, m)
		p := &kept[len(kept)-1].Match
		if m.Whole {
			wholes[m.of] = append(wholes[m.of], m.Spans...)
		}
		if m.Whole && (whole == nil || end(p) > end(whole)) {
			whole = p
		}
		if last == nil || end(p) > end(last) {
			last = p
		}
	}
	for _, spans := range wholes {
		slices.SortFunc(spans, func(a, b record.Span) int { return a.Start - b.Start })
	}
	for i := range kept {
		if m := &kept[i]; m.Whole || wholes[m.of] == nil || left(&m.Match, wholes[m.of]) >= shortestPart {
			dst = append(dst, m.Match)
		}
	}
	return dst
}

// left is how many bytes of m are in none of the spans, which are sorted.
func left(m *record.Match, spans []record.Span) int {
	n := 0
	for _, s := range m.Spans {
		n += s.Len()
		i, _ := slices.BinarySearchFunc(spans, s.Start, func(x record.Span, at int) int { return cmp.Compare(x.End, at+1) })
		for at := s.Start; i < len(spans) && spans[i].Start < s.End; i++ {
			from, to := max(at, spans[i].Start), min(s.End, spans[i].End)
			if to > from {
				n -= to - from
				at = to
			}
		}
	}
	return n
}

func end(m *record.Match) int { return m.Spans[len(m.Spans)-1].End }

// rounds is how many encodings lie on a match; plain is none.
func rounds(m *record.Match) int {
	if m.Encoding == record.Plain {
		return 0
	}
	return 1 + strings.Count(string(m.Encoding), "+")
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// covers says whether all bytes of m belong to a, which begins no later.
func covers(a, m *record.Match) bool {
	if a == nil || end(a) < end(m) {
		return false
	}
	i := 0
	for _, s := range m.Spans {
		for i < len(a.Spans) && a.Spans[i].End < s.End {
			i++
		}
		if i == len(a.Spans) || a.Spans[i].Start > s.Start {
			return false
		}
	}
	return true
}
