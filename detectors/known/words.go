package known

import "strings"

const (
	longestNumber   = 4 // digits of a number that stands among words: a year, a port
	consonantsInRow = 5 // in one word; acronyms in a row reach it, random letters pass it
	longestWord     = 20
	humpLength      = 3.5 // letters that words put together have at least on average
	vowelShare      = 5   // one letter in so many of a word of vowelWord letters is a vowel
	vowelWord       = 8
	specialsInWords = 1 // characters in words that are neither letters, digits nor separators
)

// wordlike says whether a text consists of words and small numbers, as names,
// models, regions, sentences and weak passwords do: letters in the case of
// words, with vowels, numbers only at the ends of words.
func wordlike(s string) bool {
	specials := 0
	for start := 0; start < len(s); {
		end := start
		for end < len(s) && isAlnum(s[end]) {
			end++
		}
		if end == start {
			if strings.IndexByte("-_./:,; +@='\"()[]{}", s[start]) < 0 {
				specials++
			}
			start++
			continue
		}
		if !isWord(s[start:end]) {
			return false
		}
		start = end
	}
	return specials <= specialsInWords
}

// wordBytes marks the bytes of a secret that are words between separators, as in
// "litellm-production-8f3k2j5h": a part of nothing else is ordinary text. It is
// nil if a part cannot be so.
func wordBytes(s string) []bool {
	marks, row, longest := make([]bool, len(s)), 0, 0
	for start := 0; start < len(s); {
		end := start
		for end < len(s) && isAlnum(s[end]) {
			end++
		}
		end = max(end, start+1)
		row += end - start
		if isAlnum(s[start]) && !isWord(s[start:end]) {
			row = 0
		}
		for i := start; i < end && row > 0; i++ {
			marks[i] = true
		}
		longest, start = max(longest, row), end
	}
	if longest < shortestPart {
		return nil
	}
	return marks
}

func isAlnum(c byte) bool { return isDigit(c) || isUpper(c) || isLower(c) }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
func isLower(c byte) bool { return c >= 'a' && c <= 'z' }

// isWord judges letters and digits without anything between: one run of
// letters and one short number, in any order ("v2", "4o", "gpt4", "8b").
func isWord(s string) bool {
	letters := strings.TrimRight(strings.TrimLeft(s, "0123456789"), "0123456789")
	if digits := len(s) - len(letters); digits > longestNumber {
		return false
	}
	if digitsBothEnds := letters != "" && isDigit(s[0]) && isDigit(s[len(s)-1]); digitsBothEnds {
		return false
	}
	return len(letters) <= longestWord && inCase(letters) && pronounceable(letters)
}

// inCase says whether letters have the case of a word, of an acronym, or of
// words put together: at most one part of the latter is a single letter.
func inCase(letters string) bool {
	single, humps := 0, 0
	for start := 0; start < len(letters); {
		end := start
		for end < len(letters) && isUpper(letters[end]) {
			end++
		}
		for end < len(letters) && isLower(letters[end]) {
			end++
		}
		if end == start {
			return false // a digit inside
		}
		if end-start <= 2 && len(letters) > 2 {
			single++
		}
		humps++
		start = end
	}
	return single <= 1 && (humps < 3 || float64(len(letters)) >= humpLength*float64(humps))
}

func pronounceable(letters string) bool {
	row, vowels := 0, 0
	for i := range len(letters) {
		if strings.IndexByte("aeiouyAEIOUY", letters[i]) >= 0 {
			row = 0
			vowels++
			continue
		}
		if row++; row > consonantsInRow {
			return false
		}
	}
	return len(letters) < vowelWord || vowels*vowelShare >= len(letters)
}
