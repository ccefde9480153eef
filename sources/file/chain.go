package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"sluice/internal/lines"
	"sluice/internal/record"
)

const (
	// grace is how long a generation whose successor is written to already must
	// be quiet before it is left: the processes of one service reopen their log
	// one after the other.
	grace = 100 * time.Millisecond
	// letGo is how long a file without a name and without a successor must be
	// quiet before it is closed, which frees its blocks.
	letGo = time.Minute
	// scanEvery is how often rotated generations are looked for unasked.
	scanEvery = 10 * time.Second
)

var errLater = lines.ErrLater

// chain is one log: the generations that are read one after the other.
type chain struct {
	f     *follower
	path  string
	dir   string // of path
	links bool   // are followed: the path was named, or matched by a glob
	named bool   // by the user: it is never dropped

	mu        sync.Mutex // guards what follows; not held while emitting
	begun     bool
	segs      []*segment    // the last len(queue) are those of queue
	queue     []*generation // the first one is read
	judged    map[fileKey]verdict
	committed int64 // Mark.Epoch
	mark      record.Mark
	emitted   int64   // bytes, of all generations, since the start
	delivered int64   // of these
	finished  fileKey // what is under the path and was read to its end
	scanned   time.Time
	listing   *listing  // of the last scan
	quiet     time.Time // since when nothing is there
	gaps      []Gap     // to be told
	trouble   error

	// of the loop in follower.run
	next      time.Time
	wait      time.Duration
	scheduled bool
	dropped   bool
	watch     watch // the last one, it may have ended
	asked     bool  // to be told of what happens next
	heard     bool  // what happened last was told
}

// want describes the file that holds the content of a generation.
type want struct {
	id   fileID // tried first
	head int64
	at   int64 // it has so many bytes
	tail int64 // tailOf before at; 0: not known
	more bool  // and at least one more
}

// live is the generation under the log's path; nil: there is none.
func (c *chain) live() *generation {
	for _, g := range c.queue {
		if g.live {
			return g
		}
	}
	return nil
}

// gap notes what is to be told once nothing is locked.
func (c *chain) gap(offset int64, reason string) {
	c.gaps = append(c.gaps, Gap{Path: c.path, Offset: offset, Reason: reason})
}

// tellGaps must be called without c.mu.
func (c *chain) tellGaps() {
	c.mu.Lock()
	gaps := c.gaps
	c.gaps = nil
	c.mu.Unlock()
	for _, g := range gaps {
		c.f.stats.Gaps.Add(1)
		c.f.cfg.Log.Warn("bytes of a log were not read", "path", record.Printable(g.Path), "offset", g.Offset, "reason", g.Reason)
		if c.f.cfg.OnGap != nil {
			c.f.cfg.OnGap(g)
		}
	}
}

// openFile opens a file that may be read; nil without an error: it may not, or
// belongs to another log.
func (c *chain) openFile(name string) (*generation, error) {
	flags := os.O_RDONLY | syscall.O_NONBLOCK
	if !c.links {
		flags |= noFollow
	}
	file, err := os.OpenFile(name, flags, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || c.f.never(info) || !c.f.hold(c, idOf(info)) {
		_ = file.Close() // nothing was read
		return nil, err
	}
	g := &generation{name: name, file: file, id: idOf(info), size: info.Size(), time: info.ModTime()}
	if g.first, err = readFirst(file); err != nil {
		_ = file.Close()
		c.f.release(c, g.id)
		return nil, err
	}
	if isPacked(g.first) {
		first, ok := unpackedHead(context.Background(), file, c.f.cfg.Archive)
		g.packed = &packed{cfg: c.f.cfg.Archive}
		if g.first = nil; ok {
			g.first = first
		}
	}
	return g, nil
}

// start makes an opened file a generation that is read from a place on.
func (c *chain) start(g *generation, seg *segment, from int64) *generation {
	seg.chain, seg.fileID, seg.End = c, g.id, -1
	g.seg, g.off, g.sent = seg, from, from
	if head := headOf(g.first); headBytes(head) >= headBytes(seg.Head) {
		seg.Head = head
	}
	if g.packed == nil {
		if last, err := readBefore(g.file, from); err == nil {
			g.last, g.tail = last, last
		}
	}
	seg.changed()
	return g
}

// put adds generations to the end of the queue.
func (c *chain) put(gs ...*generation) {
	for _, g := range gs {
		c.queue, c.segs = append(c.queue, g), append(c.segs, g.seg)
	}
}

// setQueue gives the queue a new order.
func (c *chain) setQueue(queue []*generation) {
	c.segs = c.segs[:len(c.segs)-len(c.queue)]
	c.queue = nil
	c.put(queue...)
	c.f.dirty.Store(true)
}

// pop ends the generation that was read.
func (c *chain) pop() {
	g := c.queue[0]
	g.seg.end(g)
	if info, err := c.stat(); err == nil && g.live {
		c.finished = keyOf(info)
	}
	g.close()
	c.queue = slices.Delete(c.queue, 0, 1)
}

// step gives the next batch; ok is false if there is nothing for now.
func (c *chain) step(ctx context.Context) (b record.Batch, ok bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) > 0 {
		g := c.queue[0]
		if g.file == nil && !g.over && !c.reopen(g) {
			return b, false, nil
		}
		b, err := g.next(ctx)
		switch {
		case err == nil:
			g.since = time.Time{}
			g.seal(&b)
			if len(b.Records) > 0 || b.Unread != "" {
				return b, true, nil
			}
		case err == io.EOF:
			c.pop()
		case !errors.Is(err, errLater):
			return b, false, err
		case !c.atEnd(g):
			if g.reader != nil {
				g.reader.Release()
			}
			return b, false, nil
		}
	}
	return b, false, nil
}

