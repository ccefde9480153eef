package webhook

import (
	"container/heap"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"sluice/internal/spool"
)

// The bounds of an outbox in memory.
const (
	maxEntries = 50_000    // leaks not delivered yet, about 250 bytes each beside what the spool holds
	maxGroups  = 100_000   // windows, about 100 bytes each; with more, some leaks are told again early
	maxMessage = 512 << 10 // bytes of stored findings in a message; receivers commonly take 1 MiB
)

// entry is a leak on its way. Until it is sealed into a message it collects
// what equals it.
type entry struct {
	seq    uint64
	leak   // without its finding
	due    time.Time
	held   bool // a repeat, told when its group's window is over
	msg    string
	at     spool.Place
	cost   int64         // bytes in the spool, or as many as they would be
	stored []byte        // the finding; nil if it stands in the spool
	done   chan struct{} // closed when delivered or refused; nil with a spool
	err    error         // set before done is closed
}

// window is a group that was told of: until then its repeats are held.
type window struct {
	until time.Time
	open  *entry // collects; nil if none does
	told  *entry // the newest one sealed; nil with a spool
}

// message is what one request carries. Its entries, and so its body, never
// change: its id stands for them.
type message struct {
	id      string
	at      time.Time // sealed
	entries []*entry
}

// outbox holds what was taken and not delivered, and knows what was told of
// lately. With a spool every change is a line in it.
type outbox struct {
	cfg  *Config
	file *spool.File   // nil: memory only
	kick chan struct{} // one slot: something is due earlier than it was

	mu        sync.Mutex
	entries   map[uint64]*entry
	queue     byDue
	groups    map[groupKey]*window
	sealed    []*message    // oldest first
	next      uint64        // seq
	live      int64         // bytes that the entries take in the spool
	rewritten int64         // size of the spool after its last rewrite
	room      chan struct{} // closed when an entry goes
	stats     Stats
	full      bool // told, and no room since
}

var errNoRoom = errors.New("the spool is full")

func newOutbox(cfg *Config) *outbox {
	return &outbox{cfg: cfg, kick: make(chan struct{}, 1), entries: map[uint64]*entry{},
		groups: map[groupKey]*window{}, room: make(chan struct{})}
}

// add takes a leak, or returns errNoRoom and the channel to wait on. wait is
// whose delivery stands for the leak's: nil with a spool, where end is what to
// sync.
func (o *outbox) add(l leak) (wait *entry, end int64, room <-chan struct{}, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.cfg.Now()
	g := o.groups[l.key]
	if g != nil && g.open != nil {
		if end, err = o.more(g.open, l); err != nil {
			return nil, 0, o.room, err
		}
		if g.open.held {
			return g.told, end, nil, nil
		}
		return g.open, end, nil, nil
	}
	e := &entry{leak: l, due: now.Add(o.cfg.Linger)}
	if g != nil && now.Before(g.until) {
		e.due, e.held = g.until, true
	}
	if end, err = o.put(e); err != nil {
		return nil, 0, o.room, err
	}
	if g == nil {
		o.forgetSome(now)
		g = &window{}
		o.groups[l.key] = g
	}
	g.open = e
	if e.held {
		return g.told, end, nil, nil
	}
	return e, end, nil, nil
}

// put takes a new entry.
func (o *outbox) put(e *entry) (end int64, err error) {
	if len(o.entries) >= maxEntries {
		return 0, errNoRoom
	}
	stored, err := encode(e.finding)
	if err != nil {
		return 0, err
	}
	e.seq, e.finding, e.cost = o.next, nil, spool.Cost(len(stored)+lineOverhead)
	if o.file == nil {
		e.stored, e.done = stored, make(chan struct{})
	} else if end, err = o.writePut(e, stored); err != nil {
		return 0, err
	}
	o.next++
	o.entries[e.seq] = e
	o.live += e.cost
	o.push(e)
	return end, nil
}

// more counts a repeat of an open entry.
func (o *outbox) more(e *entry, l leak) (end int64, err error) {
	if o.file != nil {
		_, end, err = o.write(&line{Kind: kindMore, Seq: e.seq, Count: l.count, First: l.first.UnixNano(), Last: l.last.UnixNano()})
		if err != nil {
			return 0, err
		}
	}
	e.leak.add(l.count, l.first, l.last)
	return end, nil
}

func (o *outbox) push(e *entry) {
	heap.Push(&o.queue, e)
	if o.queue[0] == e {
		select {
		case o.kick <- struct{}{}:
		default:
		}
	}
}

// forgetSome keeps the number of groups bounded.
func (o *outbox) forgetSome(now time.Time) {
	if len(o.groups) < maxGroups {
		return
	}
	for key, g := range o.groups {
		if g.open == nil && !now.Before(g.until) {
			delete(o.groups, key)
		}
	}
	for key, g := range o.groups {
		if len(o.groups) < maxGroups*3/4 {
			break
		}
		if g.open == nil {
			delete(o.groups, key)
		}
	}
}

