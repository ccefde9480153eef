package pattern

import (
	"hash/maphash"
	"slices"
)

// Most values behind a name that says key or token are the same few over and over
// (os.environ/NAME, names of teams and models), or digests in hex. Of the former
// the answer is remembered, of the latter it is proven for all digests of a
// length at once.

const (
	memoSize  = 1 << 11 // answers of a machine
	memoValue = 256     // bytes; longer values are rarely the same
	// longestDigest is the hex digits of SHA-512.
	longestDigest  = 128
	shortestDigest = 32
)

// memo remembers whether values count for rules, by a hash that is keyed anew in each
// machine: two values share it once in 2^63, and no text can be made so that it
// does. It holds no byte of a value.
type memo struct {
	seed   maphash.Seed
	hashes []uint64
}

func newMemo() memo {
	return memo{maphash.MakeSeed(), make([]uint64, memoSize)}
}

// slot is where an answer for a rule and a value stands: counts, or one more if
// the value is innocent.
func (m *memo) slot(r *rule, value []byte) (slot *uint64, counts uint64) {
	hash := maphash.Bytes(m.seed, value) + uint64(r.index)*0x9e3779b97f4a7c15
	hash ^= hash >> 32
	return &m.hashes[hash%memoSize], hash &^ 1
}

// innocentSecret says whether a rule takes a secret for none, whatever stands
// around it.
func (m *machine) innocentSecret(r *rule, secret []byte) bool {
	if n := len(secret); n >= shortestDigest && n <= longestDigest && n%8 == 0 && isDigest(secret) && m.takesDigests(r, n) {
		return true
	}
	if len(secret) == 0 || len(secret) > memoValue {
		return m.judgeSecret(r, secret)
	}
	slot, counts := m.memo.slot(r, secret)
	if *slot&^1 == counts {
		return *slot&1 != 0
	}
	innocent := m.judgeSecret(r, secret)
	switch {
	case m.thrash: // no answer: the search was cut short
	case innocent:
		*slot = counts + 1
	default:
		*slot = counts
	}
	return innocent
}

func (m *machine) judgeSecret(r *rule, secret []byte) bool {
	if r.Entropy != 0 && !m.entropyAbove(secret, r.Entropy) {
		return true
	}
	j := r.judge()
	return len(secret) > 0 && (m.matchesAny(&m.secrets[r.index], j.secret, secret) || j.words.in(secret))
}

// isDigest says whether s is of hex digits in lower case.
func isDigest(s []byte) bool {
	all := uint8(1)
	for _, c := range s {
		all &= digestBytes[c]
	}
	return all != 0
}

var digestBytes = func() (t [256]uint8) {
	for _, c := range []byte(hexDigits) {
		t[c] = 1
	}
	return t
}()

const hexDigits = "0123456789abcdef"

// takesDigests says whether a rule takes each digest of n digits for innocent.
func (m *machine) takesDigests(r *rule, n int) bool {
	if m.digests[r.index] == nil {
		m.digests[r.index] = new(lengths)
		m.aside(func() {
			list := r.judge().secret
			for i, one := range list {
				m.eitherAt(&m.secrets[r.index], list, i).takesAll(m.digests[r.index], hexDigits, one.atStart)
			}
		})
	}
	return m.digests[r.index][n]
}

// digestBehind says whether the value behind a stop is a digest that is innocent for
// all rules of a target's group, whatever its digits are. Each of the shapes then
// reads just this value, or nothing: no byte between the stop and the digest can
// be of a value, and what stands behind it ends one and is no part of it. If so, no
// byte from far on was looked at; else far is 0.
func (m *machine) digestBehind(frag *fragment, t *target, stop int) (far int) {
	text, kind := frag.text, &t.look.kind
	i := stop + 1
	for limit := min(len(text), stop+1+mostBetween); i < limit && digestBytes[text[i]] == 0; i++ {
		if kind[text[i]]&inMiddle == 0 || kind[text[i]]&inBody != 0 {
			return 0
		}
	}
	start := i
	for limit := min(len(text), start+longestDigest+1); i < limit && digestBytes[text[i]] != 0; i++ {
	}
	n := i - start
	if n < shortestDigest || n > longestDigest || i >= len(text) || !endsDigest.has(text[i]) || kind[text[i]]&inBody != 0 {
		return 0
	}
	if !m.groupTakesDigests(t.group, n) {
		return 0
	}
	m.steps += i - stop
	return i + 1
}

// endsDigest are bytes that no expression takes as a part of a value's end that
// is longer than one byte.
var endsDigest = func() (b byteSet) {
	for _, c := range []byte("'\" \t\n,)}]") {
		b.add(c)
	}
	return b
}()

// groupTakesDigests says whether all rules of a group, which have shapes, take each
// digest of n digits for innocent, and read it whole.
func (m *machine) groupTakesDigests(group, n int) bool {
	if m.allDigests[group] == nil {
		all := new(lengths)
		for n := shortestDigest; n <= longestDigest; n++ {
			all[n] = !slices.ContainsFunc(m.engine.groups[group].shaped(), func(r *rule) bool {
				return !r.shape().holds(hexDigits, n) || !m.takesDigests(r, n)
			})
		}
		m.allDigests[group] = all
	}
	return m.allDigests[group][n]
}

// holds says whether n characters of a set are within the first form of a value.
func (s *shape) holds(set string, n int) bool {
	for i := range len(set) {
		if s.kind[set[i]]&inValue == 0 {
			return false
		}
	}
	return n >= s.value.least && n <= s.value.most
}

// lengths is a set of lengths of text, bytes.
type lengths [longestDigest + 1]bool

// mostPaths bounds the states that texts of one length can lead to; more of them
// are not followed.
const mostPaths = 64

// takesAll adds the lengths of which the program matches every text of a set of
// ASCII characters. It goes from the states that the texts of a length lead to
// over each of the characters.
func (d *dfa) takesAll(sure *lengths, set string, anchored bool) {
	var classes []int
	for i := range len(set) {
		if c := int(d.ascii[set[i]]); !slices.Contains(classes, c) {
			classes = append(classes, c)
		}
	}
	states := []uint32{d.startState(nil, 0, anchored)}
	epoch := d.epoch
	for n := 1; n < len(sure); n++ {
		var next []uint32
		for _, s := range states {
			for _, class := range classes {
				switch t := d.take(s, class); {
				case t&matchedHere != 0: // whatever follows
				case t&dead != 0 || len(next) > mostPaths:
					return
				case !slices.Contains(next, t):
					next = append(next, t)
				}
			}
		}
		missed := slices.ContainsFunc(next, func(s uint32) bool { return d.take(s, d.stride-1)&matchedHere == 0 })
		if d.epoch != epoch || d.m.thrash {
			return
		}
		sure[n] = sure[n] || !missed
		states = next
	}
}

// take is the transition from the state at row s by a class.
func (d *dfa) take(s uint32, class int) uint32 {
	if t := d.rows[s+uint32(class)]; t != unknown {
		return t
	}
	return d.step(s, class)
}
