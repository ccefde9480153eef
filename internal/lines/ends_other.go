//go:build !amd64

package lines

// markEnds says that this processor finds line ends one by one.
func markEnds([]uint64, []byte) int { return 0 }
