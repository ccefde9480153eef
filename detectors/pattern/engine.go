package pattern

import (
	"encoding/binary"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
)

// engine is what all machines share: the words, and what to do where one
// stands. It is read only.
type engine struct {
	words    *automaton
	texts    []string   // of the words, by number
	targets  [][]target // by word
	ends     [][]target // by number of the automaton's hit: those of all words that end there, and can
	ended    []*target  // those of ends, by number
	branches []*branch
	groups   []*tails
	sweeps   []*rule
}

// target is what a word means: branches to try, a keyword of rules that are
// swept, or a letter that folds to ASCII. What most places are dropped by stands
// in it, so that they cost one look at memory.
type target struct {
	number  int32
	beside  edge  // what can stand right before the place
	look    *look // at what stands behind it; nil: it tells nothing
	group   int   // -1: none
	back    int   // length of the word
	keyword []int // rules that may be swept now
	folds   bool
}

// tails are branches that some word has in common: they are tried at once.
type tails struct {
	branches []*branch
	program  func() *program
	beside   edge  // what can stand right before the place
	look     *look // at what stands behind it; nil: it tells nothing
	// direct: a place that passes the look is tried with the whole expression at
	// once, which is no dearer for a rule of one branch behind a run of runes.
	direct bool
	// shaped is the rules of the branches, each once, if all of them have a shape that
	// tells a name from its value.
	shaped func() []*rule
}

const maxTails = 64 // of a group: a mask has so many bits

// newEngine plans the rules that have an expression.
func newEngine(list []*rule) (*engine, error) {
	e, k := &engine{}, make(literals)
	number := 0
	for _, r := range list {
		if r.pattern() == "" {
			continue
		}
		if err := r.plan(&number, k); err != nil {
			return nil, err
		}
		e.branches = append(e.branches, r.branches...)
		if r.sweep {
			e.sweeps = append(e.sweeps, r)
		}
	}
	share(e.branches, k)
	for _, r := range list {
		r.settle()
	}
	if err := e.collect(); err != nil {
		return nil, err
	}
	return e, nil
}

// fit shortens the words of all branches until the automaton can take them.
func (e *engine) fit() error {
	for most := maxWord; most >= minWord; most-- {
		bytes := 0
		for _, b := range e.branches {
			for i, w := range b.words {
				b.words[i] = w[:min(len(w), most)]
				bytes += len(b.words[i])
			}
		}
		for _, r := range e.sweeps {
			bytes += len(strings.Join(r.Keywords, ""))
		}
		if bytes < maxWords/2 {
			return nil
		}
	}
	return fmt.Errorf("pattern: the rules have too many keywords: their literals together are longer than %d bytes", maxWords/2)
}

// collect makes the list of words, and groups the branches by them.
func (e *engine) collect() error {
	if err := e.fit(); err != nil {
		return err
	}
	index := make(map[string]int)
	var words []string
	var targets [][]target // by word
	number := func(word string) int {
		n, ok := index[word]
		if !ok {
			n = len(words)
			index[word] = n
			words = append(words, word)
			targets = append(targets, nil)
		}
		return n
	}
	var shared [][]*branch
	for _, b := range e.branches {
		for _, w := range b.words {
			n := number(w)
			for len(shared) <= n {
				shared = append(shared, nil)
			}
			shared[n] = append(shared[n], b)
		}
	}
	groups := make(map[string]int)
	for n, list := range shared {
		for part := range slices.Chunk(list, maxTails) {
			group := e.group(groups, part)
			g := e.groups[group]
			targets[n] = append(targets[n], target{beside: g.beside, look: g.look, group: group, back: len(words[n])})
		}
	}
	for _, r := range e.sweeps {
		for _, k := range r.Keywords {
			if !isASCII(k) {
				continue // mayRun looks for it
			}
			n := number(k)
			targets[n] = append(targets[n], target{group: -1, keyword: []int{r.index}})
		}
	}
	for _, letter := range []string{string(longS), string(kelvin), string(dottedI)} {
		n := number(letter)
		targets[n] = append(targets[n], target{group: -1, folds: true})
	}
	e.words, e.targets, e.texts = newAutomaton(words), targets, words
	e.end(words)
	return nil
}

// end sets what each hit means. A word that ends within a longer one, as ey does in
// key, may not stand behind the bytes that this one has before it.
func (e *engine) end(words []string) {
	a := e.words
	e.ends = make([][]target, len(a.ends))
	done := make([]bool, len(a.ends))
	for _, w := range words {
		state := uint32(0)
		for i := range len(w) {
			state = uint32(a.next[state<<rowBits+uint32(a.class[w[i]])])
			if state < a.hitState || done[state-a.hitState] {
				continue
			}
			n := state - a.hitState
			done[n] = true
			for _, word := range a.ends[n] {
				for _, t := range e.targets[word] {
					if t.group < 0 || t.back > i || t.beside.hasEither(w[i-t.back]) {
						e.ends[n] = append(e.ends[n], t)
					}
				}
			}
		}
	}
	for _, list := range e.ends {
		for i := range list {
			list[i].number = int32(len(e.ended))
			e.ended = append(e.ended, &list[i])
		}
	}
}

// group is the number of the group of these branches, made if it is new.
func (e *engine) group(known map[string]int, list []*branch) int {
	var key []byte
	for _, b := range list {
		key = binary.AppendUvarint(key, uint64(b.index))
	}
	n, ok := known[string(key)]
	if !ok {
		n = len(e.groups)
		known[string(key)] = n
		g := &tails{branches: list, look: newLook(list)}
		g.program = sync.OnceValue(func() *program {
			parts := make([][]*syntax.Regexp, len(list))
			for i, b := range list {
				parts[i] = b.tail()
			}
			return compile(parts...)
		})
		g.shaped = sync.OnceValue(func() []*rule { return shapedRules(list) })
		for _, b := range list {
			g.beside.add(b.beside())
		}
		g.direct = len(list) == 1 && g.look != nil && list[0].rule.before != nil
		e.groups = append(e.groups, g)
	}
	return n
}

func shapedRules(list []*branch) (shaped []*rule) {
	for _, b := range list {
		if s := b.rule.shape(); s == nil || s.named {
			return nil
		}
		if !slices.Contains(shaped, b.rule) {
			shaped = append(shaped, b.rule)
		}
	}
	return shaped
}
