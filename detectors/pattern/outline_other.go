//go:build !amd64

package pattern

// outlineOf is a hash of the length of a line and of the places of its letters and
// digits of ASCII; lines in which those differ have the same one hardly ever.
func outlineOf(line []byte) uint64 { return outlineInGo(line) }

// fits says whether each byte of line is that of text or of a class that free has at
// its place. Text and free are as long as line rounded up to whole blocks, or longer.
func fits(line, text, free []byte) bool { return fitsInGo(line, text, free) }
