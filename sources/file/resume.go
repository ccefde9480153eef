package file

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"sluice/internal/lines"
	"sluice/internal/record"
)

// begin finds the place to go on from, or to begin at.
func (c *chain) begin() {
	f := c.f
	mark, marked := f.marks[c.path]
	saved, known := f.saved[c.path]
	for _, seg := range saved.Segments {
		kept := *seg
		kept.chain = c
		c.segs = append(c.segs, &kept)
	}
	if marked || known {
		c.resume(mark, marked)
	}
	c.openCurrent(marked || known)
	if !marked && !known {
		c.passOver()
		if f.first {
			c.skipBacklog()
		}
	} else if !known {
		c.passOlder()
	}
	c.scan(fresh)
}

// resume queues what was read and not delivered.
func (c *chain) resume(mark record.Mark, marked bool) {
	at := 0
	for at < len(c.segs) && c.segs[at].Skip {
		at++
	}
	if marked {
		if at = c.segmentOf(mark.Epoch); at < 0 {
			seg := &segment{chain: c, Epoch: mark.Epoch, Head: mark.Epoch, Start: mark.Offset, End: -1}
			if headBytes(mark.Epoch) == 0 {
				seg.Head = 0
			}
			if at = slices.IndexFunc(c.segs, func(s *segment) bool { return s.End < 0 }); at < 0 {
				at = len(c.segs)
			}
			c.segs = slices.Insert(c.segs, at, seg)
		}
		c.committed = mark.Epoch
	}
	again := c.segs[min(at, len(c.segs)):]
	c.segs = c.segs[:min(at, len(c.segs)):min(at, len(c.segs))]
	for i, seg := range again {
		from, tail := seg.Start, int64(0)
		if seg.End < 0 {
			tail = seg.Tail
		}
		if marked && i == 0 {
			from, tail = mark.Offset, mark.Sub
		}
		c.resumeSegment(seg, from, tail, again[i+1:])
	}
}

// resumeSegment queues one, if its content is still there. If not, it counts as
// read to where it was: the mark that names it goes on to say what is delivered.
func (c *chain) resumeSegment(seg *segment, from, tail int64, later []*segment) {
	end := seg.End
	wanted := want{id: seg.fileID, head: seg.Head, at: max(from, end), tail: seg.tailFor(from, tail)}
	var g *generation
	switch {
	case seg.Skip || end >= 0 && from >= end:
		c.finish(seg)
		return
	case seg.Head == 0: // nothing is known of it: it is among what was never read, or gone
	case end < 0 && c.reading(seg.fileID) != nil: // it goes on where an earlier part of it ends
	default:
		if g = c.locate(wanted, fileID{}); g == nil {
			c.gap(from, "the file that was read last is gone, and nothing with its content is there")
		}
	}
	if g == nil {
		seg.End, seg.Tail = max(from, end), wanted.tail
		c.finish(seg)
		return
	}
	g = c.start(g, seg, from)
	for _, next := range later {
		if end >= 0 && next.Head == seg.Head && next.Start >= end {
			g.limit = end
		}
	}
	c.put(g)
}

// finish puts a segment that is not read before those that are.
func (c *chain) finish(seg *segment) {
	c.segs = slices.Insert(c.segs, len(c.segs)-len(c.queue), seg)
	seg.changed()
}

// tailFor is the Tail that belongs to the place that is looked at.
func (s *segment) tailFor(from, tail int64) int64 {
	if s.End > from {
		return s.Tail
	}
	return tail
}

// openCurrent queues the file under the path, unless it is queued.
func (c *chain) openCurrent(resumed bool) {
	info, err := c.stat()
	if err != nil || !info.Mode().IsRegular() {
		return // look says what is wrong
	}
	for i, g := range c.queue {
		if g.live = g.file != nil && g.id == idOf(info); g.live && i < len(c.queue)-1 {
			g.live = false // what follows was read behind it: it comes again as a new part
		}
	}
	if c.live() != nil {
		return
	}
	n, _ := c.openFile(c.path)
	if n == nil {
		return // look says what is wrong
	}
	if c.reading(n.id) != nil {
		_ = n.file.Close() // it was only read
		c.f.release(c, n.id)
		return
	}
	from := int64(0)
	if resumed {
		from = c.continued(n)
	}
	n.live = true
	c.put(c.start(n, &segment{}, from))
}

