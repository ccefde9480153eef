package virtualkey

import "golang.org/x/sys/cpu"

const stride = 64 // places that findPair looks at in one step

// findPair is the first of n places of text where second stands behind first, or
// n. n is a multiple of stride, and the text has a byte more. It needs AVX2.
//
//go:noescape
func findPair(text *byte, n int, first, second byte) int

// indexPair is the first place where second stands behind first, or -1.
func indexPair(text []byte, first, second byte) int {
	n := 0
	if cpu.X86.HasAVX2 && len(text) > stride {
		n = (len(text) - 1) &^ (stride - 1)
		if i := findPair(&text[0], n, first, second); i < n {
			return i
		}
	}
	if i := indexPairByByte(text[n:], first, second); i >= 0 {
		return n + i
	}
	return -1
}
