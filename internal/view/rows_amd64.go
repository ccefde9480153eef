package view

import "golang.org/x/sys/cpu"

// sortBlocks writes, for each of n blocks at text, a word for each set of fitting
// characters, and one for the marks: bit i says that byte i of the block is in the
// set. It needs AVX2.
//
//go:noescape
func sortBlocks(out *[fitSets]uint64, marks *uint64, text *byte, n int, tables *[sortTables][16]byte)

// rowTables are what sortBlocks looks bytes up in: by the low half of a byte the
// high halves with which it is in the set, as bits; then the bit of each high half;
// then the mask of a half; then, as for the first, the marks.
var rowTables = func() (t [sortTables][16]byte) {
	for c := range 0x80 {
		for i := range 4 {
			t[i][c&15] |= packings[0].fits[c] >> i & 1 << (c >> 4)
		}
		for i := range 2 {
			t[4+i][c&15] |= packings[1].fits[c] >> i & 1 << (c >> 4)
		}
	}
	for i := range 16 {
		t[fitSets][i] = byte(1 << i) // none from 8 on: no character that fits has its top bit set
		t[fitSets+1][i] = 15
	}
	for _, c := range marked {
		t[fitSets+2][c&15] |= 1 << (c >> 4)
	}
	return t
}()

// rowFinder has the memory that rows needs.
type rowFinder struct {
	words [chunkSize][fitSets]uint64
	marks [chunkSize]uint64
	tail  [blockSize]byte
}

// rows appends the ends of the rows of text, and writes the marks of each block of
// it if there is room for them.
func (f *rowFinder) rows(dst []ends, marks []uint64, text []byte) []ends {
	if !cpu.X86.HasAVX2 {
		return markEach(rowsByWindow(dst, text), marks, text)
	}
	var s rowState
	for at := 0; at < len(text); {
		n, from, to := min((len(text)-at)/blockSize, chunkSize), &text[at], &f.marks[0]
		if n == 0 {
			clear(f.tail[copy(f.tail[:], text[at:]):])
			n, from = 1, &f.tail[0]
		}
		if len(marks) > 0 {
			to = &marks[at/blockSize : at/blockSize+n][0]
		}
		sortBlocks(&f.words[0], to, from, n, &rowTables)
		for i := range n {
			if bits := s.next(&f.words[i]); bits != 0 {
				dst = append(dst, ends{at + i*blockSize, bits})
			}
		}
		at += n * blockSize
	}
	return dst
}

// rowState is what the block before leaves to the next one: the words of it that
// are shifted over the edge.
type rowState struct {
	first, second, third, groups       uint64 // of base64
	digits, pairs, twos, fours, eights uint64 // of hex: so many groups in a row
}

// next says which bytes of a block end a row.
func (s *rowState) next(w *[fitSets]uint64) uint64 {
	groups := w[3] & behind(w[2], s.third, 1) & behind(w[1], s.second, 2) & behind(w[0], s.first, 3)
	found := groups & behind(groups, s.groups, 4) & behind(groups, s.groups, 8)
	s.first, s.second, s.third, s.groups = w[0], w[1], w[2], groups

	pairs := w[5] & behind(w[4], s.digits, 1)
	twos := pairs & behind(pairs, s.pairs, 2)
	fours := twos & behind(twos, s.twos, 4)
	eights := fours & behind(fours, s.fours, 8)
	found |= eights & behind(eights, s.eights, 16)
	s.digits, s.pairs, s.twos, s.fours, s.eights = w[4], pairs, twos, fours, eights
	return found
}

// behind moves the bits of a word and of the one before it n bytes on.
func behind(word, before uint64, n uint) uint64 { return word<<n | before>>(64-n) }
