package gate

import "sync/atomic"

// once is a sync.Once whose others wait on a channel: a clock of tests, which
// does not move while somebody waits for a mutex, moves while they wait here.
type once struct {
	taken atomic.Bool
	done  chan struct{} // closed when the function has returned
}

func newOnce() *once { return &once{done: make(chan struct{})} }

// do calls f if nobody has, and returns when it has returned.
func (o *once) do(f func()) {
	if o.taken.Swap(true) {
		<-o.done
		return
	}
	defer close(o.done)
	f()
}
