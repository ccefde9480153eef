package redact

import (
	"slices"
	"sort"

	"sluice/internal/record"
)

// cover is a set of bytes as ascending spans that neither overlap nor touch.
type cover []record.Span

// size is the number of bytes in spans.
func size(spans []record.Span) (n int) {
	for _, s := range spans {
		n += s.Len()
	}
	return n
}

// find is the first span of c that ends at or behind at.
func (c cover) find(at int) int {
	return sort.Search(len(c), func(i int) bool { return c[i].End >= at })
}

// add puts the bytes of s into the set.
func (c *cover) add(s record.Span) {
	i := c.find(s.Start)
	j := i
	for j < len(*c) && (*c)[j].Start <= s.End {
		s.Start, s.End = min(s.Start, (*c)[j].Start), max(s.End, (*c)[j].End)
		j++
	}
	*c = slices.Replace(*c, i, j, s)
}

// touches says that a byte of s is in the set.
func (c cover) touches(s record.Span) bool {
	i := c.find(s.Start + 1)
	return i < len(c) && c[i].Start < s.End
}

// without returns spans less the bytes of the set.
func (c cover) without(spans []record.Span) []record.Span {
	if !slices.ContainsFunc(spans, c.touches) {
		return spans
	}
	var out []record.Span
	for _, s := range spans {
		for i := c.find(s.Start + 1); i < len(c) && c[i].Start < s.End; i++ {
			if c[i].Start > s.Start {
				out = append(out, record.Span{Start: s.Start, End: c[i].Start})
			}
			s.Start = min(c[i].End, s.End)
		}
		if s.Start < s.End {
			out = append(out, s)
		}
	}
	return out
}

// clip makes spans safe to index a text of n bytes with: a detector's mistake
// must not become a panic behind it.
func clip(spans []record.Span, n int) []record.Span {
	ok := true
	last := 0
	for _, s := range spans {
		ok = ok && s.Start >= last && s.Start < s.End && s.End <= n
		last = s.End
	}
	if ok {
		return spans
	}
	var set cover
	for _, s := range spans {
		s.Start, s.End = max(s.Start, 0), min(s.End, n)
		if s.Start < s.End {
			set.add(s)
		}
	}
	return set
}

// clipLead returns the part of spans behind the lead.
func clipLead(spans []record.Span, lead int) []record.Span {
	if len(spans) == 0 || spans[0].Start >= lead {
		return spans
	}
	var out []record.Span
	for _, s := range spans {
		if s.Start = max(s.Start, lead); s.Start < s.End {
			out = append(out, s)
		}
	}
	return out
}

// recordAt is the record that holds byte at, or the first one behind it.
func recordAt(records []record.Record, at int) int {
	return sort.Search(len(records), func(i int) bool { return records[i].End > at })
}
