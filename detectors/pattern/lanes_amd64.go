package pattern

// walkEight walks eight stretches of n bytes from text on, one behind the other, from
// states on, which it replaces by those behind them. Rows are of an automaton, with the
// classes before them. A state with the bit of hit is written to what found points at,
// with its place in the stretch, from 1 on, and that is moved on: there is room for n+1.
//
//go:noescape
func walkEight(text *byte, n int, rows *uint16, hitState uint32, states *[mostLanes]uint32, found *[mostLanes]*hit)

// walkLanes is walkFour in eight stretches.
func (a *automaton) walkLanes(w *walker) (end int, state uint32) {
	n := len(w.text) / mostLanes
	var states [mostLanes]uint32
	var found [mostLanes]*hit
	for i := range w.hits {
		if cap(w.hits[i]) <= n { // found never points behind it
			w.hits[i] = make([]hit, 0, walkerBytes/mostLanes+1)
		}
		if i > 0 {
			states[i] = a.enter(w.text, i*n)
		}
		found[i] = &w.hits[i][:1][0]
	}
	walkEight(&w.text[0], n, &a.next[0], a.hitState, &states, &found)
	for i := range w.hits {
		list := w.hits[i][:n]
		k := 0
		for ; k < n && &list[k] != found[i]; k++ {
			list[k].end += int32(i * n)
			list[k].state -= a.hitState
		}
		w.hits[i] = list[:k]
	}
	return n * mostLanes, states[mostLanes-1]
}
