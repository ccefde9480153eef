package pattern

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
)

const (
	minWord = 2 // bytes; a shorter literal is everywhere
	// A branch of keptWords at most, of rareWord bytes at least each, keeps them.
	keptWords, rareWord = 3, 8
	maxWord             = 16   // bytes; longer ones make the table larger and hit no less
	maxHead             = 1024 // bytes before the literal; with more, looking back costs too much
	rare                = 6    // bytes from which on a longer literal is no better
	enough              = 4    // bytes from which on a literal is not split further
	maxBranches         = 24   // of a rule
)

// branch is one alternative of a rule: every match of it has one of its words
// at the place where its part number at begins.
type branch struct {
	index int
	rule  *rule
	parts []*syntax.Regexp
	at    int
	words []string
}

// tail is the branch from the word on.
func (b *branch) tail() []*syntax.Regexp { return b.parts[b.at:] }

// wordsAt are the words that a sequence begins with.
func (k literals) wordsAt(parts []*syntax.Regexp) []string {
	var words []string
	for _, l := range k.headsUpTo(parts, enough) {
		if w := l.text[:min(len(l.text), maxWord)]; !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return words
}

// finder says how the matches of a rule are found.
type finder struct {
	whole    func() *program
	branches []*branch
	// head is how far before a word a match can begin, bytes. If before is set,
	// what can stand there is only a run of these runes, at most run of them.
	head   int
	before []rune // pairs
	run    int
	feeds  bool // a line feed can stand there
	// sweep: the rule has no word. It is searched from end to end.
	sweep  bool
	widest int // bytes of a match, maxSpan if it has no bound
	// loose: a match need not hold a keyword, so whether one is there has to be
	// looked up.
	loose  bool
	shape  func() *shape     // nil: the rule has none
	begins func() *[256]bool // bytes that a match can begin with
	opened func() *[256]bool // unless with one of these, it begins with the group that is asked for; nil: that is not known
}

// plan works out how r is found. Programs are made when first used: a
// start-up should not pay for rules that never come near a match.
func (r *rule) plan(number *int, k literals) error {
	re, err := r.Tree()
	if err != nil {
		return fmt.Errorf("rule %s: regex: %w", r.ID, err)
	}
	r.whole = lazily([]*syntax.Regexp{re})
	r.shape = sync.OnceValue(func() *shape { return newShape(r, re) })
	r.begins = sync.OnceValue(func() *[256]bool { return beginsOf(re) })
	r.widest = widthOf(re)
	r.opened = sync.OnceValue(func() *[256]bool { return openedBy(re, max(r.SecretGroup, 1)) })
	list := branches(plain(re), maxBranches, func(parts []*syntax.Regexp) bool { return k.bestPart(parts) >= 0 })
	r.loose = len(r.Keywords) > 0 && !r.impliesKeyword(re, k)
	if list == nil {
		r.sweep = true
		return nil
	}
	for _, parts := range list {
		b := &branch{index: *number, rule: r, parts: parts, at: k.bestPart(parts)}
		b.words = k.wordsAt(b.tail())
		*number++
		r.branches = append(r.branches, b)
	}
	return nil
}

// settle works out what follows from where the words of the branches are.
func (r *rule) settle() {
	for _, b := range r.branches {
		r.head = max(r.head, width(b.parts[:b.at]))
		before := allBytes(&syntax.Regexp{Op: syntax.OpConcat, Sub: b.parts[:b.at]})
		r.feeds = r.feeds || before['\n']
	}
	if len(r.branches) == 1 {
		b := r.branches[0]
		r.before, r.run = runBefore(b.parts[:b.at])
	}
}

// share moves branches to words that stand in theirs anyway and that others
// have too: one look at a place then does for all of them. A rule that wants
// api_key, say, is looked for at the key that another rule wants. A few long words are
// rarer than any that stand in them, and keep their branch.
func share(list []*branch, k literals) {
	count := make(map[string]int)
	for _, b := range list {
		for _, w := range b.words {
			count[w]++
		}
	}
	for _, b := range list {
		if len(b.words) <= keptWords && !slices.ContainsFunc(b.words, func(w string) bool { return len(w) < rareWord }) {
			continue
		}
		for at := range b.parts {
			if at == b.at || k.opens(b.parts[at:], tooShort) || width(b.parts[:at]) > maxHead {
				continue
			}
			words := k.wordsAt(b.parts[at:])
			common := !slices.ContainsFunc(words, func(w string) bool { return len(w) < minWord || count[w] == 0 })
			if common && stoodBy(b.words, words) {
				b.at, b.words = at, words
				break
			}
		}
	}
}

// stoodBy says whether each of the long words holds a short one.
func stoodBy(long, short []string) bool {
	return !slices.ContainsFunc(long, func(l string) bool {
		return !slices.ContainsFunc(short, func(s string) bool { return len(s) < len(l) && strings.Contains(l, s) })
	})
}

// impliesKeyword says whether every match holds one of the rule's keywords.
func (r *rule) impliesKeyword(re *syntax.Regexp, k literals) bool {
	holds := func(parts []*syntax.Regexp) bool { return k.holdsKeyword(parts, r.Keywords) }
	return branches(plain(re), maxBranches, holds) != nil
}

// branches splits a sequence at its alternatives until each of the sequences
// is good. It returns nil if that takes more than most of them.
func branches(parts []*syntax.Regexp, most int, good func([]*syntax.Regexp) bool) [][]*syntax.Regexp {
	if good(parts) {
		return [][]*syntax.Regexp{parts}
	}
	for i, part := range parts {
		if part.Op != syntax.OpAlternate {
			continue
		}
		var list [][]*syntax.Regexp
		for _, sub := range part.Sub {
			some := branches(slices.Concat(parts[:i], plain(sub), parts[i+1:]), most-len(list), good)
			if list = append(list, some...); some == nil || len(list) > most {
				return nil
			}
		}
		return list
	}
	return nil
}

func lazily(parts []*syntax.Regexp) func() *program {
	return sync.OnceValue(func() *program { return compile(parts) })
}

// bestPart is the part from which on to look for a branch: where it begins
// with long literals, and little can stand before. -1: no part will do.
func (k literals) bestPart(parts []*syntax.Regexp) int {
	best, at := 0, -1
	before := 0 // bytes
	for i := range parts {
		if i > 0 {
			before = min(before+widthOf(parts[i-1]), maxSpan)
		}
		if before > maxHead {
			break
		}
		if k.opens(parts[i:], tooShort) {
			continue
		}
		least := shortest(k.heads(parts[i:]))
		if least < minWord {
			continue
		}
		score := 4 * min(least, rare)
		if before > 0 {
			score -= 2
			if set, _ := runBefore(parts[:i]); set != nil {
				score++
			}
		}
		if score > best {
			best, at = score, i
		}
		if least >= rare { // nothing behind it can be better
			break
		}
	}
	return at
}

// runBefore says whether parts are a run of runes of one set and nothing else:
// the set as pairs, and how many there may be.
func runBefore(parts []*syntax.Regexp) ([]rune, int) {
	if len(parts) != 1 || parts[0].Op != syntax.OpRepeat || parts[0].Min != 0 || parts[0].Max < 0 {
		return nil, 0
	}
	if set := parts[0].Sub[0]; set.Op == syntax.OpCharClass {
		return set.Rune, parts[0].Max
	}
	return nil, 0
}

// holdsKeyword says whether every match of the sequence holds one of the
// keywords, in lower case.
func (k literals) holdsKeyword(parts []*syntax.Regexp, keywords []string) bool {
	lacks := func(l literal) bool {
		return !slices.ContainsFunc(keywords, func(k string) bool { return strings.Contains(l.text, k) })
	}
	for i := range parts {
		if !k.opens(parts[i:], lacks) && !slices.ContainsFunc(k.heads(parts[i:]), lacks) {
			return true
		}
	}
	return false
}
