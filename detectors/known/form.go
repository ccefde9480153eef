package known

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"sluice/internal/record"
)

// form is one way in which a secret stands in a text: text is what every
// occurrence of the whole secret holds.
type form struct {
	of       *secret
	text     []byte
	encoding record.Encoding
	bits     int // of the secret in a character of text
	first    int // bit of the secret that text begins with
	body     int // characters of text that are public
	need     int // characters behind body that make a part; 0: only whole
	// Base64 only: the characters around text hold bits of the secret too,
	// those under the mask, in this value. A mask of 0: there is none.
	before, after edge
}

const base64Bits = 6

// edge is a character of base64 of which the secret decides only some bits.
type edge struct{ mask, value int8 }

// formSet says how many forms of a secret are indexed.
type formSet bool

const (
	everyForm formSet = true
	plainForm formSet = false // what stands encoded is found in views
)

// formsOf makes the forms of a secret; equal texts once.
func formsOf(s *secret, set formSet) []form {
	forms := []form{{text: s.value, encoding: record.Plain, bits: 8}}
	if set == everyForm {
		lower := hex.EncodeToString(s.value)
		forms = append(forms,
			form{text: []byte(lower), encoding: record.Hex, bits: 4},
			form{text: []byte(strings.ToUpper(lower)), encoding: record.Hex, bits: 4})
		for align := range 3 {
			forms = append(forms, inBase64(s.value, align, base64.RawStdEncoding), inBase64(s.value, align, base64.RawURLEncoding))
		}
	}
	seen, kept := map[string]bool{}, forms[:0]
	for _, f := range forms {
		if seen[string(f.text)] {
			continue
		}
		seen[string(f.text)] = true
		f.of = s
		f.body = max(0, (s.body*8-f.first+f.bits-1)/f.bits)
		if s.parts {
			f.need = partChars(f.bits)
		}
		kept = append(kept, f)
	}
	return kept
}

// partChars is how many whole characters shortestPart bytes have at least,
// wherever they begin: of base64, 96 bits may lie in 15 and two halves.
func partChars(bits int) int {
	if 8%bits == 0 {
		return shortestPart * 8 / bits
	}
	return shortestPart*8/bits - 1
}

// inBase64 is a secret that stands align bytes behind the start of a group of
// three: the characters that it decides, and what it decides of their neighbours.
func inBase64(value []byte, align int, alphabet *base64.Encoding) form {
	const bits = base64Bits
	text := alphabet.EncodeToString(append(make([]byte, align), value...))
	start, end := align*8, (align+len(value))*8
	first, last := (start+bits-1)/bits, end/bits
	f := form{text: []byte(text[first:last]), encoding: record.Base64, bits: bits, first: first*bits - start}
	if f.first > 0 {
		f.before = edge{mask: int8(1<<f.first - 1), value: base64Values[text[first-1]]}
	}
	if rest := end - last*bits; rest > 0 {
		f.after = edge{mask: int8(1<<bits-1) &^ int8(1<<(bits-rest)-1), value: base64Values[text[last]]}
	}
	return f
}

// fits says whether c holds the bits that the edge demands.
func (e edge) fits(c byte) bool {
	v := base64Values[c]
	return v >= 0 && v&e.mask == e.value&e.mask
}

// base64Values are those of both alphabets; -1 for other characters.
var base64Values = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	const chars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	for i := range chars {
		t[chars[i]] = int8(i)
	}
	t['+'], t['-'], t['/'], t['_'] = 62, 62, 63, 63
	return t
}()

// bytesOf are the bytes of the secret that characters [from,to) of the form hold
// whole.
func (f *form) bytesOf(from, to int) (start, end int) {
	start = (f.first + from*f.bits + 7) / 8
	end = min((f.first+to*f.bits)/8, len(f.of.value))
	return start, max(start, end)
}
