package gateway

import (
	"bytes"
	"iter"
	"slices"
	"sort"
	"time"

	"sluice/internal/record"
)

// Snapshot is what was known of the keys at one time. It is immutable and safe
// for concurrent use; a nil *Snapshot knows nothing. 100,000 keys take about
// 15 MB.
type Snapshot struct {
	hashes   [][32]byte // ascending
	entries  []entry    // entries[i] belongs to hashes[i]
	starts   [257]int32 // hashes[starts[b]:starts[b+1]] begin with byte b
	texts    []string   // aliases, ids, gateways; texts[0] is ""
	tails    [][4]byte  // distinct endings, ascending
	hides    bool
	gateways []string // read for this snapshot, ascending
	taken    time.Time
	skipped  int
}

// entry is a KeyInfo without pointers: numbers of texts, microseconds since
// 1970 with 0 for the zero time.
type entry struct {
	created, expires, deleted             int64
	gateway, alias, team, teamAlias, user uint32
	tail                                  [4]byte
	state                                 keyState
	master                                bool
	named                                 bool // the gateway gave a masked name
}

// keyState is a record.KeyState in one byte.
type keyState uint8

var keyStates = [...]record.KeyState{
	record.KeyUnknown, record.KeyLive, record.KeyBlocked, record.KeyExpired, record.KeyDeleted,
}

func packState(s record.KeyState) keyState { return keyState(max(0, slices.Index(keyStates[:], s))) }

