package pattern

import (
	"encoding/binary"
	"math/bits"
)

// A log says most things many times: two thirds of what a gateway prints are
// bytes that stand a few lines above. What the search found out about those is
// true of them here too, so only what is new has to be searched.

// stretch is text of a fragment, at its byte at, that was searched already: n
// bytes, the same as those from from on.
type stretch struct{ at, from, n int }

const (
	// leastRepeat is the least of a repeat that is worth being passed over, bytes.
	leastRepeat = 48
	// repeatStep is how far apart the places are that a repeat is looked for at, and
	// knownStep those that it is looked for by: with no divisor in common, so that a
	// repeat of their product is met.
	repeatStep, knownStep = 11, 8
	// sameField is how far behind a repeat the next one is looked for at the same
	// distance: between them there mostly stands a field that is as long each time, as
	// a digest is.
	sameField = 80
	// fewKnown and mostKnown bound the places remembered, as powers of two.
	fewKnown, mostKnown = 8, 13
	wordBytes           = 8
	// leastKept is the least of a text without views in which repeats are looked for.
	leastKept = 1 << 10
)

// repeats finds stretches of a text that stand in it before.
type repeats struct {
	known []int32 // places by a hash of the eight bytes there
	shift int
	text  []byte
	list  []stretch
	done  int // end of the last stretch
	next  int // place to be remembered next
}

// find returns the stretches, in order, none over another. They are valid until
// the next call. What it does for a byte is bounded, whatever the text is.
func (r *repeats) find(text []byte) []stretch {
	r.list = r.list[:0]
	end := len(text) - leastRepeat
	if end <= 0 {
		return nil
	}
	size := min(max(bits.Len(uint(len(text)))-4, fewKnown), mostKnown)
	if r.known == nil {
		r.known = make([]int32, 1<<mostKnown)
	}
	clear(r.known[:1<<size])
	r.shift, r.text, r.done, r.next = 64-size, text, 0, 0
	for i := 0; i < end; {
		from := r.lookUp(i)
		if from < 0 || !r.add(i, from) {
			i += repeatStep
			continue
		}
		for r.goOn() {
		}
		i = r.done
		r.next = (i + knownStep - 1) &^ (knownStep - 1)
	}
	r.text = nil
	return r.list
}

// lookUp remembers the places before i, and returns one with the bytes that
// stand at i, -1 if none is known.
func (r *repeats) lookUp(i int) int {
	text, known, shift := r.text, r.known, r.shift
	for ; r.next < i; r.next += knownStep {
		known[hashOf(text, r.next)>>shift] = int32(r.next)
	}
	from := int(known[hashOf(text, i)>>shift])
	if from >= i || wordAt(text, from) != wordAt(text, i) {
		return -1
	}
	return from
}

func wordAt(text []byte, i int) uint64 { return binary.LittleEndian.Uint64(text[i:]) }

func hashOf(text []byte, i int) uint64 { return wordAt(text, i) * 0x9e3779b97f4a7c15 }

// add adds the stretch around i that is the same as that around from, if it is
// long enough.
func (r *repeats) add(i, from int) bool {
	text := r.text
	n := sameBytes(text, from, i)
	for room := min(i-r.done, from); room > 0 && text[i-1] == text[from-1]; room-- {
		i, from, n = i-1, from-1, n+1
	}
	if n < leastRepeat {
		return false
	}
	r.list = append(r.list, stretch{i, from, n})
	r.done = i + n
	return true
}

// goOn adds the next stretch that is as far from where it stands already as the
// last one is, if it is near.
func (r *repeats) goOn() bool {
	last := r.list[len(r.list)-1]
	i, by := r.done, last.at-last.from
	for limit := min(i+sameField, len(r.text)-leastRepeat); i < limit; i += wordBytes {
		if wordAt(r.text, i) == wordAt(r.text, i-by) {
			return r.add(i, i-by)
		}
	}
	return false
}

// sameBytes is how many bytes from i on are those from from on, from < i.
func sameBytes(text []byte, from, i int) int {
	n := 0
	for ; i+n+wordBytes <= len(text); n += wordBytes {
		if x := wordAt(text, i+n) ^ wordAt(text, from+n); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
	}
	for i+n < len(text) && text[i+n] == text[from+n] {
		n++
	}
	return n
}
