package pattern

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

const (
	gram     = 3       // bytes by which words are looked up
	gramBits = 1 << 15 // of the table that says which grams begin a word
)

// stopWords finds out whether a secret holds one of a list of words, whatever
// the case. Secrets are short and words many, so each place of the secret is
// looked up by its next bytes.
type stopWords struct {
	short [][]byte // shorter than a gram
	long  map[[gram]byte][][]byte
	begin [gramBits / 64]uint64
}

func newStopWords(words []string) *stopWords {
	if len(words) == 0 {
		return nil
	}
	s := &stopWords{long: make(map[[gram]byte][][]byte)}
	for _, w := range words {
		low := []byte(strings.ToLower(w))
		if len(low) < gram {
			s.short = append(s.short, low)
			continue
		}
		g := [gram]byte(low)
		s.long[g] = append(s.long[g], low)
		n := gramHash(g)
		s.begin[n/64] |= 1 << (n % 64)
	}
	return s
}

func gramHash(g [gram]byte) uint32 {
	return (uint32(g[0])<<10 ^ uint32(g[1])<<5 ^ uint32(g[2])) % gramBits
}

// in says whether secret holds one of the words.
func (s *stopWords) in(secret []byte) bool {
	if s == nil || len(secret) == 0 {
		return false
	}
	var buffer [256]byte
	low := appendLower(buffer[:0], secret)
	for _, w := range s.short {
		if bytes.Contains(low, w) {
			return true
		}
	}
	for i := 0; i+gram <= len(low); i++ {
		g := [gram]byte(low[i:])
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
	for _, c := range s {
		if c >= utf8.RuneSelf {
			return append(dst[:0], bytes.ToLower(s)...)
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
