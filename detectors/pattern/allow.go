package pattern

import (
	"bytes"
	"regexp/syntax"
	"slices"
	"sync"

	"sluice/rules"
)

// allowlist is a reason not to report, made ready.
type allowlist struct {
	*rules.Allowlist
	number  int
	program func() *program // of its expressions; nil: none
	needles [][]byte        // one of them is in every match of those; nil: not known
	words   *stopWords      // nil: none
}

func newAllowlists(from []rules.Allowlist, number *int) []*allowlist {
	list := make([]*allowlist, 0, len(from))
	for i := range from {
		a := &allowlist{Allowlist: &from[i], number: *number}
		*number++
		if len(a.Regexes) > 0 {
			a.program = sync.OnceValue(func() *program { return compile(eitherOf(a.Regexes)) })
		}
		if a.RegexTarget == "line" {
			a.needles = needlesOf(a.Regexes)
		}
		if a.MatchAll {
			a.words = newStopWords(a.StopWords)
		}
		list = append(list, a)
	}
	return list
}

// eitherOf is one expression that matches where one of list does.
func eitherOf(list []*rules.Expression) []*syntax.Regexp {
	any := &syntax.Regexp{Op: syntax.OpAlternate}
	for _, re := range list {
		if tree, err := syntax.Parse(re.String(), syntax.Perl); err == nil { // it was compiled from this text
			any.Sub = append(any.Sub, tree)
		}
	}
	return []*syntax.Regexp{any}
}

// needlesOf are texts of which every match of list holds one; nil if that is
// not known.
func needlesOf(list []*rules.Expression) [][]byte {
	var needles [][]byte
	for _, parts := range alternatives(eitherOf(list)[0]) {
		n := needleOf(parts)
		if len(n) == 0 {
			return nil
		}
		needles = append(needles, n)
	}
	return needles
}

// alternatives are those of the whole expression, each as a sequence.
func alternatives(re *syntax.Regexp) [][]*syntax.Regexp {
	parts := plain(re)
	if len(parts) != 1 || parts[0].Op != syntax.OpAlternate {
		return [][]*syntax.Regexp{parts}
	}
	var list [][]*syntax.Regexp
	for _, sub := range parts[0].Sub {
		list = append(list, alternatives(sub)...)
	}
	return list
}

// needleOf is the longest literal among parts in sequence, exact in case.
func needleOf(parts []*syntax.Regexp) []byte {
	var longest string
	for _, part := range parts {
		if part.Op == syntax.OpLiteral && part.Flags&syntax.FoldCase == 0 && len(string(part.Rune)) > len(longest) {
			longest = string(part.Rune)
		}
	}
	return []byte(longest)
}

// coversPath says whether the list allows a whole file by its path. A list
// with further criteria, all of which must hold, is asked again per finding.
func (a *allowlist) coversPath(pathAllowed bool) bool {
	if !a.MatchAll {
		return pathAllowed
	}
	if len(a.Regexes) > 0 || len(a.StopWords) > 0 || len(a.Commits) > 0 {
		return false
	}
	return pathAllowed || len(a.Paths) == 0
}

// judge is all allowlists that a rule obeys, its own and the global ones, put
// together by what they look at: most findings are dropped by one of them.
type judge struct {
	words  *stopWords
	secret []either
	match  []either
	others []*allowlist // those about lines, and those all of whose criteria must hold
}

func newJudge(lists []*allowlist, all *pool) *judge {
	j := &judge{}
	var words []string
	for _, a := range lists {
		if a.MatchAll {
			j.others = append(j.others, a)
			continue
		}
		words = append(words, a.StopWords...)
		switch {
		case len(a.Regexes) == 0:
		case a.RegexTarget == "line":
			j.others = append(j.others, a)
		case a.RegexTarget == "match":
			j.match = append(j.match, all.eithers(a.Regexes)...)
		default:
			j.secret = append(j.secret, all.eithers(a.Regexes)...)
		}
	}
	slices.SortStableFunc(j.others, func(x, y *allowlist) int { return len(x.RegexTarget) - len(y.RegexTarget) })
	slices.SortStableFunc(j.secret, func(x, y either) int { return x.cost() - y.cost() })
	j.words = all.stopWords(words)
	return j
}

// allowed says whether some allowlist of its rule or a global one allows a
// finding by more than its secret, which innocentSecret looks at.
func (m *machine) allowed(f *finding, frag *fragment) bool {
	j := f.rule.judge()
	secret := f.secretIn(frag)
	if m.matchesAny(j.match, frag.text[f.match.start:f.match.end]) {
		return true
	}
	for _, a := range j.others {
		m.lined = true
		if m.allows(a, f, frag, secret) {
			return true
		}
	}
	return false
}

// matches says whether a program matches somewhere in text.
func (m *machine) matches(slot **dfa, program func() *program, text []byte) bool {
	end, _ := m.dfaAt(slot, program, true).run(text, 0, len(text), false)
	return end >= 0
}

// allows says whether one list, whose kind newJudge leaves alone, allows a
// finding.
func (m *machine) allows(a *allowlist, f *finding, frag *fragment, secret []byte) bool {
	if !a.MatchAll {
		return m.regexAllows(a, f, frag, secret)
	}
	return len(a.Commits) == 0 && // nothing here has a commit
		(len(a.Paths) == 0 || m.named[a.number]) &&
		(a.words == nil || a.words.in(secret)) &&
		(a.program == nil || m.regexAllows(a, f, frag, secret))
}

func (m *machine) regexAllows(a *allowlist, f *finding, frag *fragment, secret []byte) bool {
	slot := &m.lists[a.number]
	switch a.RegexTarget {
	case "match":
		return m.matches(slot, a.program, frag.text[f.match.start:f.match.end])
	case "line":
		return m.lineAllows(a, frag, frag.line(f))
	}
	return len(secret) > 0 && m.matches(slot, a.program, secret)
}

// lineAllows keeps the last answer: a line with many findings is asked for
// each of them.
func (m *machine) lineAllows(a *allowlist, frag *fragment, line span) bool {
	m.asked = true
	last := &m.lines[a.number]
	if last.line != line {
		text := frag.text[line.start:line.end]
		*last = lineAnswer{line, a.needed(text) && m.matches(&m.lists[a.number], a.program, text)}
	}
	return last.allowed
}

// lineAnswer is what a list says of a line of the fragment.
type lineAnswer struct {
	line    span
	allowed bool
}

// needed says whether text has what every match of the list's expressions
// holds. A line can be long, and this is quicker than the expressions.
func (a *allowlist) needed(text []byte) bool {
	for _, n := range a.needles {
		if bytes.Contains(text, n) {
			return true
		}
	}
	return a.needles == nil
}
