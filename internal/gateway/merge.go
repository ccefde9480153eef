package gateway

import (
	"slices"
	"time"

	"sluice/internal/record"
)

// Merge joins snapshots of several gateways into one, with the states as of
// now. A key that several know counts as the most alive of them.
func Merge(now time.Time, snaps ...*Snapshot) *Snapshot {
	if len(snaps) == 1 && snaps[0] != nil {
		return snaps[0].asOf(now)
	}
	b := newBuilder(time.Time{})
	for _, s := range snaps {
		b.addAll(s, func(_ [32]byte, k *record.KeyInfo) { k.State = StateAt(k, now) })
		for _, base := range s.Gateways() {
			b.gateway(base)
		}
		// The oldest part says how fresh the whole is.
		if taken := s.Taken(); b.snap.taken.IsZero() || !taken.IsZero() && taken.Before(b.snap.taken) {
			b.snap.taken = taken
		}
	}
	return b.snapshot()
}

// asOf is s with the states as of now; nothing else of it changes with time, so
// its keys are not sorted again.
func (s *Snapshot) asOf(now time.Time) *Snapshot {
	out := *s
	out.entries = slices.Clone(s.entries)
	for i := range out.entries {
		k := s.info(i)
		out.entries[i].state = packState(StateAt(&k, now))
	}
	return &out
}

// Accumulate is s and, besides, every key that old knew. A key of a gateway
// that s was read from, but that s does not have, was deleted between the two;
// it counts as deleted when s was taken, the latest it can have been. So an old
// log is judged by what was alive then.
func (s *Snapshot) Accumulate(old *Snapshot) *Snapshot {
	b := newBuilder(s.Taken())
	read := make(map[string]bool)
	for _, base := range s.Gateways() {
		read[base] = true
		b.gateway(base)
	}
	for _, base := range old.Gateways() {
		b.gateway(base)
	}
	b.addAll(s, nil)
	told := s.hasMaster()
	b.addAll(old.without(s), func(_ [32]byte, k *record.KeyInfo) {
		gone := read[k.Gateway] || k.Master && told
		if gone && k.State != record.KeyDeleted {
			k.State, k.Deleted = record.KeyDeleted, s.Taken()
		}
	})
	return b.snapshot()
}

// without is the keys of s that other does not have.
func (s *Snapshot) without(other *Snapshot) *Snapshot {
	if s == nil {
		return nil
	}
	rest := &Snapshot{texts: s.texts}
	for i, hash := range s.hashes {
		if _, ok := other.find(hash); !ok {
			rest.hashes = append(rest.hashes, hash)
			rest.entries = append(rest.entries, s.entries[i])
		}
	}
	return rest
}

func (s *Snapshot) hasMaster() bool {
	if s != nil {
		for i := range s.entries {
			if s.entries[i].master && s.entries[i].state != packState(record.KeyDeleted) {
				return true
			}
		}
	}
	return false
}

// Master is a snapshot of one key, the master key, which no gateway lists.
func Master(key record.Secret) *Snapshot {
	text := key.Reveal()
	var tail [4]byte
	if len(text) >= 16 { // of a shorter one the tail would tell too much
		copy(tail[:], text[len(text)-4:])
	}
	return master(HashKey(key), tail)
}

// MasterHash is as Master for a key of which only the SHA-256 is told.
func MasterHash(hash [32]byte) *Snapshot { return master(hash, [4]byte{}) }

func master(hash [32]byte, tail [4]byte) *Snapshot {
	b := newBuilder(time.Time{})
	b.add(hash, tail, record.KeyInfo{Alias: "master key", Name: tailName(tail), Master: true, State: record.KeyLive})
	return b.snapshot()
}
