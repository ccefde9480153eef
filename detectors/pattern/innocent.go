package pattern

import (
	"hash/maphash"
	"slices"
)

// Most values behind a name that says key or token are the same few over and over
// (os.environ/NAME, names of teams and models), or digests in hex, UUIDs and masked
// keys. Of the former the answer is remembered, of the latter it is proven for all
// digests of a length at once, for all UUIDs, and for all masks.

const (
	memoSize  = 1 << 11 // answers of a machine
	memoWays  = 4       // places where an answer can stand, side by side
	memoValue = 256     // bytes; longer values are rarely the same
	// longestDigest is the hex digits of SHA-512.
	longestDigest  = 128
	shortestDigest = 32
	// uuid is the form of a UUID, mask that of a key as LiteLLM shows it; that of a
	// digest is how many digits it has.
	uuid       = 1
	uuidLength = 36
	uuidFirst  = 8 // digits before its first dash
	mask       = 2
	maskHead   = "sk-..."
	maskLength = len(maskHead) + 4
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

// places are where an answer for a rule and a value can stand, that asked for last
// in front: counts, or one more if the value is innocent.
func (m *memo) places(r *rule, value []byte) (places []uint64, counts uint64) {
	hash := maphash.Bytes(m.seed, value) + uint64(r.index)*0x9e3779b97f4a7c15
	hash ^= hash >> 32
	at := hash % (memoSize / memoWays) * memoWays
	return m.hashes[at : at+memoWays], hash &^ 1
}

// innocentSecret says whether a rule takes a secret for none, whatever stands
// around it.
func (m *machine) innocentSecret(r *rule, secret []byte) bool {
	if form := formOf(secret); form != 0 && m.takes(r, form) {
		return true
	}
	if len(secret) == 0 || len(secret) > memoValue {
		return m.judgeSecret(r, secret)
	}
	places, counts := m.memo.places(r, secret)
	for i, answer := range places {
		if answer&^1 == counts {
			copy(places[1:i+1], places[:i])
			places[0] = answer
			return answer&1 != 0
		}
	}
	innocent := m.judgeSecret(r, secret)
	if m.thrash {
		return innocent // no answer: the search was cut short
	}
	copy(places[1:], places)
	if places[0] = counts; innocent {
		places[0]++
	}
	return innocent
}

func (m *machine) judgeSecret(r *rule, secret []byte) bool {
	if r.Entropy != 0 && !m.entropyAbove(secret, r.Entropy) {
		return true
	}
	j := r.judge()
	return len(secret) > 0 && (m.matchesAny(j.secret, secret) || j.words.in(secret))
}

// formOf is the form of an id that s has, 0 if it has none.
func formOf(s []byte) int {
	switch n := len(s); {
	case isUUID(s):
		return uuid
	case isMask(s):
		return mask
	case n >= shortestDigest && n <= longestDigest && n%8 == 0 && isDigest(s):
		return n
	}
	return 0
}

func isMask(s []byte) bool {
	return len(s) == maskLength && string(s[:len(maskHead)]) == maskHead &&
		isWord(s[6]) && isWord(s[7]) && isWord(s[8]) && isWord(s[9])
}

var digestBytes = func() (t [256]uint8) {
	for _, c := range []byte(hexDigits) {
		t[c] = 1
	}
	return t
}()

const (
	hexDigits      = "0123456789abcdef"
	wordCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz0123456789"
)

// takes says whether a rule takes each id of a form for innocent.
func (m *machine) takes(r *rule, form int) bool {
	if m.ids[r.index] == nil {
		m.ids[r.index] = new(forms)
		for i := range r.judge().secret {
			for form, all := range m.provenBy(&r.judge().secret[i]) {
				m.ids[r.index][form] = m.ids[r.index][form] || all
			}
		}
	}
	return m.ids[r.index][form]
}

// provenBy is of which forms e matches each id.
func (m *machine) provenBy(e *either) *forms {
	for len(m.proven) <= e.number {
		m.proven = append(m.proven, nil)
	}
	if m.proven[e.number] == nil {
		m.proven[e.number] = new(forms)
		m.aside(func() {
			d := m.eitherAt(e)
			d.takesDigests(m.proven[e.number], e.atStart)
			d.takesEach(m.proven[e.number], uuid, e.atStart)
			d.takesEach(m.proven[e.number], mask, e.atStart)
		})
	}
	return m.proven[e.number]
}

// idBehind says whether the value behind a stop is an id that is innocent for
// all rules of a target's group, whatever its digits are. Each of the shapes then
// reads just this value, or nothing: no byte between the stop and the id can
// be of a value, and what stands behind it ends one and is no part of it. If so, no
// byte from far on was looked at; else far is 0.
func (m *machine) idBehind(frag *fragment, t *target, k *known, stop int) (far int) {
	text, kind := frag.text, &t.look.kind
	i := stop + 1
	for limit := min(len(text), stop+1+mostBetween); i < limit && digestBytes[text[i]] == 0 && text[i] != maskHead[0]; i++ {
		if kind[text[i]]&inMiddle == 0 || kind[text[i]]&inBody != 0 {
			return 0
		}
	}
	form, i := idAt(text, i)
	if form == 0 || i >= len(text) || !endsID.has(text[i]) || kind[text[i]]&inBody != 0 || !k.takes(m, form) {
		return 0
	}
	m.steps += i - stop
	m.id = passedID{uint8(form), text[i]}
	return i + 1
}

// idAt is the form of the id that begins at start, and its end.
func idAt(text []byte, start int) (form, end int) {
	if start < len(text) && text[start] == maskHead[0] {
		if end = start + maskLength; end <= len(text) && isMask(text[start:end]) {
			return mask, end
		}
		return 0, start
	}
	i := digestEnd(text[:min(len(text), start+longestDigest+1)], start)
	switch n := i - start; {
	case n >= shortestDigest && n <= longestDigest:
		return n, i
	case n == uuidFirst && start+uuidLength <= len(text) && isUUID(text[start:start+uuidLength]):
		return uuid, start + uuidLength
	}
	return 0, i
}

// endsID are bytes that no expression takes as a part of a value's end that
// is longer than one byte.
var endsID = func() (b byteSet) {
	for _, c := range []byte("'\" \t\n,)}]") {
		b.add(c)
	}
	return b
}()

// takes says whether all rules of a group, which have shapes, take each id of a form
// for innocent, and read it whole, or take it for too short.
func (k *known) takes(m *machine, form int) bool {
	if k.ids == nil {
		k.ids = new(forms)
		for form := range k.ids {
			set, n := setOf(form)
			k.ids[form] = n > 0 && !slices.ContainsFunc(k.shaped, func(r shapedRule) bool {
				return !r.shape.holds(set, n) || n >= r.shape.value.least && !m.takes(r.rule, form)
			})
		}
	}
	return k.ids[form]
}

// setOf is what characters an id of a form has, and how many; 0: there is no such
// form.
func setOf(form int) (set string, n int) {
	switch {
	case form == uuid:
		return hexDigits + "-", uuidLength
	case form == mask:
		return maskHead + wordCharacters, maskLength
	case form < shortestDigest:
		return "", 0
	}
	return hexDigits, form
}

// characterOf is what can be number n of an id of a form.
func characterOf(form, n int) string {
	switch {
	case form == uuid && (n == 8 || n == 13 || n == 18 || n == 23):
		return "-"
	case form == mask && n < len(maskHead):
		return maskHead[n : n+1]
	case form == mask:
		return wordCharacters
	}
	return hexDigits
}

// holds says whether n characters of a set, and no more, are a value of the first
// form or too short for any.
func (s *shape) holds(set string, n int) bool {
	for i := range len(set) {
		if s.kind[set[i]]&inValue == 0 {
			return false
		}
	}
	return n <= s.value.most && (n >= s.value.least || s.other == 0)
}

// forms is a set of forms of ids.
type forms [longestDigest + 1]bool

// mostPaths bounds the states that texts of one length can lead to; more of them
// are not followed.
const mostPaths = 64

// takesDigests adds the lengths of digests of which the program matches each.
func (d *dfa) takesDigests(sure *forms, anchored bool) {
	d.follow(anchored, len(sure)-1, func(int) string { return hexDigits }, func(n int) {
		sure[n] = sure[n] || n >= shortestDigest
	})
}

// takesEach adds a form that is no digest's, if the program matches each id of it.
func (d *dfa) takesEach(sure *forms, form int, anchored bool) {
	_, length := setOf(form)
	d.follow(anchored, length, func(n int) string { return characterOf(form, n) }, func(n int) {
		sure[form] = sure[form] || n == length
	})
}

// follow calls all with each length up to longest at which the program matches every
// text of so many characters, of which number n is one of set(n), of ASCII. It goes
// from the states that the texts of a length lead to over each of the characters.
func (d *dfa) follow(anchored bool, longest int, set func(n int) string, all func(n int)) {
	states := []uint32{d.startState(nil, 0, anchored)}
	epoch := d.epoch
	for n := 1; n <= longest; n++ {
		classes := d.classesOf(set(n - 1))
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
		if !missed {
			all(n)
		}
		states = next
	}
}

// classesOf are those of a set of characters of ASCII, each once.
func (d *dfa) classesOf(set string) (classes []int) {
	for i := range len(set) {
		if c := int(d.ascii[set[i]]); !slices.Contains(classes, c) {
			classes = append(classes, c)
		}
	}
	return classes
}

// take is the transition from the state at row s by a class. Where the states were
// forgotten since, it means nothing: whoever goes on asks for the epoch.
func (d *dfa) take(s uint32, class int) uint32 {
	if int(s) >= len(d.rows) {
		return dead
	}
	if t := d.rows[s+uint32(class)]; t != unknown {
		return t
	}
	return d.step(s, class)
}
