package pattern

import "golang.org/x/sys/cpu"

// firstOf is the place of the first of n bytes at text that is in the set of the
// tables or not ASCII, n if there is none; n is a multiple of 32. It needs AVX2.
//
//go:noescape
func firstOf(text *byte, n int, tables *[3][16]byte) int

// leaving is a set of bytes of ASCII as firstOf looks them up: by the low half of a
// byte the high halves with which it is in the set, as bits; then the bit of each
// high half; then the mask of a half.
type leaving [3][16]byte

const firstBlock = 32

func newLeaving(in func(c byte) bool) (t leaving) {
	for c := range byte(0x80) {
		if in(c) {
			t[0][c&15] |= 1 << (c >> 4)
		}
	}
	for i := range t[1] {
		t[1][i], t[2][i] = byte(1<<i), 15
	}
	return t
}

// skip goes from i over bytes of ASCII that are not in the set, perhaps not all.
func (t *leaving) skip(text []byte, i int) int {
	if n := (len(text) - i) &^ (firstBlock - 1); n > 0 && cpu.X86.HasAVX2 {
		return i + firstOf(&text[i], n, (*[3][16]byte)(t))
	}
	return i
}
