package pattern

import (
	"slices"
	"sync"
	"sync/atomic"
)

// A gateway's log is some hundred kinds of lines, between which numbers and ids differ
// and nothing else. A line of a kind in which nothing is found, and nothing can be found
// whatever those are, is passed over.

const (
	outlineBits = 9
	// templateWays is how many templates are kept of lines whose outlines share some bits.
	templateWays = 8
	// mostTemplates bounds the bytes of all templates for one kind of streams.
	mostTemplates = 4 << 20
	// mostKinds bounds the kinds of streams that have templates.
	mostKinds = 4
)

// template is a line, or some one behind the other, in which no rule finds anything. So it
// is with each text that differs in free bytes alone. It does not hold what those were.
type template struct {
	outline uint64 // of the first line
	n       int    // bytes, with the last line feed
	text    []byte // in whole blocks, as fits has it
	free    []byte // classes of what may stand at a place; 0: just what is in text
	walks   []walk
	open    []opening    // ascending
	rules   []int        // that have places in it, ascending
	blocks  atomic.Int32 // how often it was tried to make one of it and lines behind it
}

// walk is free bytes, and some behind them, in which no word ends, from a state of the
// automaton on.
type walk struct {
	span
	state uint32
}

// opening is a word that has to do with what follows the template: it is tried each
// time.
type opening struct {
	end  int
	next byteSet // but if what follows begins with one of these
}

func (o *opening) closed(text []byte, end int) bool { return end < len(text) && o.next.has(text[end]) }

// closed says whether nothing is open where what t is of ends at end.
func (t *template) closed(text []byte, end int) bool {
	return !slices.ContainsFunc(t.open, func(o opening) bool { return !o.closed(text, end) })
}

// leaveOpen adds an opening.
func (t *template) leaveOpen(end int, next byteSet) {
	n, ok := slices.BinarySearchFunc(t.open, end, func(o opening, end int) int { return o.end - end })
	if !ok {
		t.open = slices.Insert(t.open, n, opening{end, next})
		return
	}
	for i := range next {
		t.open[n].next[i] &= next[i]
	}
}

// knows says whether a text of n bytes is one of t's.
func (t *template) knows(text []byte, words *automaton) bool {
	if !fits(text, t.text, t.free) {
		return false
	}
	for i := range t.walks {
		if w := &t.walks[i]; !words.passes(w.state, text[w.start:w.end]) {
			return false
		}
	}
	return true
}

func (t *template) size() int {
	const each = 256 // bytes of what is of no more than a few elements
	return cap(t.text) + cap(t.free) + each
}

// templates are those of streams for which the same rules and allowlists hold. All
// machines of a detector share them.
type templates struct {
	sets [1 << outlineBits]templateSet
	size atomic.Int64 // bytes
	next atomic.Uint32
	met  [1 << metBits]atomic.Uint64 // outlines of lines that have no template, with how many lessons there were
}

const (
	metBits = 14
	// mostLessons are learned from lines of one outline, until another takes its place:
	// that of which each has another word in it serves nobody.
	mostLessons = 24
	lessonMask  = 0xff
)

// mayLearn says whether lines of an outline were met twice before and may be learned from,
// and counts so many lessons.
func (s *templates) mayLearn(outline uint64, lessons uint64) bool {
	met := &s.met[outline>>(64-metBits)]
	switch was := met.Load(); {
	case was&^lessonMask != outline&^lessonMask:
		met.Store(outline &^ lessonMask)
		return false
	case was&lessonMask >= mostLessons:
		return false
	default:
		met.Store(was + lessons)
		return was&lessonMask > 0
	}
}

type templateSet struct {
	outlines [templateWays]atomic.Uint64
	ways     [templateWays]atomic.Pointer[template]
}

func (s *templates) set(outline uint64) *templateSet { return &s.sets[outline>>(64-outlineBits)] }

// of is the template of the line of n bytes at at, whose outline is given: the longest,
// or one that nothing is open of. nil: there is none.
func (s *templates) of(text []byte, at, n int, outline uint64, words *automaton) (of *template) {
	set := s.set(outline)
	for i := range set.outlines {
		if set.outlines[i].Load() != outline {
			continue
		}
		t := set.ways[i].Load()
		if t == nil || t.outline != outline || t.n < n || at+t.n > len(text) || of != nil && t.n <= of.n || !t.knows(text[at:at+t.n], words) {
			continue
		}
		if of = t; t.closed(text, at+t.n) {
			break
		}
	}
	return of
}

// add keeps t, in the place of another if need be.
func (s *templates) add(t *template) {
	set, way := s.set(t.outline), int(s.next.Add(1)%templateWays)
	for i := range set.ways {
		if set.ways[i].Load() == nil {
			way = i
			break
		}
	}
	if s.size.Load() > mostTemplates {
		for i := range set.ways {
			s.put(set, i, nil)
		}
	}
	if s.size.Load() <= mostTemplates {
		s.put(set, way, t)
	}
}

func (s *templates) put(set *templateSet, way int, t *template) {
	outline, size := uint64(0), 0
	if t != nil {
		outline, size = t.outline, t.size()
	}
	set.outlines[way].Store(outline)
	if old := set.ways[way].Swap(t); old != nil {
		size -= old.size()
		s.met[old.outline>>(64-metBits)].Store(0) // it may be learned again
	}
	s.size.Add(int64(size))
}

// kinds are the templates of a detector, by what holds for a stream.
type kinds struct {
	mu   sync.Mutex
	list map[string]*templates
}

// templatesOf are those for streams of which the same rules are off, and which the
// same allowlists name; nil: they have none.
func (d *Detector) templatesOf(s *pathState) *templates {
	if d.engine.words.class['\n'] != 0 {
		return nil // a word may reach over lines
	}
	key := make([]byte, 0, len(s.off)+len(s.named))
	for _, list := range [][]bool{s.off, s.named} {
		for _, is := range list {
			bit := byte(0)
			if is {
				bit = 1
			}
			key = append(key, bit)
		}
	}
	k := &d.kinds
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.list[string(key)]
	if t == nil && len(k.list) < mostKinds {
		if k.list == nil {
			k.list = make(map[string]*templates)
		}
		t = new(templates)
		k.list[string(key)] = t
	}
	return t
}
