package pattern

import (
	"strings"
	"unicode/utf8"
)

// The letters outside ASCII that an expression with (?i), or gitleaks when it
// lowers a text to look for keywords, takes for ASCII ones.
const (
	longS   = '\u017f' // s to an expression
	kelvin  = '\u212a' // k to both
	dottedI = '\u0130' // i to gitleaks
)

// asASCII is the ASCII letter that an expression takes r for, 0 if none.
func asASCII(r rune) byte {
	switch r {
	case longS:
		return 's'
	case kelvin:
		return 'k'
	}
	return 0
}

// asKeyword is the ASCII letter that r is in a keyword, 0 if none.
func asKeyword(r rune) byte {
	switch r {
	case dottedI:
		return 'i'
	case kelvin:
		return 'k'
	}
	return 0
}

// fold is a letter of a folded text: where it is, and how many bytes of the raw
// text were left out up to there.
type fold struct{ at, less int }

// folded is text with letters put in ASCII, and where.
func folded(text []byte, ascii func(rune) byte) ([]byte, []fold) {
	out := make([]byte, 0, len(text))
	var folds []fold
	for i := 0; i < len(text); {
		if c := text[i]; c != longS>>6|0xc0 && c != dottedI>>6|0xc0 && c != kelvin>>12|0xe0 { // their first bytes
			out = append(out, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if c := ascii(r); c != 0 {
			out = append(out, c)
			folds = append(folds, fold{len(out) - 1, i + n - len(out)})
		} else {
			out = append(out, text[i:i+n]...)
		}
		i += n
	}
	return out, folds
}

// tryFolded tries the words that are spelled with letters that fold to ASCII
// ones. The automaton reads bytes and cannot see them; such letters hardly
// ever stand in a log, so only then the text is copied with them folded.
func (m *machine) tryFolded(frag *fragment) {
	text, folds := folded(frag.text, asASCII)
	m.tryHits(frag, text, folds)
}

// tryHits tries the words of the folded text that hold a folded letter. folds
// are ascending, as are the hits, so both are gone through once.
func (m *machine) tryHits(frag *fragment, text []byte, folds []fold) {
	var hits []hit
	m.engine.words.walkOne(0, &hits, text, 0, len(text))
	n := 0 // folds before the end of the hit
	for _, h := range hits {
		end := int(h.end)
		for n < len(folds) && folds[n].at < end {
			n++
		}
		if n == 0 || folds[n-1].at < end-m.engine.words.reach || m.overAt(frag, end+folds[n-1].less) {
			continue
		}
		for _, word := range m.engine.words.ends[h.state] { // what stands before it may be folded
			for i := range m.engine.targets[word] {
				t := &m.engine.targets[word][i]
				if t.group >= 0 && folds[n-1].at >= end-t.back {
					m.tryGroup(frag, t, rawStart(folds[:n], end-t.back), end)
				}
			}
		}
	}
}

// rawStart is where the folded text's byte at stands in the raw text. folds are
// those before the end of the word that begins there.
func rawStart(folds []fold, at int) int {
	for i := len(folds) - 1; i >= 0; i-- {
		if folds[i].at < at {
			return at + folds[i].less
		}
	}
	return at
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
