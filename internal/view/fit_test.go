package view

import "testing"

// A group of plain text is of characters that fit, whatever it says: what does
// not fit is passed over without decoding.
func TestPlainTextFits(t *testing.T) {
	for i := range packings {
		p := &packings[i]
		chars := make([]byte, 1<<p.bits)
		for c, v := range p.values {
			if v >= 0 {
				chars[v] = byte(c)
			}
		}
		group := make([]byte, p.chars)
		plainOnes, fitting, all := 0, 0, 1<<(p.bits*uint(p.chars))
		for n := range all {
			for at := range group {
				group[at] = chars[n>>(int(p.bits)*at)&(1<<p.bits-1)]
			}
			is, fits := p.group(group) == plain, p.fit(group)
			if is && !fits {
				t.Fatalf("%q is plain text and does not fit", group)
			}
			if is {
				plainOnes++
			}
			if fits {
				fitting++
			}
		}
		if plainOnes == 0 || fitting == all {
			t.Errorf("%s: %d of %d groups are plain text, %d fit", roundNames[p.round], plainOnes, all, fitting)
		}
	}
}
