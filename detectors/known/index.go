package known

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"
)

const (
	// stride is how far apart a text is probed. A run of gram+stride-1 bytes
	// holds a whole gram at a probe, wherever it begins: parts have 12 bytes or
	// more, whole secrets 8.
	stride    = 5
	longGram  = 8
	shortGram = 4
	longRun   = longGram + stride - 1  // 12
	shortRun  = shortGram + stride - 1 // 8

	// filterBits is how many bits of the filter a gram has; with three of them
	// set, in one word, one probe in 100 looks further in vain.
	filterBits = 16
	// maxCrowd bounds how many forms share a gram, and so what a probe may
	// cost. Bytes that more secrets share lead to the first of them only.
	maxCrowd = 64
)

// index finds forms by their grams. It is immutable but for entries that are
// added to its tables for forms it does not know, which it ignores.
type index struct {
	forms       []form
	long, short *table
	shorts      bool // short has entries
}

func newIndex() *index {
	return &index{long: newTable(longGram, 0, [2]int{}), short: newTable(shortGram, 0, [2]int{})}
}

// with is the index with more forms. It shares all it can with ix, so only the
// newest index may be added to, by one writer at a time.
func (ix *index) with(forms []form) *index {
	next := *ix
	for _, f := range forms {
		id := len(next.forms)
		next.forms = append(next.forms, f)
		switch n := len(f.text); {
		case n < shortRun: // not of a secret that is long enough
		case n < longRun:
			next.shorts = true
			next.short = next.short.fill(next.forms, id, n-shortRun, stride)
		case f.need == 0:
			// At the end of a value stands what sets it apart from others.
			next.long = next.long.fill(next.forms, id, n-longRun, stride)
		default:
			// Any part holds need-longGram+1 grams, stride of them in a row here.
			next.long = next.long.fill(next.forms, id, f.body, max(f.need-longRun+1, stride))
		}
	}
	return &next
}

// table maps grams to the places where they stand in forms. Readers need no
// lock: words are written whole, and a table that is full is replaced.
type table struct {
	size    int       // of a gram
	filters [2]filter // by class, so that a large one stays out of the way
	slots   []uint64  // 0, or tag, form+1 and offset
	used    int       // the writer's
}

// filter has a bit of hash for each gram.
type filter struct {
	words []uint64
	used  int // the writer's
}

const (
	offsetBits = 18 // a form has at most 2 * longest characters
	tagShift   = 48
	minSlots   = 1 << 10
	minWords   = minSlots * filterBits / 64
)

func newTable(size, used int, byClass [2]int) *table {
	t := &table{size: size, slots: make([]uint64, max(minSlots, 1<<bits.Len(uint(used*2))))}
	for i, n := range byClass {
		t.filters[i].words = make([]uint64, max(minWords, 1<<bits.Len(uint(n*filterBits/64))))
	}
	return t
}

// class is 1 for a gram with a capital letter (or one of ?@[\]^). Logs have few
// of them, random keys have one in nearly every gram: the filter that most
// probes look into stays small, however many keys there are.
func class(gram uint64) int {
	const ones, sixth = 0x0101010101010101, 0x4040404040404040
	g := gram + ones // leaves _ out, which names are full of
	if g&(^g<<1)&sixth != 0 {
		return 1
	}
	return 0
}

// hash spreads a gram; its upper bits are the best ones.
func hash(gram uint64) uint64 {
	gram *= 0x9e3779b97f4a7c15
	return gram ^ gram>>29
}

// load reads the gram that text begins with.
func (t *table) load(text []byte) uint64 {
	if t.size == shortGram {
		return uint64(binary.LittleEndian.Uint32(text))
	}
	return binary.LittleEndian.Uint64(text)
}

// may says whether the filter for a gram has its hash.
func (t *table) may(gram, h uint64) bool {
	words := t.filters[class(gram)].words
	mask := uint64(1)<<(h&63) | 1<<(h>>6&63) | 1<<(h>>12&63)
	return atomic.LoadUint64(&words[h>>18&uint64(len(words)-1)])&mask == mask
}

// home is where the slots of a hash begin.
func (t *table) home(h uint64) int { return int(h>>20) & (len(t.slots) - 1) }

// next is the place at or behind slot i of a gram with this hash, and where to
// look on; false behind the last. The gram itself is for the caller to compare.
func (t *table) next(h uint64, i int) (form, offset, then int, ok bool) {
	for {
		s := atomic.LoadUint64(&t.slots[i])
		if s == 0 {
			return 0, 0, 0, false
		}
		i = (i + 1) & (len(t.slots) - 1)
		if s>>tagShift == h>>tagShift {
			return int(s>>offsetBits&(1<<(tagShift-offsetBits)-1)) - 1, int(s & (1<<offsetBits - 1)), i, true
		}
	}
}

// fill enters the grams of forms[id] from offset from on that lie in the first
// stride of each period, and returns the table that has them.
func (t *table) fill(forms []form, id, from, period int) *table {
	text := forms[id].text
	for o := from; o+t.size <= len(text); o++ {
		if (o-from)%period >= stride {
			continue
		}
		gram := t.load(text[o:])
		if f := &t.filters[class(gram)]; (t.used+1)*2 > len(t.slots) || (f.used+1)*filterBits > len(f.words)*64 {
			t = t.grown(forms)
		}
		t.put(gram, uint64(id+1)<<offsetBits|uint64(o))
	}
	return t
}

func (t *table) put(gram, place uint64) {
	h, crowd := hash(gram), 0
	i := t.home(h)
	for ; t.slots[i] != 0; i = (i + 1) & (len(t.slots) - 1) {
		if t.slots[i]>>tagShift == h>>tagShift {
			if crowd++; crowd == maxCrowd {
				return
			}
		}
	}
	f := &t.filters[class(gram)]
	t.used++
	f.used++
	atomic.OrUint64(&f.words[h>>18&uint64(len(f.words)-1)], 1<<(h&63)|1<<(h>>6&63)|1<<(h>>12&63))
	atomic.StoreUint64(&t.slots[i], h>>tagShift<<tagShift|place)
}

// grown is a table twice as large with the same entries.
func (t *table) grown(forms []form) *table {
	g := newTable(t.size, t.used*2, [2]int{t.filters[0].used * 2, t.filters[1].used * 2})
	for _, s := range t.slots {
		if s != 0 {
			place := s & (1<<tagShift - 1)
			text := forms[place>>offsetBits-1].text
			g.put(g.load(text[place&(1<<offsetBits-1):]), place)
		}
	}
	return g
}
