package virtualkey

// LiteLLM's default key (secrets.token_urlsafe(16) behind "sk-"; measured on
// 1.81.0 and 1.106.2).
const (
	// DefaultPrefix begins the live keys of a gateway that was given no other.
	DefaultPrefix = "sk-"

	formLen      = 22                              // characters behind the prefix
	formBits     = 128                             // random bits in them
	charBits     = 6                               // of each character but the last
	lastBits     = formBits - (formLen-1)*charBits // of the last one
	formSize     = len(DefaultPrefix) + formLen    // bytes in all
	alphabet     = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	lastAlphabet = "AQgw" // those of alphabet whose low four bits are 0
)

// class is what a byte can be part of.
type class uint8

const (
	headerByte class = 1 << iota // may stand in a live key
	tokenByte                    // may stand in a live key that hides its name
	keyByte                      // of the default form
	lastByte                     // can end the default form
	hexByte                      // of a hash as LiteLLM prints it
)

// classes is built once and only read.
var classes = func() (t [256]class) {
	for c := 0x20; c <= 0x7E; c++ {
		t[c] = headerByte | tokenByte
	}
	for _, c := range []byte(" \"'`\\,;|()[]{}<>") {
		t[c] &^= tokenByte
	}
	for _, c := range []byte(alphabet) {
		t[c] |= keyByte
	}
	for _, c := range []byte(lastAlphabet) {
		t[c] |= lastByte
	}
	for _, c := range []byte("0123456789abcdef") {
		t[c] |= hexByte
	}
	return t
}()

func is(c byte, k class) bool { return classes[c]&k != 0 }

// run is the end of the run of bytes of a class that begins at start, or end.
func run(text []byte, start, end int, k class) int {
	for start < end && is(text[start], k) {
		start++
	}
	return start
}

// foreign are the heads of other vendors' keys behind "sk-". A default key
// begins with the shortest of them once in 2^18 times.
var foreign = [...]string{"ant-", "proj-", "svcacct-", "admin-", "or-v1-", "lf-", "None-"}

func isForeign(head []byte) bool {
	for _, f := range foreign {
		if len(head) >= len(f) && string(head[:len(f)]) == f {
			return true
		}
	}
	return false
}

// minWords is how many characters it takes to tell words from chance: of random
// heads of eight one in a thousand reads as words, of eleven one
// in twenty thousand.
const minWords = 8

// placeholder says that the characters are what people write where a key would
// stand: words of one case, or a few characters over and over.
func placeholder(s []byte) bool { return monotone(s) || len(s) >= minWords && words(s) }

// monotone says that at most one in four characters is a new one.
func monotone(s []byte) bool {
	var seen [256]bool
	distinct := 0
	for _, c := range s {
		if !seen[c] {
			seen[c] = true
			distinct++
		}
	}
	return distinct*4 <= len(s)
}

// words says that s is words of letters of one case with hyphens or underscores
// between them: no more than three consonants or two vowels in a row, a vowel
// in each word.
func words(s []byte) bool {
	var upper, lower, vowel bool
	vowels, consonants, letters := 0, 0, 0
	for i, c := range s {
		switch {
		case c == '-' || c == '_':
			if letters > 0 && !vowel || i > 0 && letters == 0 {
				return false
			}
			vowel, vowels, consonants, letters = false, 0, 0, 0
			continue
		case 'a' <= c && c <= 'z':
			lower = true
		case 'A' <= c && c <= 'Z':
			upper = true
		default:
			return false
		}
		letters++
		switch c | 0x20 {
		case 'y':
			vowel, consonants, vowels = true, 0, 0
		case 'a', 'e', 'i', 'o', 'u':
			vowel, consonants = true, 0
			vowels++
		default:
			vowels = 0
			consonants++
		}
		if vowels > 2 || consonants > 3 {
			return false
		}
	}
	// The last word may have been cut before its vowel.
	return upper != lower && (vowel || letters < 4)
}
