package lines

import "golang.org/x/sys/cpu"

// markBlocks writes, for each of n blocks of text, a word with a bit for each line
// end in it; n is one at least. It needs AVX2.
//
//go:noescape
func markBlocks(marks *uint64, text *byte, n int)

// markEnds marks the line ends of the blocks that text and marks have room for, and
// says how many those are; 0: this processor finds them one by one.
func markEnds(marks []uint64, text []byte) int {
	n := min(len(text)/markBlock, len(marks))
	if n == 0 || !cpu.X86.HasAVX2 {
		return 0
	}
	markBlocks(&marks[0], &text[0], n)
	return n
}
