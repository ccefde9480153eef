package pattern

// hit is a place where words end.
type hit struct {
	end   int    // behind the words' last byte
	state uint32 // index in automaton.ends
}

const (
	lanes     = 4    // stretches walked at once: their waits for memory overlap
	laneBytes = 4096 // of a stretch; the text stays in the cache meanwhile
)

// walker holds what is walked at once: pieces of a text, one behind the other.
type walker struct {
	text   []byte // empty between fragments: it holds no byte of one
	pieces []piece
	hits   [lanes][]hit
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
	at := 0
	for i, s := range m.same {
		m.gather(frag, at, s.in.start)
		m.walker.pieces[len(m.walker.pieces)-1].then = i + 1
		at = s.in.end
	}
	m.gather(frag, at, len(frag.text))
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
		room := lanes*laneBytes - len(w.text) - 1
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
			for h.end > w.pieces[n].end {
				m.goOn(frag, w.pieces[n])
				n++
			}
			if end := h.end + w.pieces[n].by; end > w.pieces[n].from {
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
	for at := ends.start; at < ends.end; at += laneBytes {
		w.plain = w.plain[:0]
		state = words.walkOne(state, &w.plain, frag.text, at, min(at+laneBytes, ends.end))
		for _, h := range w.plain {
			m.try(frag, h.state, h.end)
		}
	}
}

// walk replaces w.hits by what ends in w.text, lanes*laneBytes at most. Lanes are
// in the order of the text, hits in each too.
func (a *automaton) walk(w *walker) {
	for i := range w.hits {
		w.hits[i] = w.hits[i][:0]
	}
	at, state := 0, uint32(0)
	if n := len(w.text) / lanes; n > 2*a.reach {
		state = a.walkLanes(w, n)
		at = n * lanes
	}
	a.walkOne(state, &w.hits[lanes-1], w.text, at, len(w.text))
}

func (a *automaton) walkOne(state uint32, hits *[]hit, text []byte, at, end int) uint32 {
	next := a.next
	for i := at; i < end; i++ {
		state = uint32(next[state<<rowBits+uint32(a.class[text[i]])])
		if state >= a.hitState {
			*hits = append(*hits, hit{i + 1, state - a.hitState})
		}
	}
	return state
}

// walkLanes walks lanes stretches of n bytes each, and returns the state behind
// them. All but the first begin with what the bytes before them lead to, without
// regard to hits there.
func (a *automaton) walkLanes(w *walker, n int) uint32 {
	text := w.text
	s0 := uint32(0)
	s1 := a.enter(text, n)
	s2 := a.enter(text, 2*n)
	s3 := a.enter(text, 3*n)
	t0 := text[:n]
	t1 := text[n : 2*n][:len(t0)]
	t2 := text[2*n : 3*n][:len(t0)]
	t3 := text[3*n : 4*n][:len(t0)]
	next, hitBit := a.next, a.hitState
	for i := range t0 {
		s0 = uint32(next[s0<<rowBits+uint32(a.class[t0[i]])])
		s1 = uint32(next[s1<<rowBits+uint32(a.class[t1[i]])])
		s2 = uint32(next[s2<<rowBits+uint32(a.class[t2[i]])])
		s3 = uint32(next[s3<<rowBits+uint32(a.class[t3[i]])])
		if (s0|s1|s2|s3)&hitBit != 0 {
			for lane, state := range [lanes]uint32{s0, s1, s2, s3} {
				if state >= hitBit {
					w.hits[lane] = append(w.hits[lane], hit{lane*n + i + 1, state - hitBit})
				}
			}
		}
	}
	return s3
}

// enter is the state before text[at]: what the longest word's length of bytes
// before it leads to from the root.
func (a *automaton) enter(text []byte, at int) uint32 {
	state := uint32(0)
	for _, c := range text[max(0, at-a.reach):at] {
		state = uint32(a.next[state<<rowBits+uint32(a.class[c])])
	}
	return state
}
