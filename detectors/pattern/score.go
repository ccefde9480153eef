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

// maxQuick bounds what quickEntropy takes; a longer secret is rare.
const maxQuick = 256

// quickEntropy is the entropy of a short text of ASCII.
func (d *Detector) quickEntropy(s []byte) (e float64, ok bool) {
	if len(s) == 0 || len(s) > maxQuick {
		return 0, false
	}
	var count [utf8.RuneSelf]uint8
	sum := 0.0
	for _, c := range s {
		if c >= utf8.RuneSelf {
			return 0, false
		}
		sum += d.logs[count[c]]
		count[c]++
	}
	n := float64(len(s))
	return math.Log2(n) - sum/n, true
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
