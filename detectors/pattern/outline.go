package pattern

// Classes of bytes that may stand at a place whatever the template has there.
const (
	freeDigit      uint8 = 1 << iota // 0-9
	freeHexLetter                    // a-f
	freeMiddle                       // g-o
	freeLast                         // p-z
	freeUpperFirst                   // A-O
	freeUpperLast                    // P-Z
	freeUnderscore
	freeHyphen

	// freeWord is the classes whose places an outline tells from others.
	freeWord  = freeDigit | freeHexLetter | freeMiddle | freeLast | freeUpper
	freeUpper = freeUpperFirst | freeUpperLast
)

// outlineFactor is odd, so that nothing of an outline is lost.
const outlineFactor uint64 = 0x9e3779b97f4a7c15

// classSets looks up the class of a byte: of each class the bytes are all those with
// one of some high halves and one of some low halves. So it has the classes by the
// low half, by the high half, and then the mask of a half.
type classSets [3][16]uint8

// of is the class of c as a bit, 0 if it has none that is in the sets.
func (s *classSets) of(c byte) uint8 { return s[0][c&15] & s[1][c>>4] }

func newClassSets(classes uint8) (s classSets) {
	for _, r := range [...]struct {
		class             uint8
		high, first, last int
	}{
		{freeDigit, 3, 0, 9}, {freeHexLetter, 6, 1, 6}, {freeMiddle, 6, 7, 15}, {freeLast, 7, 0, 10},
		{freeUpperFirst, 4, 1, 15}, {freeUpperLast, 5, 0, 10}, {freeUnderscore, 5, 15, 15}, {freeHyphen, 2, 13, 13},
	} {
		s[1][r.high] |= r.class & classes
		for low := r.first; low <= r.last; low++ {
			s[0][low] |= r.class & classes
		}
	}
	for i := range s[2] {
		s[2][i] = 15
	}
	return s
}

var (
	freeSets = newClassSets(0xff)
	wordSets = newClassSets(freeWord)
	// classOf is freeSets.of for each byte.
	classOf = func() (t [256]uint8) {
		for c := range t {
			t[c] = freeSets.of(byte(c))
		}
		return t
	}()
)

// outlineInGo is outlineOf one byte at a time: the length, and then block by block
// which bytes are letters or digits, the last block being the end of the line even if
// that overlaps the one before.
func outlineInGo(line []byte) uint64 {
	h := uint64(len(line)) * outlineFactor
	for i := 0; i < len(line); i += blockBytes {
		var mask uint64
		at := max(0, min(i, len(line)-blockBytes))
		for k, c := range line[at:min(at+blockBytes, len(line))] {
			if wordSets.of(c) != 0 {
				mask |= 1 << k
			}
		}
		h = (h ^ mask) * outlineFactor
	}
	return h ^ h>>32
}

// fitsInGo is fits one byte at a time.
func fitsInGo(line, text, free []byte) bool {
	for i, c := range line {
		if c != text[i] && classOf[c]&free[i] == 0 {
			return false
		}
	}
	return true
}
