package pattern

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf8"
)

const (
	gram     = 4       // bytes by which words are looked up
	gramBits = 1 << 16 // of the table that says which grams begin a word
	fewWords = 4       // up to so many are looked for one by one
)

// stopWords finds out whether a secret holds one of a list of words, whatever
// the case. Secrets are short and words many, so each place of the secret is
// looked up by its next bytes.
type stopWords struct {
	least int                 // bytes of the shortest
	few   [][]byte            // looked for one by one
	long  map[uint32][][]byte // by their first bytes; nil: none
	begin []uint64            // bits
}

func newStopWords(words []string) *stopWords {
	if len(words) == 0 {
		return nil
	}
	s := &stopWords{least: math.MaxInt}
	for _, w := range words {
		low := []byte(strings.ToLower(w))
		s.least = min(s.least, len(low))
		if len(low) < gram || len(words) <= fewWords {
			s.few = append(s.few, low)
			continue
		}
		if s.long == nil {
			s.long, s.begin = make(map[uint32][][]byte), make([]uint64, gramBits/64)
		}
		g := binary.LittleEndian.Uint32(low)
		s.long[g] = append(s.long[g], low)
		n := gramHash(g)
		s.begin[n/64] |= 1 << (n % 64)
	}
	return s
}

func gramHash(g uint32) uint32 { return g * 0x9e3779b1 / (1 << 32 / gramBits) }

// in says whether secret holds one of the words.
func (s *stopWords) in(secret []byte) bool {
	if s == nil || len(secret) == 0 {
		return false
	}
	var buffer [256]byte
	low := appendLower(buffer[:0], secret)
	if len(low) < s.least {
		return false
	}
	for _, w := range s.few {
		if bytes.Contains(low, w) {
			return true
		}
	}
	if s.long == nil {
		return false
	}
	for i := 0; i+gram <= len(low); i++ {
		g := binary.LittleEndian.Uint32(low[i:])
		if n := gramHash(g); s.begin[n/64]&(1<<(n%64)) == 0 {
			continue
		}
		for _, w := range s.long[g] {
			if bytes.HasPrefix(low[i:], w) {
				return true
			}
		}
	}
	return false
}

// appendLower appends s in lower case to dst.
func appendLower(dst, s []byte) []byte {
	from, all := len(dst), byte(0)
	dst = append(dst, s...)
	low := dst[from:]
	for i, c := range low {
		all |= c
		low[i] = lowerCase[c]
	}
	if all >= utf8.RuneSelf {
		return append(dst[:from], bytes.ToLower(s)...)
	}
	return dst
}

// lowerCase is of ASCII; letters of random text come in both cases, and a branch
// would be guessed wrong.
var lowerCase = func() (t [256]byte) {
	for c := range t {
		t[c] = byte(c)
		if c >= 'A' && c <= 'Z' {
			t[c] += 'a' - 'A'
		}
	}
	return t
}()
