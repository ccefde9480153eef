package webhook

import (
	"container/heap"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sluice/internal/spool"
)

// replay rebuilds an outbox from the lines of its spool.
type replay struct {
	o        *outbox
	now      time.Time
	messages map[string]*message
	contents map[string][]uint64
	order    []string // of sealing
}

// open reads the spool that an earlier run left.
func (o *outbox) open() error {
	r := &replay{o: o, now: o.cfg.Now(), messages: map[string]*message{}, contents: map[string][]uint64{}}
	file, found, err := spool.Open(o.cfg.Spool, "findings.spool", r.line)
	if err != nil {
		return err
	}
	o.file = file
	for _, seq := range o.seqs() {
		e := o.entries[seq]
		if m := r.messages[e.msg]; m != nil {
			m.entries = append(m.entries, e)
		} else {
			heap.Push(&o.queue, e)
			o.group(e.key).open = e
		}
	}
	for _, id := range r.order {
		if m := r.messages[id]; m != nil && len(m.entries) > 0 {
			o.sealed = append(o.sealed, m)
		}
	}
	if found.Cut > 0 {
		o.cfg.Log.Warn("a torn end of the webhook's spool was cut; what it began was never acknowledged", "bytes", found.Cut)
	}
	if found.Damaged > 0 {
		o.cfg.Log.Error("the webhook's spool has damaged places; what stood there is lost", "bytes", found.Damaged)
	}
	if len(o.entries) > 0 {
		o.cfg.Log.Info("findings of an earlier run wait in the webhook's spool", "leaks", len(o.entries))
	}
	return nil
}

// line does what a line says.
func (r *replay) line(b []byte, at spool.Place) error {
	var l line
	if err := json.Unmarshal(b, &l); err != nil {
		return fmt.Errorf("line of spool: %w", err)
	}
	switch l.Kind {
	case kindPut:
		return r.put(&l, at)
	case kindMore:
		if e := r.o.entries[l.Seq]; e != nil {
			e.leak.add(l.Count, time.Unix(0, l.First), time.Unix(0, l.Last))
		}
	case kindSeal:
		r.seal(&l)
	case kindDone:
		for _, seq := range r.contents[l.Msg] {
			if e := r.o.entries[seq]; e != nil && e.msg == l.Msg {
				r.o.live -= e.cost
				delete(r.o.entries, seq)
			}
		}
		delete(r.contents, l.Msg)
		delete(r.messages, l.Msg)
	case kindWindow:
		key, err := parseKey(l.Key)
		if err != nil {
			return err
		}
		r.o.group(key).until = r.later(l.At)
	default:
		return errors.New("line of spool: was written by another version; let that one deliver it, or move the folder away")
	}
	return nil
}

func (r *replay) put(l *line, at spool.Place) error {
	key, err := parseKey(l.Key)
	if err != nil {
		return err
	}
	e := &entry{
		seq: l.Seq, due: r.later(l.Due), held: l.Held, at: at, cost: spool.Cost(at.Len),
		leak: leak{key: key, count: l.Count, first: time.Unix(0, l.First), last: time.Unix(0, l.Last)},
	}
	r.o.entries[e.seq], r.o.next = e, max(r.o.next, l.Seq+1)
	r.o.live += e.cost
	return nil
}

func (r *replay) seal(l *line) {
	sealed := time.Unix(0, l.At)
	for _, p := range l.Parts {
		if r.messages[p.Msg] == nil {
			r.messages[p.Msg] = &message{id: p.Msg, at: sealed}
			r.order = append(r.order, p.Msg)
		}
		r.contents[p.Msg] = p.Seqs
		for _, seq := range p.Seqs {
			if e := r.o.entries[seq]; e != nil {
				e.msg = p.Msg
				r.o.group(e.key).until = r.later(sealed.Add(r.o.cfg.Window).UnixNano())
			}
		}
	}
}

// later is a stored time by the clock that this process has. One that is
// further away than a window was written by a clock that was wrong, then or now:
// nothing is held for longer than a window.
func (r *replay) later(nanoseconds int64) time.Time {
	return r.now.Add(min(time.Unix(0, nanoseconds).Sub(r.now), r.o.cfg.Window))
}

func parseKey(text string) (key groupKey, err error) {
	if len(text) != 2*len(key) {
		return key, errors.New("line of spool: bad key")
	}
	if _, err := hex.Decode(key[:], []byte(text)); err != nil {
		return key, fmt.Errorf("line of spool: %w", err)
	}
	return key, nil
}

func (o *outbox) group(key groupKey) *window {
	g := o.groups[key]
	if g == nil {
		g = &window{}
		o.groups[key] = g
	}
	return g
}
