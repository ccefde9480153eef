package pattern

// hit is a place where words end.
type hit struct {
	end   int32  // behind the words' last byte
	state uint32 // index in automaton.ends
}

const (
	mostLanes = 8 // stretches walked at once: their waits for memory overlap
	// walkerBytes are walked together, so that they stay in the cache meanwhile.
	walkerBytes = 16 << 10
	plainBytes  = 4 << 10 // of a part in walkPlainly
)

// walker holds what is walked at once: pieces of a text, one behind the other.
type walker struct {
	text   []byte // empty between fragments: it holds no byte of one
	pieces []piece
	hits   [mostLanes][]hit
	plain  []hit // of walkPlainly
}

// piece is a part of a fragment that stands in a walker's text up to its byte end.
// Before it there stand a byte that is in no word, and those that a word may have
// there that ends in the piece.
type piece struct {
	by   int // how much further on it stands in the fragment
	from int // words that end behind from, of the fragment, are of the piece
	end  int
	then int // number of the stretch that follows in the fragment, plus one; 0: none
}

// walk tries all words of a fragment, but those inside of stretches that were
// searched before: there it repeats what was found out.
func (m *machine) walk(frag *fragment) {
	n := 0 // of the stretch that comes next
	for _, f := range m.fresh {
		at := f.start
		for ; n < len(m.same) && m.same[n].at < f.end; n++ {
			s := &m.same[n]
			m.gather(frag, at, s.in.start)
			m.walker.pieces[len(m.walker.pieces)-1].then = n + 1
			at = s.in.end
		}
		m.gather(frag, at, f.end)
	}
	m.tryGathered(frag)
}

// gather puts text[at:end] of a fragment before the walker.
func (m *machine) gather(frag *fragment, at, end int) {
	w, words := &m.walker, m.engine.words
	before := at
	for before > at-words.reach && !words.parted(frag.text, before) {
		before--
	}
	for {
		room := walkerBytes - len(w.text) - 1
		if room <= at-before {
			m.tryGathered(frag)
			continue
		}
		to := min(end, before+room)
		w.text = append(w.text, words.between)
		by := before - len(w.text)
		w.text = append(w.text, frag.text[before:to]...)
		w.pieces = append(w.pieces, piece{by: by, from: at, end: len(w.text)})
		if to == end {
			return
		}
		at, before = to, max(0, to-words.reach)
	}
}

// tryGathered walks what was gathered and tries what ends there, in the order of
// the fragment.
func (m *machine) tryGathered(frag *fragment) {
	w := &m.walker
	m.engine.words.walk(w)
	n := 0
	for i := range w.hits {
		for _, h := range w.hits[i] {
			for int(h.end) > w.pieces[n].end {
				m.goOn(frag, w.pieces[n])
				n++
			}
			if end := int(h.end) + w.pieces[n].by; end > w.pieces[n].from {
				m.try(frag, h.state, end)
			}
		}
	}
	for ; n < len(w.pieces); n++ {
		m.goOn(frag, w.pieces[n])
	}
	clear(w.text)
	w.text, w.pieces = w.text[:0], w.pieces[:0]
}

func (m *machine) goOn(frag *fragment, p piece) {
	if p.then > 0 {
		m.repeat(frag, p.then-1)
	}
}

// walkPlainly tries the words whose ends are in a span.
func (m *machine) walkPlainly(frag *fragment, ends span) {
	w, words := &m.walker, m.engine.words
	state := words.enter(frag.text, ends.start)
	for at := ends.start; at < ends.end; at += plainBytes {
		w.plain = w.plain[:0]
		state = words.walkOne(state, &w.plain, frag.text, at, min(at+plainBytes, ends.end))
		for _, h := range w.plain {
			m.try(frag, h.state, int(h.end))
		}
	}
}

// walk replaces w.hits by what ends in w.text, walkerBytes at most. Lanes are in the
// order of the text, hits in each too.
func (a *automaton) walk(w *walker) {
	for i := range w.hits {
		w.hits[i] = w.hits[i][:0]
	}
	at, state := 0, uint32(0)
	if len(w.text)/mostLanes > 2*a.reach {
		at, state = a.walkLanes(w)
	}
	a.walkOne(state, &w.hits[mostLanes-1], w.text, at, len(w.text))
}

func (a *automaton) walkOne(state uint32, hits *[]hit, text []byte, at, end int) uint32 {
	next := a.next
	for i := at; i < end; i++ {
		state = uint32(next[state<<rowBits+uint32(a.class[text[i]])])
		if state >= a.hitState {
			*hits = append(*hits, hit{int32(i + 1), state - a.hitState})
		}
	}
	return state
}

// enter is the state before text[at]: what the longest word's length of bytes
// before it leads to from the root.
func (a *automaton) enter(text []byte, at int) uint32 {
	state := uint32(0)
	for _, c := range text[max(0, at-a.reach):at] {
		state = a.step(state, c)
	}
	return state
}
