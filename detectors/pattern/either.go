package pattern

import (
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"sluice/rules"
)

// either is some alternatives of expressions of which one has to match.
type either struct {
	number  int // in its pool
	program func() *program
	atStart bool // all of them match at the start only
	// needed are words of which each match holds one, in either case; nil: none are
	// known.
	needed func() *stopWords
}

// manyAlternatives is from how many on it pays to look for words that are needed:
// what has to know where in each of so many it is has a state for nearly any text.
const manyAlternatives = 16

// cost orders eithers by how soon most texts are done with.
func (e either) cost() int {
	if e.atStart {
		return 0
	}
	return 1
}

// small is up to how many bytes long an alternative is put together with others.
// Together, long ones make more states than a cache holds.
const small = 100

// eithers puts alternatives together that are quickly looked at together: those
// that can begin at the start only are mostly done with the first bytes.
func eithers(list []*rules.Expression) []either {
	var near, far, long []*syntax.Regexp
	for _, parts := range alternatives(eitherOf(list)[0]) {
		re := &syntax.Regexp{Op: syntax.OpConcat, Sub: parts}
		switch {
		case len(parts) == 0 || parts[0].Op != syntax.OpBeginText:
			far = append(far, re)
		case len(re.String()) <= small:
			near = append(near, re)
		default:
			long = append(long, re)
		}
	}
	var out []either
	add := func(atStart bool, some ...*syntax.Regexp) {
		if len(some) > 0 {
			any := []*syntax.Regexp{{Op: syntax.OpAlternate, Sub: some}}
			e := either{program: lazily(any), atStart: atStart, needed: func() *stopWords { return nil }}
			if !atStart && len(some) >= manyAlternatives {
				e.needed = sync.OnceValue(func() *stopWords { return newStopWords(neededBy(some)) })
			}
			out = append(out, e)
		}
	}
	add(true, near...)
	for _, re := range long {
		add(true, re)
	}
	add(false, far...)
	return out
}

// neededBy are words of which every match of one of list holds one; nil if there are
// none for some of list.
func neededBy(list []*syntax.Regexp) (words []string) {
	k := make(literals)
	for _, re := range list {
		some := k.wordsIn(plain(re), gram)
		if some == nil {
			some = k.wordsIn(plain(re), minWord)
		}
		if some == nil {
			return nil
		}
		words = append(words, some...)
	}
	return words
}

// wordsIn are words of at least so many bytes of which every match of the sequence
// holds one, wherever; nil if none are found.
func (k literals) wordsIn(parts []*syntax.Regexp, least int) (words []string) {
	const most = 64 // sequences
	longest := func(parts []*syntax.Regexp) (heads []literal) {
		for i := range parts {
			if next := k.heads(parts[i:]); heads == nil || shortest(next) > shortest(heads) {
				heads = next
			}
		}
		return heads
	}
	enough := func(parts []*syntax.Regexp) bool { return len(parts) > 0 && shortest(longest(parts)) >= least }
	for _, sequence := range branches(parts, most, enough) {
		for _, l := range longest(sequence) {
			words = append(words, l.text)
		}
	}
	return words
}

// possible says whether a text may hold a match.
func (e *either) possible(text []byte) bool {
	words := e.needed()
	return words == nil || words.in(text) || slices.ContainsFunc(text, func(c byte) bool { return c >= utf8.RuneSelf }) // it may fold to ASCII
}

// pool is what all rules have of eithers and stop words. Many rules obey the same allowlists: made
// once, their states are few and at hand. Safe for concurrent use.
type pool struct {
	mu     sync.Mutex
	known  map[string][]either   // by the expressions
	words  map[string]*stopWords // by the words
	number int                   // of the next either
}

func newPool() *pool {
	return &pool{known: make(map[string][]either), words: make(map[string]*stopWords)}
}

// stopWords are those of a list of words.
func (p *pool) stopWords(words []string) *stopWords {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := strings.Join(words, "\x00")
	if p.words[key] == nil {
		p.words[key] = newStopWords(words)
	}
	return p.words[key]
}

// eithers are those of a list of expressions.
func (p *pool) eithers(list []*rules.Expression) []either {
	var key strings.Builder
	for _, re := range list {
		key.WriteString(re.String())
		key.WriteByte(0)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	made, ok := p.known[key.String()]
	if !ok {
		made = eithers(list)
		for i := range made {
			made[i].number = p.number
			p.number++
		}
		p.known[key.String()] = made
	}
	return made
}

// matchesAny says whether one of list matches in text.
func (m *machine) matchesAny(list []either, text []byte) bool {
	for i := range list {
		if !list[i].possible(text) {
			continue
		}
		if end, _ := m.eitherAt(&list[i]).run(text, 0, len(text), list[i].atStart); end >= 0 {
			return true
		}
	}
	return false
}

// eitherAt is the automaton of e.
func (m *machine) eitherAt(e *either) *dfa {
	for len(m.eithers) <= e.number {
		m.eithers = append(m.eithers, nil)
	}
	return m.dfaAt(&m.eithers[e.number], e.program, true)
}
