package virtualkey

import "hash/maphash"

// A log window of 64 KiB holds some hundreds of keys; sets of four slots keep
// two that meet from driving each other out. 80 KiB, only while names are hidden.
const (
	memoSets = 256
	memoWays = 4
)

// memo keeps what candidates of this batch came to while names are hidden. A
// log repeats its keys; hashing every length of each would use up the budget.
type memo struct {
	seed  maphash.Seed
	slots [memoSets][memoWays]memoSlot // the newest of a set first
}

// memoSlot says what key begins token and ends behind token[:from].
type memoSlot struct {
	token []byte // the batch's; dropped by forget
	from  int
	key   found // end counts from the start of token
}

func newMemo() *memo { return &memo{seed: maphash.MakeSeed()} }

// set is where a token may be kept.
func (m *memo) set(token []byte) []memoSlot {
	return m.slots[maphash.Bytes(m.seed, token)%memoSets][:]
}

// forget drops everything: no detector keeps bytes of a batch.
func (m *memo) forget() { clear(m.slots[:]) }
