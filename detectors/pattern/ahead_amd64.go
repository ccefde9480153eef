package pattern

import "golang.org/x/sys/cpu"

// nextBlock goes over n bytes at text, a multiple of 32 with two more to be read
// behind them, to the first 32 in which a text of three bytes begins that the tables
// have, or that have the run of line feeds behind the last of left. It returns where
// those are, n if there are none, and the beginnings of both in them as bits. feed is 1
// if a line feed stands before the text. It needs AVX2.
//
//go:noescape
func nextBlock(text *byte, n int, tables *[5][16]byte, left int, feed uint32) (i int, hits, lines uint32, rest int)

// triples is sets of bytes of ASCII, one for each place, as nextBlock looks them up:
// by the low half of a byte the high halves with which it is in a set, as bits; then
// the bit of each high half; then the mask of a half.
type triples [5][16]byte

func newTriples(kind *[256]uint8) (t triples) {
	for c := range byte(0x80) {
		for i := range aheadBytes {
			t[i][c&15] |= kind[c] >> i & 1 << (c >> 4)
		}
	}
	for i := range t[3] {
		t[3][i], t[4][i] = byte(1<<i), 15
	}
	return t
}

// find goes from i to the next block that has something, whole is whether it did:
// else the rest of the text is too short, or this is not the machine for it.
func (t *triples) find(text []byte, i, left int) (at int, hits, lines uint32, rest int, whole bool) {
	n := (len(text) - i - (aheadBytes - 1)) &^ (blockBytes - 1)
	if n <= 0 || !cpu.X86.HasAVX2 {
		return i, 0, 0, left, false
	}
	feed := uint32(0)
	if i > 0 && text[i-1] == '\n' {
		feed = 1
	}
	at, hits, lines, rest = nextBlock(&text[i], n, (*[5][16]byte)(t), left, feed)
	return i + at, hits, lines, rest, at < n
}