// passOver takes note of rotated files that are not read: those before the
// backlog of a first start, and those of a log that comes later and that were
// there before it.
func (c *chain) passOver() {
	siblings, _ := c.siblings(fresh)
	for _, s := range siblings {
		changed := s.info.ModTime()
		late := !c.f.first && !changed.After(c.f.discovered.Add(-time.Second)) && !c.f.asked(s.path)
		if late || c.f.tooOld(changed) {
			c.pass(s)
		}
	}
}

// passOlder is for marks that came without a State: what was changed before the
// file that is gone on with was read before it.
func (c *chain) passOlder() {
	var first time.Time
	if len(c.queue) > 0 {
		first = c.queue[0].time
	}
	siblings, _ := c.siblings(fresh)
	for _, s := range siblings {
		if c.reading(idOf(s.info)) == nil && (first.IsZero() || s.info.ModTime().Before(first)) {
			c.pass(s)
		}
	}
}

// pass makes a file one that is not read.
func (c *chain) pass(s sibling) {
	g, err := c.openFile(s.path)
	if err != nil || g == nil {
		return
	}
	end := g.size
	if g.packed != nil {
		end = everything
	}
	seg := &segment{chain: c, Head: headOf(g.first), End: end, Skip: true, fileID: g.id}
	if g.packed == nil {
		if last, err := readBefore(g.file, end); err == nil {
			seg.Tail = tailOf(last)
		}
	}
	_ = g.file.Close() // it was only read
	c.f.release(c, g.id)
	c.finish(seg)
}

// skipBacklog moves the start of what is there at the first start to where the
// backlog begins.
func (c *chain) skipBacklog() {
	g := c.live()
	if g == nil || g.packed != nil {
		return
	}
	from := int64(0)
	switch b := c.f.cfg.Backlog; {
	case b.None:
		from = lineStart(g.file, g.size)
	case c.f.tooOld(g.time):
		from = g.size
	case !b.Since.IsZero() && b.Time != nil:
		from = since(g, b)
	}
	if from > 0 {
		seg := g.seg
		seg.Start = from
		if last, err := readBefore(g.file, from); err == nil {
			seg.Tail = tailOf(last)
		}
		c.start(g, seg, from)
	}
}

// tooOld says that nothing in a file that was changed then belongs to the
// backlog of a first start.
func (f *follower) tooOld(changed time.Time) bool {
	b := f.cfg.Backlog
	return f.first && (b.None || !b.Since.IsZero() && changed.Before(b.Since))
}

// lineStart is the end of the last whole line of a file of that size: the rest
// of a line that is being written belongs to what comes.
func lineStart(f *os.File, size int64) int64 {
	buf := make([]byte, min(size, lines.MaxLine))
	n, err := readAt(f, buf, size-int64(len(buf)))
	if err != nil {
		return size
	}
	for i := n - 1; i >= 0; i-- {
		if buf[i] == '\n' {
			return size - int64(len(buf)) + int64(i) + 1
		}
	}
	return size - int64(len(buf))
}

// since is the offset of the first line with a time at or after b.Since; of the
// end of the file if all times are before, 0 if no line has one.
func since(g *generation, b Backlog) int64 {
	timed, end := false, int64(0)
	r := lines.NewReader(&fromStart{g: g}, record.Origin{Name: g.name}, record.Mark{Stream: g.name})
	err := r.Emit(context.Background(), func(batch record.Batch) error {
		for i := range batch.Records {
			rec := &batch.Records[i]
			at, ok := b.Time(batch.Text[rec.Start:rec.End])
			if ok && !at.Before(b.Since) {
				end = rec.Base
				return errEnough
			}
			timed = timed || ok
			end = rec.Next
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) || err == nil && !timed {
		return 0
	}
	return end
}

// fromStart reads a generation's file from its start to its present end.
type fromStart struct {
	g   *generation
	off int64
}

func (r *fromStart) Read(p []byte) (int, error) {
	n, err := r.g.file.ReadAt(p, r.off)
	r.off += int64(n)
	return n, err
}
