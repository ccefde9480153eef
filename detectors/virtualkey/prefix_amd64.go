package virtualkey

const stride = 32 // places that findPair looks at in one step

// findPair is the first of n places of text where second stands behind first, or
// n. n is a multiple of stride, and text has n+1 bytes. Any processor can do it.
//
//go:noescape
func findPair(text *byte, n int, first, second byte) int

// indexPair is the first place where second stands behind first, or -1.
func indexPair(text []byte, first, second byte) int {
	n := max(len(text)-1, 0) &^ (stride - 1)
	if n > 0 {
		if i := findPair(&text[0], n, first, second); i < n {
			return i
		}
	}
	if i := indexPairByByte(text[n:], first, second); i >= 0 {
		return n + i
	}
	return -1
}
