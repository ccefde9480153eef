package virtualkey

import "golang.org/x/sys/cpu"

const stride = 32 // places that findPair looks at in one step

// findPair is the first of n places of text where second stands behind first, or
// n. n is a multiple of stride, and text has n+1 bytes. Any processor can do it.
//
//go:noescape
func findPair(text *byte, n int, first, second byte) int

// findPairWide is findPair in steps of twice the size. It needs AVX2.
//
//go:noescape
func findPairWide(text *byte, n int, first, second byte) int

// indexPair is the first place where second stands behind first, or -1.
func indexPair(text []byte, first, second byte) int {
	step, find := stride, findPair
	if cpu.X86.HasAVX2 {
		step, find = 2*stride, findPairWide
	}
	return indexPairBy(find, step, text, first, second)
}

// indexPairBy is indexPair with find, which looks at so many places in one step.
func indexPairBy(find func(text *byte, n int, first, second byte) int, step int, text []byte, first, second byte) int {
	n := max(len(text)-1, 0) &^ (step - 1)
	if n > 0 {
		if i := find(&text[0], n, first, second); i < n {
			return i
		}
	}
	if i := indexPairByByte(text[n:], first, second); i >= 0 {
		return n + i
	}
	return -1
}
