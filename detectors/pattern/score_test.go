package pattern

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/rules"
)

// TestEntropyIsThatOfGitleaks: the quick ways to the entropy of a text agree with the
// sum that gitleaks makes, and so does what is above a threshold.
func TestEntropyIsThatOfGitleaks(t *testing.T) {
	d, err := New(&rules.Set{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	part := rapid.SampledFrom([]string{"a", "b", "Z", "0", "-", " ", "\x00", "é", "ſ", "\u07ff", "\u0800", "\xff", "sk-Zx9QmW3pL0vBnT7yRd5Kg"})
	quick := 0
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(part, 0, 6).Draw(t, "parts")
		text := []byte(strings.Repeat(strings.Join(parts, ""), rapid.SampledFrom([]int{1, 3, 300}).Draw(t, "times")))
		want := entropy(text)
		if got, ok := d.quickEntropy(text); ok {
			if quick++; math.Abs(got-want) > alike/2 {
				t.Fatalf("%q: %v, the sum is %v", text, got, want)
			}
		}
		for _, threshold := range []float64{0, 1, 3, want - 1e-6, want + 1e-6} {
			if got := d.entropyAbove(text, threshold); got != (want > threshold) {
				t.Fatalf("%q: above %v: %v, the entropy is %v", text, threshold, got, want)
			}
		}
	})
	if quick == 0 {
		t.Error("nothing was counted quickly")
	}
}
