package kafka

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
)

// assignment is a partition while it is ours.
type assignment struct {
	partition
	stream  string
	epoch   int64
	stop    int64         // read up to here; -1: no end
	stopped chan struct{} // closed when nothing more is emitted

	mu        sync.Mutex
	next      int64 // offset to fetch: what is before it was emitted, or is no message
	emitted   int64 // offset behind the last batch that was emitted
	delivered int64 // everything before it was delivered
	committed int64 // everything before it is committed
	moved     bool  // restarted, and the group does not know yet
	changed   chan struct{}

	early int64         // messages: with so many delivered and not committed, due is told
	due   chan struct{} // nil: nobody commits

	waiting atomic.Bool                        // in emit, or for the window: not a stall
	cut     atomic.Pointer[context.CancelFunc] // ends the fetch that is under way
}

func newAssignment(p partition, epoch, from, stop int64) *assignment {
	return &assignment{
		partition: p, stream: p.topic + "/" + strconv.Itoa(p.id), epoch: epoch, stop: stop,
		stopped: make(chan struct{}), next: from, emitted: from, delivered: from, committed: from, changed: make(chan struct{}, 1),
	}
}

// signal wakes who waits for a change: there is one waiter at a time.
func (a *assignment) signal() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// deliver notes that everything before an offset was delivered. Where that is much
// of the window, it is committed at once: reading would stop before the next
// commit by the clock.
func (a *assignment) deliver(offset int64) {
	a.mu.Lock()
	a.delivered = max(a.delivered, offset)
	a.settle()
	due := a.due != nil && a.delivered-a.committed >= a.early
	a.mu.Unlock()
	a.signal()
	if due {
		select {
		case a.due <- struct{}{}:
		default:
		}
	}
}

// settle counts what is no message as delivered with what is before it; mu is
// held.
func (a *assignment) settle() {
	if a.delivered >= a.emitted {
		a.delivered = max(a.delivered, a.next)
	}
}

// skip goes on at an offset with no message in between.
func (a *assignment) skip(to int64) {
	a.mu.Lock()
	a.next = to
	a.settle()
	a.mu.Unlock()
}

// emit emits a batch that ends before an offset. It is noted as emitted first,
// since its delivery may be over before emit returns.
func (a *assignment) emit(emit func() error, to int64) error {
	a.mu.Lock()
	before := a.emitted
	a.next, a.emitted = to, to
	a.mu.Unlock()
	a.waiting.Store(true)
	err := emit()
	a.waiting.Store(false)
	if err != nil {
		a.mu.Lock()
		a.next, a.emitted = before, before
		a.mu.Unlock()
	}
	return err
}

// restart goes on at another offset, which may be before what is committed.
// Nothing may be open.
func (a *assignment) restart(at int64) {
	a.mu.Lock()
	a.next, a.emitted, a.delivered, a.committed, a.moved = at, at, at, at, true
	a.mu.Unlock()
}

// toCommit is what is delivered and not committed.
func (a *assignment) toCommit() (offset int64, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.delivered, a.delivered > a.committed || a.moved
}

func (a *assignment) didCommit(offset int64) {
	a.mu.Lock()
	a.committed, a.moved = max(a.committed, offset), false
	a.mu.Unlock()
	a.signal()
}

// position is the offset to fetch and how many messages are emitted and not
// committed.
func (a *assignment) position() (next, open int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.next, a.next - a.committed
}

// drained says that everything that was emitted is delivered.
func (a *assignment) drained() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.delivered >= a.emitted
}
