package pipeline

import (
	"sync"
	"time"

	"sluice/internal/reassemble"
	"sluice/internal/record"
)

// laneKey names a stream of a source.
type laneKey struct {
	source int
	stream string
}

// lane is the state of one stream while it is read.
type lane struct {
	source   Source
	origin   record.Origin // its name redacted: a file's name can hold a key
	queueKey laneKey

	mu     sync.Mutex // held while a batch of the stream is pushed or flushed
	stream *reassemble.Stream
	broken bool      // a batch was dropped: what follows must not be committed
	held   time.Time // since when something is held back; zero: nothing; guarded by lanes.mu
}

// lanes are the streams that are open.
type lanes struct {
	mu   sync.Mutex
	open map[laneKey]*lane
	held map[*lane]struct{}

	holding chan struct{} // one waits: something is held; received by who lets go of it
}

func (ls *lanes) get(key laneKey, make func() *lane) *lane {
	ls.mu.Lock()
	l, ok := ls.open[key]
	ls.mu.Unlock()
	if ok {
		return l
	}
	l = make() // a stream is emitted by one goroutine at a time, so nobody else makes it
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.open == nil {
		ls.open, ls.held = map[laneKey]*lane{}, map[*lane]struct{}{}
	}
	ls.open[key] = l
	return l
}

func (ls *lanes) drop(key laneKey) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	delete(ls.open, key)
}

// setHeld notes since when the lane, which is locked, holds something back.
func (ls *lanes) setHeld(l *lane, now time.Time) {
	holds := l.stream.Held() > 0
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if holds {
		l.held = now
		ls.held[l] = struct{}{}
		select {
		case ls.holding <- struct{}{}:
		default:
		}
		return
	}
	delete(ls.held, l)
}

func (ls *lanes) holds() bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return len(ls.held) > 0
}

// heldSince returns the lanes that have held something since before t.
func (ls *lanes) heldSince(t time.Time) []*lane {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	var out []*lane
	for l := range ls.held {
		if !l.held.After(t) {
			out = append(out, l)
		}
	}
	return out
}

func (ls *lanes) each(f func(*lane)) {
	ls.mu.Lock()
	all := make([]*lane, 0, len(ls.open))
	for _, l := range ls.open {
		all = append(all, l)
	}
	ls.mu.Unlock()
	for _, l := range all {
		f(l)
	}
}

// newLane opens a stream's state.
func (r *run) newLane(src Source, index int, b *record.Batch) *lane {
	r.stats.Streams.Add(1)
	var hold reassemble.Hold
	if r.cfg.Hold != nil {
		hold = r.cfg.Hold()
	}
	key := laneKey{index, b.End.Stream}
	if r.cfg.Ordered {
		key = laneKey{}
	}
	return &lane{source: src, origin: r.cleanOrigin(b.Origin), queueKey: key, stream: reassemble.New(hold)}
}

// cleanOrigin redacts a place's name.
func (r *run) cleanOrigin(o record.Origin) record.Origin {
	text := []byte(o.Name)
	b := record.Batch{Text: text, Records: []record.Record{{Span: record.Span{End: len(text)}, Base: -1}}}
	d := r.examine(&b, r.cfg.Redactor.Apply)
	o.Name = string(d.Clean)
	return o
}
