package view

// A run of base64 or hex is decoded only where it may hold text: where enough
// groups in a row are of characters that fit. One pass over a text finds the
// ends of such rows; in a log hardly any are by chance.

// ends is where rows end in 64 bytes of a text: bit i stands for byte at+i.
type ends struct {
	at   int
	bits uint64
}

const (
	base64Row  = 4 * shortestText / 3 // characters of a row
	hexRow     = 2 * shortestHexText
	rowsBegin  = 1 | 1<<base64Row
	rowsEnd    = 1<<(base64Row-1) | 1<<(base64Row+hexRow-1)
	blockSize  = 64 // bytes of a text that share a word
	chunkSize  = 64 // blocks that are sorted at a time
	fitSets    = 6  // characters that fit: in four places of base64, in two of hex
	sortTables = 10
	endsSize   = 16 // bytes of an ends
)

// rowAt has a bit for each place in a row of either alphabet where a character
// fits: the first base64Row bits are for base64.
var rowAt = func() (t [256]uint64) {
	for c := range t {
		for i := range base64Row {
			t[c] |= uint64(packings[0].fits[c]>>(i%4)&1) << i
		}
		for i := range hexRow {
			t[c] |= uint64(packings[1].fits[c]>>(i%2)&1) << (base64Row + i)
		}
	}
	return t
}()

// A row holds windowSize characters from some multiple of windowStep on, and one
// of hex holds them from windowsInHex multiples on.
const (
	windowStep   = 8
	windowSize   = base64Row - windowStep + 1
	windowsInHex = (hexRow - windowSize + 1) / windowStep
)

// windowAt has a word of six bits for each character of a window: whether a
// character fits there, if the window begins in one of four places of base64 or one
// of two of hex.
var windowAt = func() (t [256]uint32) {
	for c := range t {
		for i := range windowSize {
			for place := range 4 {
				t[c] |= uint32(packings[0].fits[c]>>((i+place)%4)&1) << (fitSets*i + place)
			}
			for place := range 2 {
				t[c] |= uint32(packings[1].fits[c]>>((i+place)%2)&1) << (fitSets*i + 4 + place)
			}
		}
	}
	return t
}()

// window says in which places of a row the window that text begins with can be.
func window(text []byte) uint32 {
	t := text[:windowSize]
	return windowAt[t[0]] & (windowAt[t[1]] >> fitSets) & (windowAt[t[2]] >> (2 * fitSets)) &
		(windowAt[t[3]] >> (3 * fitSets)) & (windowAt[t[4]] >> (4 * fitSets)) & (1<<fitSets - 1)
}

// rowsByWindow appends the ends of the rows of text. Only around windows that can
// be in a row it looks at each character.
func rowsByWindow(dst []ends, text []byte) []ends {
	for at := 0; at+windowSize <= len(text); at += windowStep {
		w := window(text[at:])
		if w == 0 {
			continue
		}
		first, hexes, worth := at, 0, false
		for w != 0 {
			if hexes++; w>>4 == 0 {
				hexes = 0
			}
			worth = worth || w&15 != 0 || hexes == windowsInHex
			if at += windowStep; at+windowSize > len(text) {
				break
			}
			w = window(text[at:])
		}
		if worth {
			dst = rowsOneByOne(dst, text, max(first-windowStep+1, 0), min(at+windowSize-1, len(text)))
		}
	}
	return dst
}

// rowsOneByOne appends the ends of the rows in [lo,hi) of text. It keeps, as bits,
// how far the rows that may end behind a character have come.
func rowsOneByOne(dst []ends, text []byte, lo, hi int) []ends {
	var open uint64
	for i, c := range text[lo:hi] {
		open = (open<<1 | rowsBegin) & rowAt[c]
		if open&rowsEnd == 0 {
			continue
		}
		at := (lo + i) &^ (blockSize - 1)
		if last := len(dst) - 1; last < 0 || dst[last].at != at {
			dst = append(dst, ends{at: at})
		}
		dst[len(dst)-1].bits |= 1 << ((lo + i) % blockSize)
	}
	return dst
}
