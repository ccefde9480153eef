package lines

import (
	"math/bits"

	"sluice/internal/record"
)

const (
	markBlock = 64 // bytes that a word of marks stands for
	markChunk = 64 // blocks that are marked at once
)

// wholeLines appends the lines of text, as records does, that end in the first of
// its blocks, and says where the next one begins. To begin a search anew for each
// line took twice as long.
func (r *Reader) wholeLines(recs []record.Record, text []byte, from int) (_ []record.Record, pos int) {
	var marks [markChunk]uint64
	for at := 0; ; {
		n := markEnds(marks[:], text[at:])
		if n == 0 {
			return recs, pos
		}
		for i, mark := range marks[:n] {
			for ; mark != 0; mark &= mark - 1 {
				if len(recs) == MaxRecords {
					return recs, pos
				}
				end := at + i*markBlock + bits.TrailingZeros64(mark) + 1
				recs = r.add(recs, from+pos, from+end, true)
				pos = end
			}
		}
		at += n * markBlock
	}
}
