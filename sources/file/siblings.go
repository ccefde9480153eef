package file

import (
	"context"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// sibling is a file beside a log that by its name may be a generation of it.
type sibling struct {
	path, name string
	info       fs.FileInfo
}

// fileKey tells an unchanged file from all others.
type fileKey struct {
	fileID
	size int64
	time int64
}

func keyOf(info fs.FileInfo) fileKey {
	return fileKey{idOf(info), info.Size(), info.ModTime().UnixNano()}
}

// verdict is what a file was found to be. It holds until the file changes.
type verdict struct {
	seg  *segment // whose content it has; nil: nobody's that is known
	from int64    // where unread content begins; -1: there is none
}

// siblings are the rotated files of the log that have content.
func (c *chain) siblings() (found []sibling) {
	dirs := map[string][]string{filepath.Dir(c.path): {filepath.Base(c.path)}}
	if target, err := filepath.EvalSymlinks(c.path); err == nil && target != filepath.Clean(c.path) {
		dir := filepath.Dir(target)
		dirs[dir] = append(dirs[dir], filepath.Base(target), filepath.Base(c.path))
	}
	for dir, bases := range dirs {
		for _, name := range c.f.list(dir) {
			if !slices.ContainsFunc(rotationOf(name), func(base string) bool { return slices.Contains(bases, base) }) {
				continue
			}
			path := filepath.Join(dir, name)
			info, err := os.Lstat(path)
			if err == nil && info.Mode().IsRegular() && info.Size() > 0 && !c.f.never(info) {
				found = append(found, sibling{path, name, info})
			}
		}
	}
	return found
}

// locate opens the file that holds a generation's content: at the log's path,
// or beside it; not the one that is known to be something else. nil: there is
// none.
func (c *chain) locate(w want, not fileID) *generation {
	candidates := c.siblings()
	if info, err := os.Stat(c.path); err == nil && info.Mode().IsRegular() {
		candidates = append([]sibling{{c.path, filepath.Base(c.path), info}}, candidates...)
	}
	slices.SortStableFunc(candidates, func(a, b sibling) int { return w.rank(a) - w.rank(b) })
	for _, s := range candidates {
		if id := idOf(s.info); id == not && not != (fileID{}) || w.head == 0 && id != w.id {
			continue
		}
		g, err := c.openFile(s.path)
		if err != nil && !isGone(err) {
			c.trouble = explain(s.path, err)
		}
		if err != nil || g == nil {
			continue
		}
		if c.holds(g, w) {
			g.live = s.path == c.path
			return g
		}
		_ = g.file.Close() // it was only read
		c.f.release(c, g.id)
	}
	return nil
}

// rank puts the file that had the content first, then those that are not
// compressed.
func (w want) rank(s sibling) int {
	switch {
	case idOf(s.info) == w.id:
		return 0
	case bareName(s.name) == s.name:
		return 1
	}
	return 2
}

// holds says that an opened file has the content that is wanted.
func (c *chain) holds(g *generation, w want) bool {
	if w.head == 0 {
		return true // nothing was known of it but its number
	}
	if !hasHead(g.first, w.head) {
		return false
	}
	if g.packed != nil {
		if !w.more {
			return true
		}
		n, ok := unpackedSize(context.Background(), g.file, c.f.cfg.Archive)
		return ok && n > w.at
	}
	if g.size < w.at || w.more && g.size == w.at {
		return false
	}
	last, err := readBefore(g.file, w.at)
	return err == nil && (w.tail == 0 || tailOf(last) == w.tail)
}

// scan looks for generations that were missed, and for those that were written
// to after they were read, and puts them before what is read later.
func (c *chain) scan() {
	c.scanned = c.f.now()
	there := map[*segment]bool{}
	judged := make(map[fileKey]verdict, len(c.judged))
	waiting := map[fileID]*generation{}
	for i, g := range c.queue {
		if g.file != nil && (i > 0 || !g.begun()) {
			waiting[g.id] = g
		}
	}
	var order []sibling
	unread := map[fileID]verdict{}
	for _, s := range c.siblings() {
		id, key := idOf(s.info), keyOf(s.info)
		if waiting[id] != nil {
			order = append(order, s)
			continue
		}
		if c.reads(id) {
			continue
		}
		v, known := c.judged[key]
		if !known {
			if v, known = c.judge(s); !known {
				continue
			}
		}
		if v.seg != nil {
			there[v.seg] = true
		}
		if v.from >= 0 {
			unread[id] = v
			order = append(order, s)
			v.from = -1 // from now on it is one of ours
		}
		judged[key] = v
	}
	c.judged = judged
	c.prune(there)
	if len(unread) > 0 || len(order) > 0 {
		c.insert(order, waiting, unread)
	}
}

// begun says that something of the generation was read.
func (g *generation) begun() bool { return g.reader != nil || g.sent > g.seg.Start || g.off > g.sent }

// reads says that the queue holds the file.
func (c *chain) reads(id fileID) bool {
	return slices.ContainsFunc(c.queue, func(g *generation) bool { return g.file != nil && g.id == id })
}

// judge finds out what a file beside the log is. ok is false if that cannot be
// told yet.
func (c *chain) judge(s sibling) (v verdict, ok bool) {
	g, err := c.openFile(s.path)
	if g == nil {
		return verdict{from: -1}, err == nil // it belongs to another log
	}
	defer func() {
		_ = g.file.Close() // it was only read
		c.f.release(c, g.id)
	}()
	if len(g.first) == 0 {
		return v, g.packed != nil && c.f.now().Sub(s.info.ModTime()) > settled
	}
	for i := len(c.segs) - 1; i >= 0; i-- {
		seg := c.segs[i]
		if q := i - (len(c.segs) - len(c.queue)); q >= 0 {
			if c.sameAsQueued(g, c.queue[q]) {
				return verdict{seg, -1}, false // a copy that may still grow: nothing is remembered
			}
		} else if hasHead(g.first, seg.Head) {
			if from, same := c.covered(g, seg); same {
				return verdict{seg, from}, true
			}
		}
	}
	return verdict{nil, 0}, true
}

// sameAsQueued says that an opened file is a copy of one that waits or is read,
// whole or begun.
func (c *chain) sameAsQueued(g, q *generation) bool {
	first := q.first
	if q.file != nil && q.packed == nil && !q.cut {
		if now, err := readFirst(q.file); err == nil && (len(first) == 0 || hasPrefix(now, first)) {
			first = now
		} else if err == nil {
			return false // it was cut, and its copy is what is needed
		}
	}
	if len(first) == 0 || !hasPrefix(first, g.first) && !hasPrefix(g.first, first) {
		return false
	}
	if g.packed != nil || q.packed != nil || q.file == nil {
		return true
	}
	info, err := q.file.Stat()
	if err != nil {
		return true
	}
	at := min(g.size, info.Size())
	a, errA := readBefore(g.file, at)
	b, errB := readBefore(q.file, at)
	return errA != nil || errB != nil || string(a) == string(b)
}

func hasPrefix(s, prefix []byte) bool {
	return len(s) >= len(prefix) && string(s[:len(prefix)]) == string(prefix)
}

// covered says whether an opened file has the content of a generation that was
// read, and from where on it has more; -1: it has no more.
func (c *chain) covered(g *generation, seg *segment) (from int64, same bool) {
	end := c.endOf(seg)
	if end == everything {
		return -1, true
	}
	if g.packed != nil {
		if gzipSize(g) == uint32(end) {
			return -1, true
		}
		n, ok := unpackedSize(context.Background(), g.file, c.f.cfg.Archive)
		if !ok || n <= end {
			return -1, true
		}
		return end, true
	}
	if g.size <= end {
		return -1, true
	}
	if headBytes(seg.Head) < headLen && g.id != seg.fileID {
		return -1, false // another short one that begins alike: twice is better than never
	}
	last, err := readBefore(g.file, end)
	if err != nil || seg.Tail != 0 && tailOf(last) != seg.Tail {
		return -1, false
	}
	return end, true
}

// endOf is how far the generation of a finished segment was read, by it or by a
// later one.
func (c *chain) endOf(seg *segment) int64 {
	end := seg.End
	for _, s := range c.segs {
		if s.Head == seg.Head && s.End > end && s.Start <= end {
			end = s.End
		}
	}
	return end
}

// gzipSize is the size that the end of a gzip file names, modulo 2^32; 1 if it
// names none, which no log has.
func gzipSize(g *generation) uint32 {
	var b [4]byte
	if n, err := g.file.ReadAt(b[:], g.size-4); n < 4 || err != nil {
		return 1
	}
	return binary.LittleEndian.Uint32(b[:])
}

// insert puts unread files among those that wait, in the order of their
// writing, before what is under the log's path.
func (c *chain) insert(order []sibling, waiting map[fileID]*generation, unread map[fileID]verdict) {
	inOrder(order)
	var read, loose, rotated, live []*generation
	placed := map[*generation]bool{}
	for _, s := range order {
		id := idOf(s.info)
		if g := waiting[id]; g != nil {
			g.live, g.name = false, s.path
			placed[g] = true
			rotated = append(rotated, g)
			continue
		}
		v := unread[id]
		g, err := c.openFile(s.path)
		if g == nil {
			if err != nil && !isGone(err) {
				c.trouble = explain(s.path, err)
			}
			delete(c.judged, keyOf(s.info))
			continue
		}
		rotated = append(rotated, c.start(g, &segment{}, v.from))
	}
	for i, g := range c.queue {
		switch {
		case placed[g]:
		case i == 0 && g.begun() && !g.live:
			read = append(read, g)
		case g.live && g.begun():
			live = append(live, c.divide(g))
		case g.live:
			live = append(live, g)
		default:
			loose = append(loose, g)
		}
	}
	c.setQueue(slices.Concat(read, loose, rotated, live))
}

// divide interrupts the generation that is read: what was emitted of it is a
// segment of its own, before what was found.
func (c *chain) divide(g *generation) *generation {
	if g.packed != nil {
		return g
	}
	seg := *g.seg
	g.seg.end(g)
	i := len(c.segs) - len(c.queue)
	c.segs = slices.Insert(c.segs, i, g.seg)
	seg.Epoch, seg.Start, seg.Tail, seg.End = 0, g.sent, tailOf(g.tail), -1
	g.seg, g.off, g.last, g.reader = &seg, g.sent, g.tail, nil
	g.size, g.time = 0, time.Time{}
	return g
}
