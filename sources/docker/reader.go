package docker

import (
	"context"
	"errors"
	"slices"
	"time"

	"sluice/internal/record"
)

// reader reads one container. All of it belongs to the goroutine that runs it,
// but poke.
type reader struct {
	src  *Source
	eng  engine
	id   string
	emit func(record.Batch) error
	poke chan struct{} // one waits: something happened to the container

	name    string // as inspected last
	tty     terminal
	size    int64 // of a file of its log, in bytes; 0: it is not rotated
	known   bool  // inspected once: told the environment, warned
	cursors [sides]cursor
	lines   [sides]assembler
	tail    int           // of the first request; negative: all
	marked  bool          // it goes on from stored marks
	placed  bool          // a request was read to its end: the cursors are where the container is
	blocked bool          // a receiver was slow
	wait    time.Duration // how slow a request may be before a follow connection beside it is not believed
	asked   time.Time     // when the daemon's whole log was asked for last
	ended   bool          // the log was read to its end since the container last ran
	damaged int64         // highest stamp when the daemon could not read its log and what is behind was read; negative: it can
	lost    string        // one pass: what a gap says
	near    bool          // sync asks for few messages first
	file    int64         // newest of its log's files that a message was taken from
	// salvaging: what is read is taken whether or not it goes on from the cursor.
	salvaging bool
}

const (
	// slowReceiver is how long emit may take before a follow connection, which
	// was not read meanwhile, is not believed: a daemon may have skipped a file.
	slowReceiver = 100 * time.Millisecond
	// firstWait and lastWait bound reader.wait.
	firstWait = 250 * time.Millisecond
	lastWait  = 8 * time.Second
	// restEvery is how often a container that does not run is looked at, though
	// no event came.
	restEvery = 30 * time.Second
)

// newReader makes a reader that goes on from the source's marks; early says that
// the container was there when the source began.
func (s *Source) newReader(e engine, id string, early bool, emit func(record.Batch) error) *reader {
	r := &reader{src: s, eng: e, id: id, emit: emit, poke: make(chan struct{}, 1), tail: -1, wait: firstWait, damaged: -1}
	for i := range sides {
		stream := id + "/" + i.String()
		r.lines[i] = assembler{stream: stream, side: i, line: 1}
		if m, ok := s.marks[stream]; ok && m.Offset > 0 && m.Sub > 0 {
			r.cursors[i] = resumed(m.Offset, m.Sub)
			r.lines[i].end, r.lines[i].line = place{m.Offset, m.Sub}, 0
			r.marked = true
		}
	}
	if !early {
		return r
	}
	if !r.marked && s.cfg.Tail != All {
		r.tail = max(int(s.cfg.Tail), 0)
		r.lines[stdout].line, r.lines[stderr].line = 0, 0
	}
	if !s.cfg.Since.IsZero() {
		for i := range r.cursors {
			if r.cursors[i].stamp == 0 {
				r.cursors[i].adopt(s.cfg.Since.UnixNano() - 1)
				r.lines[i].line = 0
			}
		}
	}
	return r
}

// Errors that end a reader, beside those of the engine.
var (
	errUnmatched = errors.New("the container has another name or other labels now")
	errRefused   = errors.New("nothing more is taken") // cause: reader's caller has it
)

// refusal is an error of emit.
type refusal struct{ error }

func (r refusal) Unwrap() error      { return r.error }
func (refusal) Is(target error) bool { return target == errRefused }

// follow reads until the container is gone, no longer matches, cannot be read,
// or ctx ends; the error says which. All else is tried again.
func (r *reader) follow(ctx context.Context) error {
	var b backoff
	r.file = 0 // what counted its files before may have let go of them
	for {
		err := r.cycle(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errRefused):
			return err
		case errors.Is(err, errGone):
			if refused := r.drain(ctx); refused != nil {
				return refused
			}
			if r.known && !r.ended {
				r.src.gap(Gap{Container: r.name, ID: r.id, After: stampTime(r.highest()),
					Reason: "the container was removed before the end of its log could be read"})
			}
			return errors.Join(err, r.finish(""))
		case errors.Is(err, errUnsupported):
			r.src.log.Warn("container cannot be read", "container", record.Printable(r.name), "reason", err.Error())
			return errors.Join(err, r.finish("the logging driver of the container cannot be read"))
		case errors.Is(err, errUnmatched):
			return errors.Join(err, r.finish(""))
		case err == nil:
			b = 0
			continue
		}
		r.src.log.Debug("container is read again", "container", record.Printable(r.name), "reason", err.Error())
		if err := b.wait(ctx); err != nil {
			return err
		}
	}
}