// flush says which entries may go before they are due.
type flush uint8

const (
	flushNone flush = iota
	flushDue        // those that only wait for others
	flushAll        // those held for the end of a window, too
)

// take returns the oldest sealed message, or seals what is due. Without any,
// wait is how long until something is due; below zero: nothing waits.
func (o *outbox) take(how flush) (m *message, end int64, wait time.Duration, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.sealed) > 0 {
		return o.sealed[0], 0, 0, nil
	}
	now := o.cfg.Now()
	picked := o.pick(now, how)
	if len(picked) == 0 {
		if len(o.queue) == 0 || how != flushNone {
			return nil, 0, -1, nil
		}
		return nil, 0, o.queue[0].due.Sub(now), nil
	}
	m = &message{id: newID(), at: now, entries: picked}
	if end, err = o.seal(m); err != nil {
		for _, e := range picked {
			heap.Push(&o.queue, e)
		}
		return nil, 0, 0, err
	}
	o.sealed = append(o.sealed, m)
	return m, end, 0, nil
}

// pick takes what is due off the queue, as much as a message holds. What would
// follow within a moment goes along.
func (o *outbox) pick(now time.Time, how flush) (picked []*entry) {
	size := int64(0)
	for len(o.queue) > 0 && len(picked) < o.cfg.Batch {
		e := o.queue[0]
		if !o.mayGo(e, now, how) && (len(picked) == 0 || e.held) {
			break
		}
		if size += e.cost; size > maxMessage && len(picked) > 0 {
			break
		}
		picked = append(picked, heap.Pop(&o.queue).(*entry))
	}
	return picked
}

func (o *outbox) mayGo(e *entry, now time.Time, how flush) bool {
	return !e.due.After(now) || how == flushAll || how == flushDue && !e.held
}

// newID is an id for a message: unique, and no guess at how many there were.
func newID() string { return "msg_" + rand.Text() }

// seal gives entries to a message for good.
func (o *outbox) seal(m *message) (end int64, err error) {
	if o.file != nil {
		// Without room on the disk the message goes out all the same: only a
		// crash would then send it under another id.
		if _, end, err = o.write(sealLine(m)); err != nil && !errors.Is(err, errNoRoom) {
			return 0, err
		}
	}
	for _, e := range m.entries {
		e.msg = m.id
		g := o.group(e.key)
		if g.open == e {
			g.open = nil
		}
		g.until = m.at.Add(o.cfg.Window)
		if o.file == nil {
			g.told = e
		}
	}
	return end, nil
}

// delivered lets go of a message. That the spool can't say so yet is no
// error: after a crash the message is sent again under its id.
func (o *outbox) delivered(m *message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stats.Messages++
	for _, e := range m.entries {
		o.stats.Delivered += e.count
	}
	o.drop(m, nil)
}

// refused lets go of a message that the receiver will never take.
func (o *outbox) refused(m *message, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range m.entries {
		o.stats.Refused += e.count
		if o.file == nil {
			delete(o.groups, e.key) // nobody was told
		}
	}
	o.drop(m, err)
}

func (o *outbox) drop(m *message, err error) {
	o.unseal(m, nil)
	for _, e := range m.entries {
		delete(o.entries, e.seq)
		o.live -= e.cost
		if e.done != nil {
			e.err, e.stored = err, nil
			close(e.done)
		}
	}
	if o.file != nil {
		_, _, _ = o.write(&line{Kind: kindDone, Msg: m.id})
	}
	o.full = false
	close(o.room)
	o.room = make(chan struct{})
}

// split replaces a message by two halves with ids of their own.
func (o *outbox) split(m *message) (end int64, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	half := len(m.entries) / 2
	a := &message{id: newID(), at: m.at, entries: m.entries[:half:half]}
	b := &message{id: newID(), at: m.at, entries: m.entries[half:]}
	if o.file != nil {
		if _, end, err = o.write(sealLine(a, b)); err != nil && !errors.Is(err, errNoRoom) {
			return 0, err
		}
	}
	for _, part := range []*message{a, b} {
		for _, e := range part.entries {
			e.msg = part.id
		}
	}
	o.unseal(m, []*message{a, b})
	return end, nil
}

// unseal puts others in the place of a message.
func (o *outbox) unseal(m *message, others []*message) {
	for i, s := range o.sealed {
		if s == m {
			o.sealed = append(others, append(o.sealed[:i:i], o.sealed[i+1:]...)...)
			return
		}
	}
}

// byDue is a heap with what is due next on top, of equals the older.
type byDue []*entry

func (q byDue) Len() int { return len(q) }
func (q byDue) Less(i, j int) bool {
	if !q[i].due.Equal(q[j].due) {
		return q[i].due.Before(q[j].due)
	}
	return q[i].seq < q[j].seq
}
func (q byDue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *byDue) Push(x any)   { *q = append(*q, x.(*entry)) }
func (q *byDue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return e
}
