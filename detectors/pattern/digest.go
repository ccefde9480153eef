package pattern

import "math/bits"

// A bit in each of the eight bytes of a word, at the bottom and at the top.
const (
	ones = 0x0101010101010101
	tops = 0x80 * ones
)

// hexIn is which of eight bytes are hex digits in lower case: their top bits. None of
// the sums carries into the next byte.
func hexIn(text []byte) uint64 {
	word := wordAt(text, 0)
	x := word &^ tops
	digit := (x + (0x80-'0')*ones) &^ (x + (0x80-'9'-1)*ones)
	letter := (x + (0x80-'a')*ones) &^ (x + (0x80-'f'-1)*ones)
	return (digit | letter) & tops &^ word
}

// digestEnd is the end of the run of hex digits in lower case from i on.
func digestEnd(text []byte, i int) int {
	for ; i+wordBytes <= len(text); i += wordBytes {
		if other := hexIn(text[i:]) ^ tops; other != 0 {
			return i + bits.TrailingZeros64(other)/8
		}
	}
	for i < len(text) && digestBytes[text[i]] != 0 {
		i++
	}
	return i
}

// isDigest says whether s is of hex digits in lower case.
func isDigest(s []byte) bool { return digestEnd(s, 0) == len(s) }

// dashes8 and dashes16 are where a UUID has dashes in the words at 8 and at 16.
const dashes8, dashes16 = 0x80 | 0x80<<(5*8), 0x80<<(2*8) | 0x80<<(7*8)

// isUUID says whether s is a UUID in lower case.
func isUUID(s []byte) bool {
	return len(s) == uuidLength && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' &&
		hexIn(s)&hexIn(s[24:])&hexIn(s[28:])&(hexIn(s[8:])|dashes8)&(hexIn(s[16:])|dashes16) == tops
}