// drain reads the end of a removed container's log, if its files are held. It
// returns an error only where nothing more can be read at all.
func (r *reader) drain(ctx context.Context) error {
	k, ok := r.eng.(keeping)
	if !ok || !r.known || r.ended {
		return nil
	}
	size, held := k.last(r.id)
	if !held {
		return nil
	}
	_, err := r.catchUp(ctx)
	if err == nil {
		// A file that was full may have had one behind it that nobody saw.
		r.ended = r.size == 0 || size < r.size
		err = r.closeLines()
	}
	if errors.Is(err, errRefused) || ctx.Err() != nil {
		return err
	}
	return nil
}

// cycle reads what is there, then follows while the container runs, else waits
// for it to start. nil: begin again.
func (r *reader) cycle(ctx context.Context) error {
	d, err := r.inspect(ctx)
	if err != nil {
		return err
	}
	n, err := r.catchUp(ctx)
	if err != nil {
		return err
	}
	if d.running {
		return r.live(ctx)
	}
	if n > 0 && r.inLine() {
		return nil // it may have been started since it was asked about, and the line go on
	}
	r.ended = true
	if err := r.closeLines(); err != nil {
		return err
	}
	rest := time.NewTimer(restEvery)
	defer rest.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-r.poke:
	case <-rest.C:
	}
	return nil
}

// inspect asks for the container's state, and keeps what may have changed.
func (r *reader) inspect(ctx context.Context) (details, error) {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	d, err := r.eng.Inspect(ctx, r.id)
	if err != nil {
		return d, err
	}
	if !r.src.cfg.matches(d.summary) {
		return d, errUnmatched
	}
	if r.name != "" && r.name != d.name {
		// Who follows the stream keeps the name of its first batch.
		if err := r.finish(""); err != nil {
			return d, err
		}
	}
	r.name, r.tty = d.name, d.terminal()
	r.size, _ = retention(d)
	if !r.known {
		r.known = true
		if r.src.cfg.OnEnv != nil {
			r.src.cfg.OnEnv(d.name, d.env)
		}
		if why := shortRetention(d); why != "" && r.src.cfg.Follow {
			r.src.log.Warn("log rotation is short", "container", record.Printable(d.name), "reason", why)
		}
	}
	d.env = nil
	return d, nil
}

// take adds a new message to its stream's batch.
func (r *reader) take(m message) error {
	c, l := &r.cursors[m.side], &r.lines[m.side]
	c.take(m.stamp)
	r.file = max(r.file, m.file)
	l.add(m, place{c.stamp, c.taken})
	if l.busy() {
		return r.flush()
	}
	return nil
}

// flush emits the lines that are whole.
func (r *reader) flush() error {
	for i := range r.lines {
		if b, ok := r.lines[i].batch(r.name); ok {
			if err := r.send(b); err != nil {
				return err
			}
		}
	}
	if k, ok := r.eng.(keeping); ok && r.file > 0 {
		k.taken(r.id, r.file)
	}
	return nil
}

// release emits lines whose end does not come.
func (r *reader) release() error {
	for i := range r.lines {
		r.lines[i].release()
	}
	return r.flush()
}

// inLine says that some stream ends within a line.
func (r *reader) inLine() bool {
	return slices.ContainsFunc(r.lines[:], func(l assembler) bool { return len(l.open) > 0 || l.cut })
}

// closeLines emits lines that cannot go on: the container has ended.
func (r *reader) closeLines() error {
	for i := range r.lines {
		r.lines[i].close()
	}
	return r.flush()
}

func (r *reader) send(b record.Batch) error {
	began := time.Now()
	if err := r.emit(b); err != nil {
		return refusal{err}
	}
	r.blocked = r.blocked || time.Since(began) > slowReceiver
	return nil
}

// finish ends the streams that gave something out, or stdout if an empty log has
// to have an end.
func (r *reader) finish(unread string) error {
	if unread == "" {
		unread = r.lost
	}
	none := true
	for i := range r.lines {
		l := &r.lines[i]
		if !l.given && len(l.records)+len(l.open) == 0 {
			continue
		}
		none = false
		if err := r.send(l.final(r.name, unread)); err != nil {
			return err
		}
		l.given = false
	}
	if none && (unread != "" || !r.src.cfg.Follow) {
		return r.send(r.lines[stdout].final(r.name, unread))
	}
	return nil
}
