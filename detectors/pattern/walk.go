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

// walker keeps the state of an automaton along a text.
type walker struct {
	state uint32
	hits  [lanes][]hit
}

// walk replaces w.hits by what ends in text[at:end], end-at at most
// lanes*laneBytes. Lanes are in the order of the text, hits in each too.
func (a *automaton) walk(w *walker, text []byte, at, end int) {
	for i := range w.hits {
		w.hits[i] = w.hits[i][:0]
	}
	if n := (end - at) / lanes; n > 2*a.reach {
		a.walkLanes(w, text, at, n)
		at += n * lanes
	}
	w.state = a.walkOne(w.state, &w.hits[lanes-1], text, at, end)
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

// walkLanes walks lanes stretches of n bytes each. All but the first begin
// with what the bytes before them lead to, without regard to hits there.
func (a *automaton) walkLanes(w *walker, text []byte, at, n int) {
	s0 := w.state
	s1 := a.enter(text, at+n)
	s2 := a.enter(text, at+2*n)
	s3 := a.enter(text, at+3*n)
	t0 := text[at : at+n]
	t1 := text[at+n : at+2*n][:len(t0)]
	t2 := text[at+2*n : at+3*n][:len(t0)]
	t3 := text[at+3*n : at+4*n][:len(t0)]
	next, hitBit := a.next, a.hitState
	for i := range t0 {
		s0 = uint32(next[s0<<rowBits+uint32(a.class[t0[i]])])
		s1 = uint32(next[s1<<rowBits+uint32(a.class[t1[i]])])
		s2 = uint32(next[s2<<rowBits+uint32(a.class[t2[i]])])
		s3 = uint32(next[s3<<rowBits+uint32(a.class[t3[i]])])
		if (s0|s1|s2|s3)&hitBit != 0 {
			for lane, state := range [lanes]uint32{s0, s1, s2, s3} {
				if state >= hitBit {
					w.hits[lane] = append(w.hits[lane], hit{at + lane*n + i + 1, state - hitBit})
				}
			}
		}
	}
	w.state = s3
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
