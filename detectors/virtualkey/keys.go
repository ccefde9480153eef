package virtualkey

import (
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"math/bits"

	"sluice/internal/record"
)

// Keys is a snapshot of the keys a gateway knows. It does not change, and is
// asked from many goroutines at once.
type Keys interface {
	// Lookup finds a key by the SHA-256 of its whole text. What it returns is
	// not nil if it is true, and nobody changes it.
	Lookup(hash [sha256.Size]byte) (*record.KeyInfo, bool)
	// Suffixes yields the last four bytes of every key whose masked name is
	// known, each at least once, in any order.
	Suffixes() iter.Seq[[4]byte]
	// HidesNames says that some key is not among Suffixes: its name is not
	// shown, has no four characters, or nothing but its hash was told.
	HidesNames() bool
}

// noKeys is what New(nil, …) knows: nothing.
type noKeys struct{}

func (noKeys) Lookup([sha256.Size]byte) (*record.KeyInfo, bool) { return nil, false }
func (noKeys) Suffixes() iter.Seq[[4]byte]                      { return func(func([4]byte) bool) {} }
func (noKeys) HidesNames() bool                                 { return false }

// suffixSet holds the ends of masked names for one question, asked at every
// byte behind a prefix: does some live key end so? A first table by the last
// byte alone answers most of them from the first cache (default keys end in
// four characters only); a map of 100,000 names would miss the cache each time.
type suffixSet struct {
	last  [256]bool
	slots []uint32 // open addressing, at most half full; 0: free
	shift uint
	n     int
}

// newSuffixSet keeps the suffixes of keys. Four zero bytes, the mark of a free
// slot, are no suffix: no candidate holds a zero byte.
func newSuffixSet(keys Keys) suffixSet {
	var all []uint32
	for s := range keys.Suffixes() {
		all = append(all, binary.LittleEndian.Uint32(s[:]))
	}
	logSize := bits.Len(uint(len(all))) + 1
	set := suffixSet{slots: make([]uint32, 1<<logSize), shift: uint(32 - logSize)}
	for _, s := range all {
		if s != 0 {
			set.add(s)
		}
	}
	return set
}

func (s *suffixSet) add(v uint32) {
	s.last[v>>24] = true
	i := s.slot(v)
	for s.slots[i] != 0 {
		if s.slots[i] == v {
			return
		}
		i = (i + 1) & (len(s.slots) - 1)
	}
	s.slots[i] = v
	s.n++
}

// has takes the last four bytes in little-endian order: the last one on top.
func (s *suffixSet) has(v uint32) bool {
	if !s.last[v>>24] {
		return false
	}
	for i := s.slot(v); s.slots[i] != 0; i = (i + 1) & (len(s.slots) - 1) {
		if s.slots[i] == v {
			return true
		}
	}
	return false
}

// slot spreads by Fibonacci hashing.
func (s *suffixSet) slot(v uint32) int { return int(v * 0x9E3779B1 >> s.shift) }

// all yields every suffix once.
func (s *suffixSet) all() iter.Seq[[4]byte] {
	return func(yield func([4]byte) bool) {
		for _, v := range s.slots {
			var suffix [4]byte
			binary.LittleEndian.PutUint32(suffix[:], v)
			if v != 0 && !yield(suffix) {
				return
			}
		}
	}
}
