//go:build !amd64

package virtualkey

func indexPair(text []byte, first, second byte) int { return indexPairByByte(text, first, second) }
