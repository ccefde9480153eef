package file

import (
	"context"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// sibling is a file beside a log that by its name may be a generation of it.
type sibling struct {
	path, name string
	info       fs.FileInfo
	// what a scan found it to be
	gen  *generation // it waits in the queue; nil: it has to be queued
	from int64       // where its unread content begins
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
	head int64
}

// siblings are the rotated files of the log that have content. whole is false
// if one was renamed or removed meanwhile.
func (c *chain) siblings(now listed) (found []sibling, whole bool) {
	whole = true
	dirs := map[string][]string{filepath.Dir(c.path): {filepath.Base(c.path)}}
	if target, err := filepath.EvalSymlinks(c.path); err == nil && target != filepath.Clean(c.path) {
		dir := filepath.Dir(target)
		dirs[dir] = append(dirs[dir], filepath.Base(target), filepath.Base(c.path))
	}
	seen := map[string]bool{}
	for dir, bases := range dirs {
		l := c.f.list(dir, now)
		for _, base := range bases {
			for _, name := range l.rotated[base] {
				path := filepath.Join(dir, name)
				if seen[path] {
					continue
				}
				seen[path] = true
				info, err := os.Lstat(path)
				whole = whole && err == nil
				if err == nil && info.Mode().IsRegular() && info.Size() > 0 && !c.f.never(info) {
					found = append(found, sibling{path: path, name: name, info: info})
				}
			}
		}
	}
	slices.SortStableFunc(found, func(a, b sibling) int { return strings.Compare(a.path, b.path) })
	return found, whole
}

// locate opens the file that holds a generation's content: at the log's path,
// or beside it; not the one that is known to be something else. nil: there is
// none.
func (c *chain) locate(w want, not fileID) *generation {
	candidates, _ := c.siblings(fresh)
	if info, err := os.Stat(c.path); err == nil && info.Mode().IsRegular() {
		candidates = append([]sibling{{path: c.path, name: filepath.Base(c.path), info: info}}, candidates...)
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

// maxScans bounds how often a scan is repeated because something was renamed
// while it went on.
const maxScans = 8

// scan looks for generations that were missed, and for those that were written
// to after they were read, and puts them before what is read later. What it saw
// is one moment's: it is repeated if the log was rotated meanwhile.
func (c *chain) scan(now listed) {
	if g := c.live(); g != nil && g.begun() && g.packed == nil && g.file != nil {
		if err := g.check(0); err == nil && g.cut {
			c.wasCut(g) // scans, once what is in the file now stands behind it
			return
		}
	}
	for range maxScans {
		whole := c.scanOnce(now)
		g := c.live()
		info, err := os.Stat(c.path)
		if err != nil && g != nil {
			g.live = false
		}
		rotated := err == nil && info.Mode().IsRegular() && g != nil && g.id != idOf(info) && c.openNext(g)
		if !rotated && whole {
			return
		}
		now = fresh
	}
}

// scanOnce is false if something was renamed while it went on.
func (c *chain) scanOnce(now listed) (whole bool) {
	c.scanned = c.f.now()
	for _, g := range c.waiting() {
		c.keepUp(g)
	}
	there := map[*segment]bool{}
	judged := make(map[fileKey]verdict, len(c.judged))
	waiting, packed := c.waiting(), map[*segment]sibling{}
	var order []sibling
	unread, heads := false, map[int64]bool{}
	siblings, whole := c.siblings(now)
	for _, s := range siblings {
		id, key := idOf(s.info), keyOf(s.info)
		if s.gen = waiting[id]; s.gen != nil {
			delete(waiting, id)
			order = append(order, s)
			continue
		}
		if g := c.reading(id); g != nil {
			g.live = g.live && s.path == c.path
			continue
		}
		v, known := c.judged[key]
		if !known {
			var gone bool
			if v, known, gone = c.judge(s); !known {
				whole = whole && !gone
				if v.seg != nil {
					packed[v.seg] = s
				}
				continue
			}
		}
		if v.seg != nil {
			there[v.seg] = true
		}
		if v.from >= 0 && heads[v.head] {
			continue // it is being compressed: the other one is read
		}
		if v.from >= 0 {
			heads[v.head] = true
			unread, s.from = true, v.from
			order = append(order, s)
			v.from = -1 // from now on it is one of ours
		}
		judged[key] = v
	}
	c.judged = judged
	c.prune(there)
	if unread || len(order) > 0 {
		whole = c.insert(c.nameless(order, waiting, packed), siblings) && whole
	}
	return whole
}

// waiting are the generations in the queue of which nothing was read.
func (c *chain) waiting() map[fileID]*generation {
	waiting := map[fileID]*generation{}
	for i, g := range c.queue {
		if g.file != nil && (i > 0 || !g.begun()) {
			waiting[g.id] = g
		}
	}
	return waiting
}

// nameless adds to order the generations that wait and whose files have no name
// any more, under the name of what they were compressed to, or their last one.
func (c *chain) nameless(order []sibling, waiting map[fileID]*generation, packed map[*segment]sibling) []sibling {
	for _, g := range waiting {
		if g.live {
			continue
		}
		s, ok := packed[g.seg]
		if info, err := g.file.Stat(); !ok && err == nil {
			s, ok = sibling{path: g.name, name: filepath.Base(g.name), info: info}, true
		}
		if ok {
			s.gen = g
			order = append(order, s)
		}
	}
	return order
}

// inReadingOrder sorts what waits: by names as far as they are known, the others
// by time among them.
func (c *chain) inReadingOrder(order, all []sibling) []sibling {
	var named, others []sibling
	for _, s := range order {
		if s.path == c.path {
			others = append(others, s)
		} else {
			named = append(named, s)
		}
	}
	inOrder(named, all)
	for _, s := range others {
		i := slices.IndexFunc(named, func(n sibling) bool { return n.info.ModTime().After(s.info.ModTime()) })
		if i < 0 {
			i = len(named)
		}
		named = slices.Insert(named, i, s)
	}
	return named
}

// begun says that something of the generation was read.
func (g *generation) begun() bool { return g.off > g.seg.Start || g.sent > g.seg.Start }

// reading is the generation in the queue that has the file open; nil: none has.
func (c *chain) reading(id fileID) *generation {
	for _, g := range c.queue {
		if g.file != nil && g.id == id {
			return g
		}
	}
	return nil
}

// judge finds out what a file beside the log is. ok is false if that cannot be
// told yet, or the file is gone.
func (c *chain) judge(s sibling) (v verdict, ok, gone bool) {
	g, err := c.openFile(s.path)
	if g == nil {
		return verdict{from: -1}, err == nil, isGone(err) // or it belongs to another log
	}
	defer func() {
		_ = g.file.Close() // it was only read
		c.f.release(c, g.id)
	}()
	if len(g.first) == 0 {
		return v, g.packed != nil && c.f.now().Sub(s.info.ModTime()) > settled, false
	}
	for i := len(c.segs) - 1; i >= 0; i-- {
		seg := c.segs[i]
		if q := i - (len(c.segs) - len(c.queue)); q >= 0 {
			if c.sameAsQueued(g, c.queue[q]) {
				return verdict{seg: seg, from: -1}, false, false // a copy that may still grow: nothing is remembered
			}
		} else if hasHead(g.first, seg.Head) {
			if from, same := c.covered(g, seg); same {
				return verdict{seg, from, seg.Head}, true, false
			}
		}
	}
	return verdict{nil, 0, headOf(g.first)}, true, false
}

// sameAsQueued says that an opened file is a copy of one that waits or is read,
// whole or begun.
func (c *chain) sameAsQueued(g, q *generation) bool {
	first, same := q.first, false
	if q.file != nil && q.packed == nil {
		if now, err := readFirst(q.file); err == nil && hasPrefix(now, first) {
			first, same = now, true
		}
	}
	if len(first) == 0 || !hasPrefix(first, g.first) && !hasPrefix(g.first, first) {
		return false
	}
	if !same {
		return true // it was cut: who reads it looks for this copy
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
// writing, before what is under the log's path. whole is false if one of them is
// gone by now.
func (c *chain) insert(order, all []sibling) (whole bool) {
	whole = true
	order = c.inReadingOrder(order, all)
	var read, loose, rotated, live []*generation
	placed := map[*generation]bool{}
	for _, s := range order {
		if g := s.gen; g != nil {
			if !g.live || s.path != c.path {
				g.live = false
				placed[g] = true
				rotated = append(rotated, g)
			}
			g.name = s.path
			continue
		}
		g, err := c.openFile(s.path)
		if g == nil {
			if err != nil && !isGone(err) {
				c.trouble = explain(s.path, err)
			}
			delete(c.judged, keyOf(s.info))
			whole = whole && !isGone(err)
			continue
		}
		rotated = append(rotated, c.start(g, &segment{}, s.from))
	}
	for i, g := range c.queue {
		switch {
		case placed[g]:
		case i == 0 && g.begun() && !g.live:
			read = append(read, g)
		case g.live && g.begun() && len(rotated) > 0:
			live = append(live, c.divide(g))
		case g.live:
			live = append(live, g)
		default:
			loose = append(loose, g)
		}
	}
	c.setQueue(slices.Concat(read, loose, rotated, live))
	return whole
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
