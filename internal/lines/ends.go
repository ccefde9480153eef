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
	// What changes with each line is at hand; the Reader has it at the end.
	line, base := r.line, r.at.Offset-int64(from)
	start, counted := from, min(line, 1)
	defer func() { r.line, r.at.Offset = line, base+int64(start) }()
	for at := 0; ; {
		n := markEnds(marks[:], text[at:])
		if n == 0 {
			return recs, start - from
		}
		for i, mark := range marks[:n] {
			for ; mark != 0; mark &= mark - 1 {
				if len(recs) == MaxRecords {
					return recs, start - from
				}
				end := from + at + i*markBlock + bits.TrailingZeros64(mark) + 1
				recs = withRoom(recs)
				rec := &recs[len(recs)-1]
				rec.Start, rec.End, rec.Line = start, end, line
				rec.Base, rec.Next = base+int64(start), base+int64(end)
				start, line = end, line+counted
			}
		}
		at += n * markBlock
	}
}
