package file

import (
	"path/filepath"
	"slices"
	"time"
)

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
