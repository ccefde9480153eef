package pattern

import "golang.org/x/sys/cpu"

// outlineBlocks goes on from h over the n bytes at line, 32 or more, as outlineInGo
// does. It needs AVX2.
//
//go:noescape
func outlineBlocks(line *byte, n int, sets *classSets, h uint64) uint64

// fitBlocks says whether the n bytes at line, 32 or more, fit. It needs AVX2.
//
//go:noescape
func fitBlocks(line, text, free *byte, n int, sets *classSets) bool

// outlineOf is a hash of the length of a line and of the places of its letters and
// digits of ASCII; lines in which those differ have the same one hardly ever.
func outlineOf(line []byte) uint64 {
	if len(line) == 0 || !cpu.X86.HasAVX2 {
		return outlineInGo(line)
	}
	h := uint64(len(line)) * outlineFactor
	if len(line) < blockBytes {
		var block [blockBytes]byte // what is behind the line is no letter
		copy(block[:], line)
		line = block[:]
	}
	h = outlineBlocks(&line[0], len(line), &wordSets, h)
	return h ^ h>>32
}

// fits says whether each byte of line is that of text or of a class that free has at
// its place. Text and free are as long as line rounded up to whole blocks, or longer.
func fits(line, text, free []byte) bool {
	if len(line) == 0 || !cpu.X86.HasAVX2 {
		return fitsInGo(line, text, free)
	}
	if len(line) < blockBytes {
		block := [blockBytes]byte(text) // what is behind the line fits
		copy(block[:], line)
		line = block[:]
	}
	n := len(line)
	_, _ = text[n-1], free[n-1] // lest anything beyond them is read
	return fitBlocks(&line[0], &text[0], &free[0], n, &freeSets)
}
