package virtualkey

import (
	"bytes"
	"testing"

	"golang.org/x/sys/cpu"
)

// The pair that each of the processor's ways finds is the first one.
func TestPairIsTheSameInEachStep(t *testing.T) {
	for size := range 200 {
		for at := range size {
			text := bytes.Repeat([]byte("kx-"), size/3+1)[:size]
			text[at] = '-'
			want := bytes.Index(text, []byte("k-"))
			if got := indexPairBy(findPair, stride, text, 'k', '-'); got != want {
				t.Errorf("%q: %d, want %d", text, got, want)
			}
			if !cpu.X86.HasAVX2 {
				continue
			}
			if got := indexPairBy(findPairWide, 2*stride, text, 'k', '-'); got != want {
				t.Errorf("%q in wide steps: %d, want %d", text, got, want)
			}
		}
	}
}
