package virtualkey

import "bytes"

// prefix is one beginning of keys.
type prefix struct {
	text []byte
	pair int  // where in text the two bytes stand that are searched for
	form bool // unknown and cut keys of the default form are looked for too
}

func newPrefix(text string) prefix {
	return prefix{[]byte(text), rarePair(text), text == DefaultPrefix}
}

// rarePair is the place of two bytes in a row of which logs have few: with a rare
// one, or the first two. Two bytes out of three of our logs are among the common
// ones.
func rarePair(text string) int {
	for i := range len(text) {
		if bytes.IndexByte([]byte("etaoinsrhldcumpg0123456789-_./:"), text[i]) < 0 {
			return min(i, len(text)-2)
		}
	}
	return 0
}

// next is the first place of the prefix in text[from:to), or -1. The pair is
// searched for, not one byte: a rare byte stands in every other line all the same,
// and to begin a search anew costs as much as a hundred bytes of it.
func (p *prefix) next(text []byte, from, to int) int {
	for at := from + p.pair; at < to; at++ {
		i := indexPair(text[at:to], p.text[p.pair], p.text[p.pair+1])
		if i < 0 {
			return -1
		}
		at += i
		start := at - p.pair
		if end := start + len(p.text); end <= to && bytes.Equal(text[start:end], p.text) {
			return start
		}
	}
	return -1
}

// indexPairByByte is the first place where second stands behind first, or -1.
func indexPairByByte(text []byte, first, second byte) int {
	for at := 0; ; at++ {
		i := bytes.IndexByte(text[at:], first)
		if at += i; i < 0 || at+1 == len(text) {
			return -1
		}
		if text[at+1] == second {
			return at
		}
	}
}
