package virtualkey

import (
	"bytes"
	"crypto/sha256"

	"sluice/internal/record"
)

const (
	// hashesPerWindow in windowSize bytes of a text is what the budget allows:
	// a fifth of a millisecond a window for candidates of default length, four
	// fifths for the longest. Logs of nothing but keys need a fifth of it.
	hashesPerWindow = 4096
	windowSize      = 64 << 10
)

// budget counts hashes. A window's is its own, so an attacker who exhausts one
// has the records withheld that begin there, and no others.
type budget struct{ window, spent int }

// spend takes one hash for a candidate at start, shared by n prefixes.
func (b *budget) spend(start, n int) bool {
	if w := start / windowSize; w != b.window {
		*b = budget{window: w}
	}
	if b.spent >= hashesPerWindow/n {
		return false
	}
	b.spent++
	return true
}

// reach follows the bytes behind a prefix once, however many candidates share
// them, and keeps where a live key could end.
type reach struct {
	at    int    // the bytes before it were looked at, back to where it was set
	token int    // the same for the bytes of a token
	tail  uint32 // the last four before at
	ends  [maxKey]int
	n     int // ends so far; the last maxKey of them are kept
}

// extendToken moves token to limit, or to the first byte that ends one.
func (r *reach) extendToken(text []byte, start, limit int) int {
	r.token = run(text, max(r.token, start), limit, tokenByte)
	return r.token
}

// extend moves at to limit, or to the first byte that can be in no key. Of ends
// in (start,start+maxKey] none is lost: there are no more places than room.
func (r *reach) extend(text []byte, start, limit int, suffixes *suffixSet) {
	r.at = max(r.at, start)
	for r.at < limit && is(text[r.at], headerByte) {
		r.tail = r.tail>>8 | uint32(text[r.at])<<24
		r.at++
		if suffixes.has(r.tail) {
			r.ends[r.n%maxKey] = r.at
			r.n++
		}
	}
}

// found is a key of the snapshot at the place asked for.
type found struct {
	end  int // in text; 0: none
	hash [sha256.Size]byte
	key  *record.KeyInfo
}

// keysIn reports the keys that begin with the prefix in text[lo:hi).
func (s *scan) keysIn(p *prefix, lo, hi int) {
	for at := s.from(lo); ; at++ {
		if at = p.next(s.text, at, hi); at < 0 {
			return
		}
		f, starved := s.live(p, at, hi)
		switch {
		case starved > 0:
			s.withhold(at, starved)
			continue
		case f.end > 0:
			s.covered = f.end
			s.addKey(f, at)
		case s.d.known && s.broken(p, at, hi):
			continue
		}
		if p.form && (at == lo || !is(s.text[at-1], keyByte)) {
			s.formAt(at, hi)
		}
	}
}

// addKey reports a key of the snapshot.
func (s *scan) addKey(f found, start int) {
	m := record.Match{Rule: RuleVirtual, Hash: f.hash, Whole: true}
	if f.key.Master {
		m.Rule = RuleMaster
	}
	s.add(m, start, f.end)
}

// live finds the longest key of the snapshot that begins at start, unless it
// ends inside the last one. starved is the end of the longest candidate that
// was not hashed for want of budget, else 0.
func (s *scan) live(p *prefix, start, hi int) (f found, starved int) {
	if !s.d.known {
		return found{}, 0
	}
	limit := min(start+maxKey, hi)
	floor := max(start+len(p.text), s.covered, s.floor())
	hidden := floor
	if s.d.hides {
		hidden = max(floor, s.reach.extendToken(s.text, start, limit))
	}
	r := &s.reach
	r.extend(s.text, start, limit, &s.d.suffixes)
	for i := r.n - 1; i >= max(0, r.n-maxKey); i-- {
		end := r.ends[i%maxKey]
		if end <= hidden { // or left over from before start
			break
		}
		if ok := s.try(&f, start, end); !ok {
			return f, end
		}
		if f.end > 0 {
			return f, 0
		}
	}
	if hidden > floor {
		return s.hidden(start, floor, hidden)
	}
	return f, 0
}

// try looks up text[start:end) and sets f if it is a key. False: no budget.
func (s *scan) try(f *found, start, end int) bool {
	if !s.budget.spend(start, len(s.d.prefixes)) {
		return false
	}
	hash := sha256.Sum256(s.text[start:end])
	if key, ok := s.d.keys.Lookup(hash); ok {
		*f = found{end, hash, key}
	}
	return true
}

// hidden is live for keys without a masked name: every length that ends in
// (floor,end] is hashed, the longest first.
func (s *scan) hidden(start, floor, end int) (f found, starved int) {
	if s.memo == nil {
		s.memo = s.d.memos.Get().(*memo)
	}
	token := s.text[start:end]
	set := s.memo.set(token)
	for i := range set {
		if slot := &set[i]; slot.from == floor-start && bytes.Equal(slot.token, token) {
			if f = slot.key; f.end > 0 {
				f.end += start
			}
			return f, 0
		}
	}
	for e := end; e > floor && f.end == 0; e-- {
		if ok := s.try(&f, start, e); !ok {
			return f, e
		}
	}
	copy(set[1:], set)
	set[0] = memoSlot{token: token, from: floor - start, key: f}
	if f.end > 0 {
		set[0].key.end -= start
	}
	return f, 0
}
