package view

import "golang.org/x/sys/cpu"

// sortBlocks writes, for each of n blocks at text, a word for each set of fitting
// characters, and one for the marks: bit i says that byte i of the block is in the
// set. The words of the sets are chunkSize apart. It needs AVX2.
//
//go:noescape
func sortBlocks(words *uint64, marks *mark, text *byte, n int, tables *[sortTables][16]byte)

// joinRows writes, for each of n blocks, a word of the bytes that end a row. It
// reads and writes up to three more, so that they are fours, and keeps before what
// the last of them leave to the next: of two sets of base64, of its groups, and
// of eights of hex. It needs AVX2.
//
//go:noescape
func joinRows(found, words *uint64, n int, before *[carried]uint64)

const carried = 4 // words that go on over the edge of a block

// rowTables are what sortBlocks looks bytes up in: by the low half of a byte the
// high halves with which it is in the set, as bits, of three sets and of the marks
// other than these; then the bit of each high half; then the mask of a half; line
// ends, backslashes; and what the digits 0 to 7 have in common, and where.
var rowTables = func() (t [sortTables][16]byte) {
	for c := range 0x80 {
		for i := range 3 {
			t[i][c&15] |= packings[0].fits[c] >> i & 1 << (c >> 4)
		}
	}
	for i := range t[3] {
		t[3][i] = byte(i + 1) // not a byte that is looked up there
	}
	for _, r := range []round{ansi, percent} {
		t[3][triggers[r]&15] = triggers[r]
	}
	for i := range 16 {
		t[4][i] = byte(1 << i)
		if i >= 8 { // no byte in a set has its top bit set: those of the first two, which no other has both
			t[4][i] = 1<<0 | 1<<1
		}
		t[5][i], t[6][i], t[7][i], t[8][i], t[9][i] = 15, '\n', triggers[escape], 0xf8, '0'
	}
	return t
}()

// rowFinder has the memory that rows needs.
type rowFinder struct {
	words [4][chunkSize]uint64
	marks [chunkSize]mark
	found [chunkSize]uint64
	tail  [blockSize]byte
}

// rows appends the ends of the rows of text, and writes the marks of each block of
// it if there is room for them.
func (f *rowFinder) rows(dst []ends, marks []mark, text []byte) []ends {
	if !cpu.X86.HasAVX2 {
		return markEach(rowsByWindow(dst, text), marks, text)
	}
	var before [carried]uint64
	for at := 0; at < len(text); at += chunkSize * blockSize {
		chunk := text[at:min(at+chunkSize*blockSize, len(text))]
		to := f.marks[:]
		if len(marks) > 0 {
			to = marks[at/blockSize:]
		}
		n := len(chunk) / blockSize
		if n > 0 {
			sortBlocks(&f.words[0][0], &to[0], &chunk[0], n, &rowTables)
		}
		if rest := chunk[n*blockSize:]; len(rest) > 0 {
			clear(f.tail[copy(f.tail[:], rest):])
			sortBlocks(&f.words[0][n], &to[n], &f.tail[0], 1, &rowTables)
			n++
		}
		joinRows(&f.found[0], &f.words[0][0], n, &before)
		for i, bits := range f.found[:n] {
			if bits != 0 {
				dst = append(dst, ends{at + i*blockSize, bits})
			}
		}
	}
	return dst
}
