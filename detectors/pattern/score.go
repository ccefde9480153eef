package pattern

import (
	"math"
	"unicode/utf8"
)

// alike is how near to a threshold an entropy may come before it is worked out
// again as gitleaks does, term by term: the last bits of two ways of adding
// differ.
const alike = 1e-9

// entropyAbove says whether the entropy of s is above a threshold.
func (d *Detector) entropyAbove(s []byte, threshold float64) bool {
	e, ok := d.quickEntropy(s)
	if !ok || math.Abs(e-threshold) < alike {
		e = entropy(s)
	}
	return e > threshold
}

// newLogs is what one more of a character adds to the sum over characters of
// count * log2(count).
func newLogs() *[maxQuick]float64 {
	var logs [maxQuick]float64
	weight := func(n float64) float64 { return n * math.Log2(max(n, 1)) }
	for n := range logs {
		logs[n] = weight(float64(n+1)) - weight(float64(n))
	}
	return &logs
}

// maxQuick bounds what has its logarithms in a table; a longer secret is rare.
const maxQuick = 256

// quickEntropy is the entropy of a text without characters beyond twoBytes.
func (d *Detector) quickEntropy(s []byte) (e float64, ok bool) {
	if len(s) == 0 || len(s) > maxQuick {
		return countedEntropy(s)
	}
	var count [utf8.RuneSelf]uint8
	sum := 0.0
	for _, c := range s {
		if c >= utf8.RuneSelf {
			return countedEntropy(s)
		}
		sum += d.logs[count[c]]
		count[c]++
	}
	n := float64(len(s))
	return math.Log2(n) - sum/n, true
}

// twoBytes is the first character that UTF-8 has three bytes for.
const twoBytes = 0x800

// countedEntropy is quickEntropy of any text but the empty one: it counts first.
func countedEntropy(s []byte) (e float64, ok bool) {
	if len(s) == 0 {
		return 0, false
	}
	var counts [twoBytes]int
	most, runes := rune(0), 0
	for i := 0; i < len(s); runes++ {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(s[i:])
		}
		if r >= twoBytes {
			return 0, false
		}
		counts[r]++
		most = max(most, r)
		i += n
	}
	sum := 0.0
	for _, n := range counts[:most+1] {
		if n > 0 {
			sum += float64(n) * math.Log2(float64(n))
		}
	}
	n := float64(len(s))
	return (float64(runes)*math.Log2(n) - sum) / n, true
}

// entropy is gitleaks' Shannon entropy: bits per character, where a character
// weighs by the length of the text in bytes.
func entropy(s []byte) float64 {
	if len(s) == 0 {
		return 0
	}
	counts := make(map[rune]int)
	for _, r := range string(s) {
		counts[r]++
	}
	sum, inv := 0.0, 1/float64(len(s))
	for _, n := range counts {
		p := float64(n) * inv
		sum -= p * math.Log2(p)
	}
	return sum
}
