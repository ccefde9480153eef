package file

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	if info, err := c.stat(); err == nil && info.Mode().IsRegular() {
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
		info, err := c.stat()
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
