package lines

import (
	"sync"

	"sluice/internal/record"
	"sluice/internal/recycle"
)

const (
	// LeadSize is how much of what went before a batch stands before it in memory
	// that is lent, bytes: the context that detectors are shown again.
	LeadSize = 4 << 10

	// minLent is the smallest batch worth lending memory for: what it saves must be
	// more than the lead that is copied with it.
	minLent = LeadSize
)

// block is memory for one batch: its text behind a lead, and its records. It
// belongs to the pool, to a Reader, or to the batch that it was given to.
type block struct {
	text []byte // whole
	recs []record.Record
	pool *sync.Pool
}

// pools hold blocks by the size of their text. Three sizes, so that a batch of a
// slow stream does not hold the memory of a fast one's.
var pools [3]sync.Pool

// newBlock is one for n bytes; nil: no block is so large.
func newBlock(n int) *block {
	size := LeadSize + firstBlock
	for i := range pools {
		if n <= size {
			if b, ok := pools[i].Get().(*block); ok {
				return b
			}
			return &block{text: make([]byte, size), pool: &pools[i]}
		}
		size = LeadSize + 4*(size-LeadSize)
	}
	return nil
}

// free puts b into its pool. Nobody reads it from here on.
func (b *block) free() {
	recycle.Spoil(b.text)
	recycle.SpoilEach(b.recs, record.Record{})
	b.pool.Put(b)
}

// Lend makes r give batches memory that it takes back: a receiver that is done
// with one calls its Free. Of a busy stream the text is not copied at all then:
// it is where it was read to, behind its Lead, and r goes on in another block.
// Batches that are small or longer than MaxBlock, and those of UTF-16, have
// memory of their own.
func (r *Reader) Lend() *Reader {
	r.lends = true
	return r
}

// lent is how many bytes before the batch are given with it; ok says that its
// memory is lent.
func (r *Reader) lent(n int) (lead int, ok bool) {
	if !r.lends || r.cs != octets || n < minLent || n > MaxBlock {
		return 0, false
	}
	return min(r.start, LeadSize), true
}

// give makes the batch of n bytes behind lead bytes that were given before. The
// block that r has read to goes with it if it is mostly full of it.
func (r *Reader) give(b *record.Batch, lead, n int) {
	from, to := r.start-lead, r.start+n
	home := r.block
	if home != nil && 2*n >= r.size() {
		r.next(to)
	} else {
		home = newBlock(to - from)
		copy(home.text, r.buf[from:to])
		from, to, r.start = 0, to-from, to
	}
	b.Text, b.Lead = home.text[from:to:to], lead
	home.recs, r.recs = b.Records, home.recs
	if r.recs == nil { // a new block: the next batch will be much like this one
		r.recs = make([]record.Record, 0, min(len(b.Records)+len(b.Records)/8, MaxRecords))
	}
	freed := false
	b.Free = func() {
		if !freed {
			freed = true
			home.free()
		}
	}
}

// next goes on in a new block with what was read behind to, and with the lead
// before it.
func (r *Reader) next(to int) {
	if to == r.end && r.err != nil {
		r.block, r.buf, r.start, r.end = nil, nil, 0, 0
		return
	}
	lead := min(to, LeadSize)
	next := newBlock(len(r.buf))
	n := copy(next.text, r.buf[to-lead:r.end])
	r.block, r.buf, r.start, r.end = next, next.text, lead, n
}

// setBuf makes room for size bytes that are not given out, and goes on there.
func (r *Reader) setBuf(size int) {
	old, buf := r.block, []byte(nil)
	if r.block = nil; r.lends {
		size += LeadSize
		r.block = newBlock(size)
	}
	if r.block != nil {
		buf = r.block.text
	} else {
		buf = make([]byte, size)
	}
	copy(buf, r.buf[:r.end])
	if r.buf = buf; old != nil {
		old.free()
	}
}
