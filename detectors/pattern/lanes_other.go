//go:build !amd64

package pattern

// walkLanes walks most of the text, and returns up to where and the state there.
func (a *automaton) walkLanes(w *walker) (end int, state uint32) { return a.walkFour(w) }