func packTime(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func unpackTime(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// Lookup finds the key with this SHA-256. The info is made on demand and is the
// caller's to keep.
func (s *Snapshot) Lookup(hash [32]byte) (*record.KeyInfo, bool) {
	i, ok := s.find(hash)
	if !ok {
		return nil, false
	}
	info := s.info(i)
	return &info, true
}

func (s *Snapshot) find(hash [32]byte) (int, bool) {
	if s == nil {
		return 0, false
	}
	lo, hi := int(s.starts[hash[0]]), int(s.starts[int(hash[0])+1])
	i, ok := slices.BinarySearchFunc(s.hashes[lo:hi], hash, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
	return lo + i, ok
}

func (s *Snapshot) info(i int) record.KeyInfo {
	e := &s.entries[i]
	name := ""
	if e.named {
		name = tailName(e.tail)
	}
	return record.KeyInfo{
		Gateway: s.texts[e.gateway], Alias: s.texts[e.alias], Name: name,
		TeamID: s.texts[e.team], TeamAlias: s.texts[e.teamAlias], UserID: s.texts[e.user],
		Master: e.master, State: keyStates[e.state],
		Created: unpackTime(e.created), Expires: unpackTime(e.expires), Deleted: unpackTime(e.deleted),
	}
}

// All yields every key in the order of its hash.
func (s *Snapshot) All() iter.Seq2[[32]byte, record.KeyInfo] {
	return func(yield func([32]byte, record.KeyInfo) bool) {
		if s == nil {
			return
		}
		for i, hash := range s.hashes {
			if !yield(hash, s.info(i)) {
				return
			}
		}
	}
}

// Suffix says whether a key is known that ends in these four bytes.
func (s *Snapshot) Suffix(last4 [4]byte) bool {
	if s == nil {
		return false
	}
	_, ok := slices.BinarySearchFunc(s.tails, last4, compareTails)
	return ok
}

// Suffixes yields every distinct ending of a known key, ascending.
func (s *Snapshot) Suffixes() iter.Seq[[4]byte] {
	if s == nil {
		return func(func([4]byte) bool) {}
	}
	return slices.Values(s.tails)
}

func compareTails(a, b [4]byte) int { return bytes.Compare(a[:], b[:]) }

// HidesNames says that the ending of at least one key is not known: the
// gateway hides its name (DISABLE_KEY_NAME, or a key of under 16 characters),
// or it is a master key told by its hash only.
func (s *Snapshot) HidesNames() bool { return s != nil && s.hides }

// Len is the number of keys, in any state.
func (s *Snapshot) Len() int {
	if s == nil {
		return 0
	}
	return len(s.hashes)
}

// Taken is when the reading began; zero for an empty snapshot.
func (s *Snapshot) Taken() time.Time {
	if s == nil {
		return time.Time{}
	}
	return s.taken
}

// Gateways is the base URLs that this snapshot was read from, ascending.
func (s *Snapshot) Gateways() []string {
	if s == nil {
		return nil
	}
	return s.gateways
}

// Skipped counts rows whose token was no SHA-256: keys that cannot be found.
func (s *Snapshot) Skipped() int {
	if s == nil {
		return 0
	}
	return s.skipped
}

// builder collects keys for a snapshot.
type builder struct {
	snap    Snapshot
	keys    map[[32]byte]entry
	numbers map[string]uint32
	skipped int
}

func newBuilder(taken time.Time) *builder {
	return &builder{
		snap:    Snapshot{texts: []string{""}, taken: taken},
		keys:    make(map[[32]byte]entry),
		numbers: map[string]uint32{"": 0},
	}
}

// gateway records that a gateway was read.
func (b *builder) gateway(base string) {
	if i, found := slices.BinarySearch(b.snap.gateways, base); !found {
		b.snap.gateways = slices.Insert(b.snap.gateways, i, base)
	}
}

func (b *builder) text(s string) uint32 {
	n, ok := b.numbers[s]
	if !ok {
		n = uint32(len(b.snap.texts))
		s = string([]byte(s)) // not a piece of a page of JSON
		b.numbers[s], b.snap.texts = n, append(b.snap.texts, s)
	}
	return n
}

// add puts a key in. Of two entries with one hash the one that is more alive
// stays; of two deleted ones the one deleted last, since a key of the caller's
// own choice can be made and deleted several times.
func (b *builder) add(hash [32]byte, tail [4]byte, k record.KeyInfo) {
	e := entry{
		created: packTime(k.Created), expires: packTime(k.Expires), deleted: packTime(k.Deleted),
		gateway: b.text(k.Gateway), alias: b.text(k.Alias),
		team: b.text(k.TeamID), teamAlias: b.text(k.TeamAlias), user: b.text(k.UserID),
		tail: tail, state: packState(k.State), master: k.Master, named: k.Name != "",
	}
	if old, ok := b.keys[hash]; ok {
		// keyStates is in the order from alive to deleted, unknown first.
		if old.state < e.state && old.state != 0 || old.state == e.state && old.deleted >= e.deleted {
			return
		}
	}
	b.keys[hash] = e
}

// snapshot ends the building; the builder must not be used after it.
func (b *builder) snapshot() *Snapshot {
	s := new(Snapshot)
	*s = b.snap // a pointer into the builder would keep its maps alive
	s.skipped = b.skipped
	s.hashes = make([][32]byte, 0, len(b.keys))
	s.entries = make([]entry, 0, len(b.keys))
	s.tails = make([][4]byte, 0, len(b.keys))
	for hash := range b.keys {
		s.hashes = append(s.hashes, hash)
	}
	slices.SortFunc(s.hashes, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
	for _, hash := range s.hashes {
		e := b.keys[hash]
		s.entries = append(s.entries, e)
		if e.tail == ([4]byte{}) {
			s.hides = true
		} else {
			s.tails = append(s.tails, e.tail)
		}
	}
	for i := range s.starts {
		s.starts[i] = int32(sort.Search(len(s.hashes), func(j int) bool { return int(s.hashes[j][0]) >= i }))
	}
	slices.SortFunc(s.tails, compareTails)
	s.tails = slices.Clone(slices.Compact(s.tails))
	s.texts = slices.Clone(s.texts)
	return s
}

// addAll puts the keys of s in, each as change makes it.
func (b *builder) addAll(s *Snapshot, change func([32]byte, *record.KeyInfo)) {
	if s == nil {
		return
	}
	for i, hash := range s.hashes {
		info := s.info(i)
		if change != nil {
			change(hash, &info)
		}
		b.add(hash, s.entries[i].tail, info)
	}
	b.skipped += s.skipped
}
