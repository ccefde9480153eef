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
type stretch struct {
	at, from, n int
	in          span // ends of words that need not be searched for
}

const (
	// leastRepeat is the least of a repeat that is worth being passed over, bytes.
	leastRepeat = 48
	// repeatStep is how far apart the places are that a repeat is looked for at, and
	// knownStep those that it is looked for by: with no divisor in common, so that a
	// long repeat is met.
	repeatStep, knownStep = 17, 16
	// fewKnown and mostKnown bound the places remembered, as powers of two.
	fewKnown, mostKnown = 8, 12
	wordBytes           = 8
	// leastKept is the least of a text without views in which repeats are looked for.
	leastKept = 1 << 10
)

// repeats finds stretches of a text that stand in it before.
type repeats struct {
	// known are places by a hash of the eight bytes there, and in the bits above a
	// place more of that hash, so that most others need no look at the text.
	known *[1 << mostKnown]uint32
}

// find appends the stretches, in order, none over another; they and what they repeat lie
// in one of the spans each. What it does for a byte is bounded, whatever the text is.
func (r *repeats) find(dst []stretch, text []byte, fresh []span) []stretch {
	size := min(max(bits.Len(uint(len(text)))-4, fewKnown), mostKnown)
	if r.known == nil {
		r.known = new([1 << mostKnown]uint32)
	}
	shift := 64 - size
	clear(r.known[:1<<size])
	place := uint32(1)<<bits.Len(uint(len(text))) - 1
	for _, f := range fresh {
		dst = r.findIn(dst, text, f, fresh, shift, place)
	}
	return dst
}

// findIn is find in the span f.
func (r *repeats) findIn(dst []stretch, whole []byte, f span, fresh []span, shift int, place uint32) []stretch {
	known, text := r.known, whole[:f.end]
	done, next := f.start, f.start // end of the last stretch; place to be remembered next
	for i := f.start; i+leastRepeat < len(text); {
		for ; next < i; next += knownStep {
			hash := hashOf(wordAt(text, next))
			known[hash>>shift&(1<<mostKnown-1)] = uint32(hash)&^place | uint32(next)
		}
		word := wordAt(text, i)
		hash := hashOf(word)
		there := known[hash>>shift&(1<<mostKnown-1)]
		from := int(there & place)
		if (there^uint32(hash))&^place != 0 || from >= i || wordAt(text, from) != word {
			i += repeatStep
			continue
		}
		holder := f // of from
		if from < f.start {
			holder = spanAt(fresh, from)
		}
		n := min(sameBytes(text, from, i), holder.end-from)
		before := sameBefore(text, from, i, min(i-done, from-holder.start))
		at := i - before
		from, n = from-before, n+before
		if n < leastRepeat {
			i += repeatStep
			continue
		}
		dst = append(dst, stretch{at: at, from: from, n: n})
		done = at + n
		i, next = done, (done+knownStep-1)&^(knownStep-1)
	}
	return dst
}

func wordAt(text []byte, i int) uint64 { return binary.LittleEndian.Uint64(text[i:]) }

func hashOf(word uint64) uint64 { return word * 0x9e3779b97f4a7c15 }

// sameBytes is how many bytes from i on are those from from on, from < i.
func sameBytes(text []byte, from, i int) int {
	there, here := text[from:from+len(text)-i], text[i:]
	n := 0
	for len(here) >= 2*wordBytes && len(there) >= 2*wordBytes {
		x, y := wordAt(here, 0)^wordAt(there, 0), wordAt(here, wordBytes)^wordAt(there, wordBytes)
		if x|y != 0 {
			if x != 0 {
				return n + bits.TrailingZeros64(x)/8
			}
			return n + wordBytes + bits.TrailingZeros64(y)/8
		}
		here, there = here[2*wordBytes:], there[2*wordBytes:]
		n += 2 * wordBytes
	}
	for k := range min(len(here), len(there)) {
		if here[k] != there[k] {
			break
		}
		n++
	}
	return n
}

// sameBefore is how many bytes before i are those before from, most at most.
func sameBefore(text []byte, from, i, most int) int {
	n := 0
	for ; n+wordBytes <= most; n += wordBytes {
		if x := wordAt(text, i-n-wordBytes) ^ wordAt(text, from-n-wordBytes); x != 0 {
			return n + bits.LeadingZeros64(x)/8
		}
	}
	for n < most && text[i-n-1] == text[from-n-1] {
		n++
	}
	return n
}