// atEnd decides what follows on the present end of g; false: wait.
func (c *chain) atEnd(g *generation) (goOn bool) {
	switch now := c.f.now(); {
	case g.failed != nil:
		c.trouble = fmt.Errorf("read %s: %w", record.Printable(g.name), g.failed)
		return false
	case g.cut:
		return c.wasCut(g)
	case g.file == nil || now.Before(g.retry):
		return false
	case !c.succeeded(g, now):
		return false
	}
	c.scan(fresh) // a generation between this one and its successor may have been missed
	g.over = true
	return true
}

// succeeded says that nothing more is to be expected of g.
func (c *chain) succeeded(g *generation, now time.Time) bool {
	if g.packed != nil {
		return false // next says when it is at its end
	}
	written := 0
	for _, next := range c.queue[1:] {
		if next.seg.Head != 0 || next.written() {
			written++
		}
	}
	if g.since.IsZero() || now.Before(g.since) {
		g.since = now
	}
	switch {
	case g.live:
		return false
	case written > 1:
		return true
	case written == 1:
		return now.Sub(g.since) >= grace
	}
	info, err := g.file.Stat()
	return err == nil && !linked(info) && now.Sub(g.since) >= letGo
}

// written says that the file holds something.
func (g *generation) written() bool {
	if g.file == nil {
		return g.size > 0
	}
	info, err := g.file.Stat()
	return err == nil && info.Size() > 0
}

// wasCut ends a generation whose file was emptied or written anew. A copy that
// was made before has what was not read yet.
func (c *chain) wasCut(g *generation) (goOn bool) {
	lost := max(0, g.size-g.off)
	if g.live {
		g.live = false
		c.anew(g)
	}
	was := g.id
	copied := c.locate(want{head: g.seg.Head, at: g.off, tail: tailOf(g.last), more: true}, was)
	c.f.release(c, was)
	_ = g.file.Close() // it was only read
	g.file, g.over, g.cut = nil, true, false
	switch {
	case copied == nil:
		if lost > 0 {
			c.gap(g.sent, fmt.Sprintf("the file was emptied before %d bytes of it were read, and there is no copy", lost))
		}
	case copied.packed != nil:
		g.packed, g.file, g.id, g.name, g.reader = copied.packed, copied.file, copied.id, copied.name, nil
	default:
		g.file, g.id, g.name, g.size, g.time = copied.file, copied.id, copied.name, 0, time.Time{}
	}
	c.scan(fresh)
	return true
}

// anew puts what is now in the file behind g.
func (c *chain) anew(g *generation) {
	file, err := os.Open(g.name)
	if err != nil {
		return // the next look sees to it
	}
	info, err := file.Stat()
	if err != nil || idOf(info) != g.id || !c.f.hold(c, g.id) {
		_ = file.Close()
		return
	}
	first, err := readFirst(file)
	if err != nil {
		first = nil
	}
	n := &generation{name: g.name, file: file, id: g.id, size: info.Size(), time: info.ModTime(), first: first, live: true}
	c.put(c.start(n, &segment{}, 0))
	c.f.stats.Rotations.Add(1)
}

// reopen finds the file of a generation again whose descriptor was let go.
func (c *chain) reopen(g *generation) bool {
	g.failed = nil
	w := want{id: g.id, head: g.seg.Head, at: g.off, tail: tailOf(g.last)}
	if len(g.last) == 0 {
		w.tail = 0
	}
	n := c.locate(w, fileID{})
	if n == nil {
		if c.trouble != nil {
			return false
		}
		if g.seg.Head != 0 {
			c.gap(g.sent, "the file is gone, and nothing with its content is there")
		}
		g.over, g.live = true, false
		return true
	}
	g.file, g.id, g.name, g.size, g.time = n.file, n.id, n.name, 0, time.Time{}
	if g.packed = n.packed; g.packed != nil {
		g.reader = nil
	} else if len(g.first) == 0 {
		g.first = n.first
	}
	return true
}

// isGone says that an error means that there is no such file.
func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) }
