package pattern

import (
	"bytes"
	"slices"
)

// withRequired keeps the findings of rules whose required rules match near
// them. found is grouped by rule.
func withRequired(found []finding, frag *fragment) []finding {
	kept := found[:0:0]
	for i := range found {
		if requiredNear(&found[i], found, frag) {
			kept = append(kept, found[i])
		}
	}
	return kept
}

func requiredNear(f *finding, all []finding, frag *fragment) bool {
	for _, n := range f.rule.required {
		if !n.metBy(f, all, frag) {
			return false
		}
	}
	return true
}

func (n *need) metBy(f *finding, all []finding, frag *fragment) bool {
	for i := range all {
		if all[i].rule == n.rule && n.within(f, &all[i], frag) {
			return true
		}
	}
	return false
}

func (n *need) within(f, other *finding, frag *fragment) bool {
	if n.lines != nil && bytes.Count(frag.between(f, other), []byte("\n")) > *n.lines {
		return false
	}
	if n.columns != nil {
		apart := frag.column(f) - frag.column(other)
		return max(apart, -apart) <= *n.columns
	}
	return true
}

// maxPairs bounds how often findings on one line are compared. With more, a
// generic one stays: it is better to say something twice than not at all.
const maxPairs = 1 << 14

// withoutGeneric drops what a generic rule found where a specific one found
// the same secret, or more of it, on the same line.
func withoutGeneric(found []finding, frag *fragment) []finding {
	generic := 0
	for i := range found {
		if found[i].rule.generic {
			generic++
		}
	}
	if generic == 0 || generic == len(found) {
		return found
	}
	slices.SortStableFunc(found, func(a, b finding) int { return a.at - b.at })
	kept := found[:0]
	for from := 0; from < len(found); {
		to := from + 1
		for to < len(found) && frag.sameLine(&found[to-1], &found[to]) {
			to++
		}
		kept = appendSpecific(kept, found[from:to], frag)
		from = to
	}
	return kept
}

// appendSpecific appends those of a line that stay. kept may lie before line in
// the same array.
func appendSpecific(kept, line []finding, frag *fragment) []finding {
	var specific [][]byte
	for i := range line {
		if !line[i].rule.generic {
			specific = append(specific, line[i].secretIn(frag))
		}
	}
	pairs := 0
	for i := range line {
		f := &line[i]
		if f.rule.generic && slices.ContainsFunc(specific, func(s []byte) bool {
			pairs++
			return pairs <= maxPairs && bytes.Contains(s, f.secretIn(frag))
		}) {
			continue
		}
		kept = append(kept, *f)
	}
	return kept
}
