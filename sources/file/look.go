package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// look finds out what became of the log since the last look and opens what is
// new. It says whether there may be something to read.
func (c *chain) look() (ready bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trouble = nil
	if !c.begun {
		c.begun = true
		c.begin()
	}
	info, err := c.stat()
	switch {
	case err == nil && !info.Mode().IsRegular():
		c.trouble = explain(c.path, errors.New("is no file, and is not followed"))
	case err == nil:
		ready = c.found(info)
	case isGone(err):
		if g := c.live(); g != nil {
			g.live = false
		}
	default:
		c.trouble = explain(c.path, err)
	}
	l := c.f.list(filepath.Dir(c.path), current)
	if since := c.f.now().Sub(c.scanned); l != c.listing || since > scanEvery || since < 0 {
		c.listing = l
		c.scan(current)
	}
	if len(c.queue) == 0 {
		return false
	}
	return ready || len(c.queue) > 1 || !c.queue[0].live || c.queue[0].failed != nil
}

// stat follows a link only where one may be.
func (c *chain) stat() (fs.FileInfo, error) {
	if c.links {
		return os.Stat(c.path)
	}
	return os.Lstat(c.path)
}

// found handles a file under the log's path.
func (c *chain) found(info fs.FileInfo) (ready bool) {
	if c.f.never(info) {
		return false
	}
	g := c.live()
	if g == nil && keyOf(info) == c.finished {
		return false
	}
	if g == nil || g.id != idOf(info) {
		c.replaced(g)
		return true
	}
	g.seen = max(g.seen, info.Size())
	if !g.begun() && c.keepUp(g) {
		c.scan(fresh)
	}
	return info.Size() != g.off || info.Size() != g.size || !info.ModTime().Equal(g.time)
}

// replaced puts the file that is now under the path behind the one that was.
func (c *chain) replaced(was *generation) {
	if was != nil {
		was.live = false
	}
	if c.openNext(was) {
		c.scan(fresh)
	}
}

// openNext queues what is under the path now; false: nothing new is there.
func (c *chain) openNext(was *generation) bool {
	n, err := c.openFile(c.path)
	if err != nil && !isGone(err) {
		c.trouble = explain(c.path, err)
	}
	if n == nil {
		return false
	}
	if c.reading(n.id) != nil { // put back under its name, or replaced again meanwhile
		_ = n.file.Close() // it was only read
		c.f.release(c, n.id)
		for i, g := range c.queue {
			g.live = g.id == n.id && i == len(c.queue)-1
		}
		return false
	}
	c.f.stats.Rotations.Add(1)
	if was != nil {
		was.live = false
		if c.rewritten(was, n) {
			return false
		}
	}
	n.live = true
	from := c.continued(n)
	c.put(c.start(n, &segment{}, from))
	return true
}

// rewritten says that a file is another one's content under another number, as
// editors leave it: the old one has no name any more. It then takes its place.
func (c *chain) rewritten(was, n *generation) bool {
	if was.file == nil || was.packed != nil || n.packed != nil || was.off < headLen {
		return false
	}
	info, err := was.file.Stat()
	if err != nil || linked(info) {
		return false
	}
	if !c.holds(n, want{head: was.seg.Head, at: max(was.off, info.Size()), tail: 0}) ||
		!c.holds(n, want{head: was.seg.Head, at: was.off, tail: tailOf(was.last)}) {
		return false
	}
	_ = was.file.Close() // it was only read
	c.f.release(c, was.id)
	was.file, was.id, was.size, was.time, was.live = n.file, n.id, 0, time.Time{}, true
	was.seg.fileID = n.id
	return true
}

// continued is where to go on in a file that was under the path before: a link
// that is turned back, a name that is given back. 0: it is new.
func (c *chain) continued(n *generation) int64 {
	for i := len(c.segs) - 1; i >= 0; i-- {
		if seg := c.segs[i]; seg.fileID == n.id && seg.End >= 0 && hasHead(n.first, seg.Head) {
			end := c.endOf(seg)
			if n.packed != nil {
				return end
			}
			if c.holds(n, want{head: seg.Head, at: end}) {
				if last, err := readBefore(n.file, end); err == nil && tailOf(last) == c.tailAt(seg, end) {
					return end
				}
			}
		}
	}
	return 0
}

// tailAt is the Tail of the segment of seg's generation that ends at end.
func (c *chain) tailAt(seg *segment, end int64) int64 {
	for _, s := range c.segs {
		if s.Head == seg.Head && s.End == end {
			return s.Tail
		}
	}
	return 0
}

// keepUp keeps up with a file that waits for its turn, so that a copy of it is
// known when it is cut before its turn comes. It says whether it was cut.
func (c *chain) keepUp(g *generation) (cut bool) {
	if g.packed != nil || g.file == nil {
		return false
	}
	first, err := readFirst(g.file)
	if err != nil {
		return false
	}
	if cut = !hasPrefix(first, g.first); cut {
		g.first, g.seg.Head = nil, 0 // the copy is a generation that was missed
		clear(c.judged)
	}
	if len(first) > len(g.first) {
		g.know(first)
	}
	return cut
}
