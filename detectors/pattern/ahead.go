package pattern

import (
	"math/bits"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// ahead looks for what has to follow a word behind any amount of text, before an
// automaton goes through that text: behind curl, within six lines, a space and -u or
// -H. Where it stands, the rest of the branches is tried from there; if none matches
// anywhere, no match begins at the word.
type ahead struct {
	rest *dfa // of all branches, from what follows on
	// lines is how many runs of line feeds can stand before it, at most.
	lines int
	kind  [256]uint8 // of bytes: bit i, it can be byte i of what follows
	wide  triples
}

const (
	// aheadBytes of what follows are looked for at once.
	aheadBytes = 3
	// mostAhead bounds the bytes that rest reads at a place, and mostPlaces those
	// places: what it leaves open is found out by the one pass over the text that
	// would have been made anyway.
	mostAhead, mostPlaces = 64, 8
	// mostTriples bounds the texts of aheadBytes that are looked for, lest they stand
	// everywhere.
	mostTriples = 64
	blockBytes  = 32 // bytes looked at at once
)

func newAhead(m *machine, list []*branch) *ahead {
	a := &ahead{}
	rests := make([][]*syntax.Regexp, len(list))
	for i, b := range list {
		tail := b.tail()
		n := farPart(tail)
		if n < 0 {
			return nil
		}
		rests[i] = tail[n:]
		a.lines = max(a.lines, lineRuns(&syntax.Regexp{Op: syntax.OpConcat, Sub: tail[:n]}))
	}
	a.rest = newDFA(m, compile(rests...), true)
	if !a.setKinds() {
		return nil
	}
	a.wide = newTriples(&a.kind)
	return a
}

// farPart is the first part of a sequence that begins with literals behind any
// amount of text, -1 if there is none.
func farPart(parts []*syntax.Regexp) int {
	n := slices.IndexFunc(parts, endless)
	if n < 0 {
		return -1
	}
	for n++; n < len(parts); n++ {
		if shortest(literals(nil).heads(parts[n:])) >= aheadBytes {
			return n
		}
	}
	return -1
}

// endless says whether a match of re can go on over any text, of a line at least.
func endless(re *syntax.Regexp) bool {
	if re.Op == syntax.OpStar || re.Op == syntax.OpPlus || re.Op == syntax.OpRepeat && re.Max < 0 {
		set := allBytes(re.Sub[0])
		set['\n'] = true
		return !slices.Contains(set[:], false)
	}
	return slices.ContainsFunc(re.Sub, endless)
}

// lineRuns is how many runs of line feeds a match of re has at most.
func lineRuns(re *syntax.Regexp) int {
	if set := allBytes(re); !set['\n'] {
		return 0
	}
	n := 1
	switch re.Op {
	case syntax.OpLiteral:
		n = strings.Count(string(re.Rune), "\n")
	case syntax.OpCapture, syntax.OpQuest, syntax.OpConcat:
		n = 0
		for _, sub := range re.Sub {
			n += lineRuns(sub)
		}
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			n = max(n, lineRuns(sub))
		}
	case syntax.OpRepeat:
		if n = maxSpan; re.Max >= 0 {
			n = re.Max * lineRuns(re.Sub[0])
		}
	case syntax.OpStar, syntax.OpPlus:
		n = maxSpan
	}
	return min(n, (widthOf(re)+1)/2)
}

// setKinds works out what the first bytes of a match of rest can be, as its states
// tell. It says whether that is worth looking for, and is ASCII.
func (a *ahead) setKinds() bool {
	d, epoch := a.rest, a.rest.m.epoch
	var states []uint32
	for _, before := range []string{"", "\n", "a", " "} {
		if s := d.startState([]byte(before), len(before), true); s < special && !slices.Contains(states, s) {
			states = append(states, s)
		}
	}
	texts := 1
	for i := range aheadBytes {
		var next []uint32
		n := 0 // characters
		for _, s := range states {
			for class := range d.stride {
				t := d.take(s, class)
				switch {
				case t == dead:
					continue
				case t&matchedHere != 0 || !d.inASCII(class) || len(next) > mostPaths:
					return false
				case !slices.Contains(next, t):
					next = append(next, t)
				}
				n += a.mark(class, i)
			}
		}
		texts *= n
		states = next
	}
	return texts <= mostTriples && !d.m.thrash && d.m.epoch == epoch
}

// mark notes that the characters of a class can be byte i, and says how many are new.
func (a *ahead) mark(class, i int) (n int) {
	for c, of := range a.rest.ascii {
		if bit := uint8(1) << i; int(of) == class && a.kind[c]&bit == 0 {
			a.kind[c] |= bit
			n++
		}
	}
	return n
}

// inASCII says whether a class is of characters of ASCII alone.
func (p *program) inASCII(class int) bool {
	for i, c := range p.class {
		if int(c) == class && p.bounds[i] >= utf8.RuneSelf {
			return false
		}
	}
	return class < p.stride-1
}

// possible says whether a match of a branch may begin at at, as far as text[:limit]
// tells. If none does, no byte from far on was looked at.
func (a *ahead) possible(text []byte, at, limit int) (may bool, far int) {
	near := text[:min(len(text), limit+blockBytes+aheadBytes)]
	left, places := a.lines, 0
	for i := at; i < limit; i += blockBytes {
		at, hits, lines, rest, whole := a.wide.find(near, i, left)
		if i, left = at, rest; !whole {
			hits, lines = a.block(near, i)
			left -= bits.OnesCount32(lines)
		}
		stop := blockBytes
		for over := left; over < 0; over++ {
			stop = bits.Len32(lines) - 1
			lines &^= 1 << stop
		}
		stop = min(stop, limit-i)
		for ; hits != 0 && bits.TrailingZeros32(hits) <= stop; hits &= hits - 1 {
			place, seen := a.rest.mayMatch(text, i+bits.TrailingZeros32(hits), limit)
			if places++; place || places == mostPlaces {
				return true, 0
			}
			far = max(far, seen)
		}
		if left < 0 {
			return false, max(far, i+stop+aheadBytes)
		}
	}
	return false, max(far, limit+utf8.UTFMax)
}

// block is what stands in up to blockBytes at i: where what follows may begin, and
// where runs of line feeds do, as bits.
func (a *ahead) block(text []byte, i int) (hits, lines uint32) {
	for n, c := range text[i:min(i+blockBytes, len(text))] {
		k := i + n
		if c == '\n' && (k == 0 || text[k-1] != '\n') {
			lines |= 1 << n
		}
		if a.kind[c]&1 != 0 && k+2 < len(text) && a.kind[text[k+1]]&2 != 0 && a.kind[text[k+2]]&4 != 0 {
			hits |= 1 << n
		}
	}
	return hits, lines
}
