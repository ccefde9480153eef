package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"sluice/internal/spool"
)

// The lines of the spool.
const (
	kindPut    = "put"    // a leak was taken
	kindMore   = "more"   // it was seen again
	kindSeal   = "seal"   // leaks were put into messages; a later seal counts
	kindDone   = "done"   // a message was delivered, or refused for good
	kindWindow = "window" // a leak was told of and is not to be told again before
)

// lineOverhead is what a put line has besides its finding, bytes, at most.
const lineOverhead = 256

// line is one line of the spool, JSON. Times are Unix nanoseconds.
type line struct {
	Kind    string          `json:"k"`
	Seq     uint64          `json:"seq,omitempty"`
	Key     string          `json:"key,omitempty"`
	Due     int64           `json:"due,omitempty"`
	Held    bool            `json:"held,omitempty"`
	Count   int64           `json:"n,omitempty"`
	First   int64           `json:"first,omitempty"`
	Last    int64           `json:"last,omitempty"`
	At      int64           `json:"at,omitempty"`
	Parts   []part          `json:"parts,omitempty"`
	Msg     string          `json:"msg,omitempty"`
	Finding json.RawMessage `json:"finding,omitempty"`
}

// part is a message and what is in it.
type part struct {
	Msg  string   `json:"msg"`
	Seqs []uint64 `json:"seqs"`
}

func sealLine(ms ...*message) *line {
	l := &line{Kind: kindSeal, At: ms[0].at.UnixNano()}
	for _, m := range ms {
		p := part{Msg: m.id}
		for _, e := range m.entries {
			p.Seqs = append(p.Seqs, e.seq)
		}
		l.Parts = append(l.Parts, p)
	}
	return l
}

func putLine(e *entry, finding []byte) *line {
	return &line{Kind: kindPut, Seq: e.seq, Key: e.key.String(), Due: e.due.UnixNano(), Held: e.held,
		Count: e.count, First: e.first.UnixNano(), Last: e.last.UnixNano(), Finding: finding}
}

// writePut writes an entry if the spool has room for it. Three eighths of the
// spool hold leaks: it is rewritten when it has grown to half its size, beside
// the old one, and between two rewrites an eighth takes the small lines.
func (o *outbox) writePut(e *entry, finding []byte) (end int64, err error) {
	if o.live+e.cost > o.cfg.SpoolBytes*3/8 {
		return 0, errNoRoom
	}
	e.at, end, err = o.write(putLine(e, finding))
	return end, err
}

// write appends a line. The mutex is held.
func (o *outbox) write(l *line) (at spool.Place, end int64, err error) {
	b, err := json.Marshal(l)
	if err != nil {
		return at, 0, fmt.Errorf("encode line of spool: %w", err)
	}
	// A spool that was given less room than it holds is not rewritten for
	// every line.
	if o.file.Size()+spool.Cost(len(b)) > max(o.cfg.SpoolBytes/2, o.rewritten+o.cfg.SpoolBytes/16) {
		if err := o.rewrite(); err != nil {
			return at, 0, fmt.Errorf("%w: %w", errNoRoom, err)
		}
		o.rewritten = o.file.Size()
	}
	at, end, err = o.file.Append(b)
	if errors.Is(err, spool.ErrFull) {
		err = fmt.Errorf("%w: %w", errNoRoom, err)
	}
	return at, end, err
}

// rewrite leaves in the spool what is still wanted.
func (o *outbox) rewrite() error {
	places := map[uint64]spool.Place{}
	err := o.file.Rewrite(func(read func(spool.Place) ([]byte, error), add func([]byte) (spool.Place, error)) error {
		put := func(l *line) (at spool.Place, err error) {
			b, err := json.Marshal(l)
			if err != nil {
				return at, err
			}
			return add(b)
		}
		if err := o.rewriteWindows(put); err != nil {
			return err
		}
		for _, seq := range o.seqs() {
			e := o.entries[seq]
			at, err := put(putLine(e, o.stored(e, read)))
			if err != nil {
				return err
			}
			places[seq] = at
		}
		for _, m := range o.sealed {
			if _, err := put(sealLine(m)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for seq, at := range places {
		o.entries[seq].at = at
	}
	return nil
}

// rewriteWindows keeps the windows that are open, as many as a sixteenth of
// the spool holds.
func (o *outbox) rewriteWindows(put func(*line) (spool.Place, error)) error {
	now := o.cfg.Now()
	var size int64
	for key, g := range o.groups {
		if !now.Before(g.until) || size > o.cfg.SpoolBytes/16 {
			continue
		}
		at, err := put(&line{Kind: kindWindow, Key: key.String(), At: g.until.UnixNano()})
		if err != nil {
			return err
		}
		size += spool.Cost(at.Len)
	}
	return nil
}

func (o *outbox) seqs() []uint64 { return slices.Sorted(maps.Keys(o.entries)) }

// stored is the finding of an entry as encode made it. Of one whose bytes the
// disk damaged only the number of times it was seen is still told.
func (o *outbox) stored(e *entry, read func(spool.Place) ([]byte, error)) []byte {
	if e.stored != nil {
		return e.stored
	}
	var l line
	b, err := read(e.at)
	if err == nil {
		err = json.Unmarshal(b, &l)
	}
	if err == nil {
		_, err = decode(l.Finding)
	}
	if err == nil {
		return l.Finding
	}
	e.stored = []byte(`{"Rule":"damaged","Severity":"high","Context":"the disk damaged this finding in the spool"}`)
	o.stats.Damaged += e.count
	o.cfg.Log.Error("the disk damaged a finding in the webhook's spool; it is told of without its place", "error", err)
	return e.stored
}

// load reads the leaks of a message.
func (o *outbox) load(m *message) ([]leak, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	leaks := make([]leak, 0, len(m.entries))
	for _, e := range m.entries {
		f, err := decode(o.stored(e, o.readFile))
		if err != nil {
			return nil, err
		}
		l := e.leak
		l.finding = f
		leaks = append(leaks, l)
	}
	return leaks, nil
}

func (o *outbox) readFile(at spool.Place) ([]byte, error) { return o.file.Read(at) }
