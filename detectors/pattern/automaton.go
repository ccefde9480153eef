package pattern

import "slices"

const (
	rowBits = 7 // a row has 1<<rowBits entries: ASCII in lower case, and a few bytes more
	// maxWords bounds the bytes of all words and so the states: with those that
	// end a word in the upper half they fit 16 bits, and the table of gitleaks'
	// rules stays near the processor.
	maxWords = 1 << 15
	// classWords is how many entries of a table the classes take.
	classWords = 128
)

// automaton finds all words of a list at once, whatever their case in ASCII
// (Aho and Corasick, as a table: one look-up a byte). It is read only.
//
// States in which a word ends are numbered from hitState on, so one bit says
// whether there is anything to do.
type automaton struct {
	class    [256]uint8
	next     []uint16                     // state<<rowBits + class: the next state; before it the classes stand too
	hitState uint32                       // a power of two
	ends     [][]int                      // of the states from hitState on: the words that end there, by number
	reach    int                          // length of the longest word
	joined   [1 << (2*rowBits - 6)]uint64 // pairs of classes that stand in some word, one behind the other
	between  byte                         // a byte that stands in no word
}

// often are the characters of logs by frequency: those have neighbouring
// entries, so that a row's used part is one cache line.
const often = "etaoinsrhldcumfpgwybvkxjqz0123456789_-:.,='\"/ "

// newAutomaton builds it from words in lower case, of ASCII and the letters
// that fold to it, with less than maxWords bytes in all. Words may be equal.
func newAutomaton(words []string) *automaton {
	a := &automaton{}
	t := newTrie(a, a.classify(words), words)
	plain, hits := t.order()
	a.hitState = 1
	for int(a.hitState) < max(len(plain), len(hits)) {
		a.hitState *= 2
	}
	state := make([]uint32, len(t.ends))
	for i, s := range plain {
		state[s] = uint32(i)
	}
	for i, s := range hits {
		state[s] = a.hitState + uint32(i)
		a.ends = append(a.ends, t.ends[s])
	}
	table := make([]uint16, classWords+(int(a.hitState)+len(hits))<<rowBits)
	for i := range classWords {
		table[i] = uint16(a.class[2*i]) | uint16(a.class[2*i+1])<<8
	}
	a.next = table[classWords:]
	for s := range t.ends {
		row := a.next[int(state[s])<<rowBits:][:t.classes]
		for c, to := range t.row(s) {
			row[c] = uint16(state[to])
		}
	}
	return a
}

// classify gives each byte that occurs in a word a class; all others share
// class 0. It returns the number of classes.
func (a *automaton) classify(words []string) int {
	var used [256]bool
	for _, w := range words {
		a.reach = max(a.reach, len(w))
		for i := 0; i < len(w); i++ {
			used[w[i]] = true
		}
	}
	n := uint8(1)
	add := func(c byte) {
		if used[c] && a.class[c] == 0 {
			a.class[c] = n
			n++
		}
	}
	for i := 0; i < len(often); i++ {
		add(often[i])
	}
	for c := range used {
		add(byte(c))
	}
	for c := 'A'; c <= 'Z'; c++ {
		a.class[c] = a.class[c-'A'+'a']
	}
	a.between = byte(slices.Index(a.class[:], 0))
	for _, w := range words {
		for i := 1; i < len(w); i++ {
			n := a.pair(w[i-1], w[i])
			a.joined[n/64] |= 1 << (n % 64)
		}
	}
	return int(n)
}

func (a *automaton) pair(x, y byte) uint { return uint(a.class[x])<<rowBits | uint(a.class[y]) }

// joins says whether some word has y behind x.
func (a *automaton) joins(x, y byte) bool {
	n := a.pair(x, y)
	return a.joined[n/64]>>(n%64)&1 != 0
}

// passes says whether no word ends in text behind a state.
func (a *automaton) passes(state uint32, text []byte) bool {
	for _, c := range text {
		if state = a.step(state, c); state >= a.hitState {
			return false
		}
	}
	return true
}

func (a *automaton) step(state uint32, c byte) uint32 {
	return uint32(a.next[state<<rowBits+uint32(a.class[c])])
}

// parted says whether no word of text reaches over at, as its bytes on both sides
// tell.
func (a *automaton) parted(text []byte, at int) bool {
	return at <= 0 || at >= len(text) || !a.joins(text[at-1], text[at])
}

// trie is the automaton while it is built: state 0 is the root.
type trie struct {
	classes int
	next    []uint16 // by state and class; completed by fail links
	ends    [][]int  // words that end in a state
	breadth []int    // states in order of depth
}

func (t *trie) row(s int) []uint16 { return t.next[s*t.classes : (s+1)*t.classes] }

func newTrie(a *automaton, classes int, words []string) *trie {
	most := 1 // states
	for _, w := range words {
		most += len(w)
	}
	t := &trie{classes: classes, next: make([]uint16, most*classes), ends: make([][]int, 1, most)}
	for n, w := range words {
		s := 0
		for i := 0; i < len(w); i++ {
			at := s*classes + int(a.class[w[i]])
			if t.next[at] == 0 {
				t.next[at] = uint16(len(t.ends)) // fewer than maxWords
				t.ends = append(t.ends, nil)
			}
			s = int(t.next[at])
		}
		t.ends[s] = append(t.ends[s], n)
	}
	t.complete()
	return t
}

// complete sets, breadth first, where a state goes when no word goes on: where
// the longest proper suffix that is a state goes.
func (t *trie) complete() {
	fail := make([]uint16, len(t.ends))
	t.breadth = append(make([]int, 0, len(t.ends)), 0)
	for i := 0; i < len(t.breadth); i++ {
		s := t.breadth[i]
		row, back := t.row(s), t.row(int(fail[s]))
		for c, to := range row {
			via := uint16(0)
			if s != 0 {
				via = back[c]
			}
			if to == 0 {
				row[c] = via
				continue
			}
			fail[to] = via
			if len(t.ends[via]) > 0 {
				t.ends[to] = append(t.ends[to], t.ends[via]...)
			}
			t.breadth = append(t.breadth, int(to))
		}
	}
}

// order parts the states into those where no word ends and the others, by
// depth: shallow states are the busy ones and should share cache lines.
func (t *trie) order() (plain, hits []int) {
	for _, s := range t.breadth {
		if len(t.ends[s]) == 0 {
			plain = append(plain, s)
		} else {
			hits = append(hits, s)
		}
	}
	return plain, slices.Clip(hits)
}
