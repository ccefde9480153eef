package file

import (
	"context"
	"encoding/binary"
)

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
