package pattern

import "bytes"

// What a fragment may cost. Ordinary log costs less than one step a byte
// behind the words; text made to cost more is withheld, not passed.
const (
	baseSteps    = 1 << 20 // a fragment starts with so many
	stepsPerByte = 4       // and earns these
	maxBuilds    = 1 << 14 // states made in one fragment: more is an attack on the cache
)

// budget counts what a fragment costs. It counts steps and not time, so that
// the same bytes are withheld on a busy machine and on an idle one.
type budget struct {
	steps, builds int
	thrash        bool   // a search was cut short
	resume        int    // nothing before this place is looked at in this pass
	earned        int    // bytes that count as read, at least
	withheld      []span // lines that were not examined whole
}

func (b *budget) reset() {
	*b = budget{withheld: b.withheld[:0]}
}

// aside does what is worked out once and serves all fragments: the budget of the one
// in hand does not pay for it.
func (b *budget) aside(f func()) {
	spent := *b
	*b = budget{}
	f()
	*b = spent
}

// newPass begins to go through the fragment again, all of which was read once:
// what the first pass left out says nothing of this one.
func (b *budget) newPass(frag *fragment) {
	b.resume, b.earned = 0, len(frag.text)
}

// overAt says whether the fragment's cost is too high to look at what ends
// here; the line is then withheld.
func (b *budget) overAt(frag *fragment, end int) bool {
	if end <= b.resume {
		return true
	}
	if !b.thrash && b.steps <= baseSteps+stepsPerByte*max(end, b.earned) {
		return false
	}
	b.thrash = false
	line := lineOf(frag.text, end-1)
	b.resume = line.end
	b.withheld = append(b.withheld, line)
	return true
}

// lineOf is the line that holds a byte, with its line feed.
func lineOf(text []byte, at int) span {
	l := span{bytes.LastIndexByte(text[:at], '\n') + 1, len(text)}
	if next := bytes.IndexByte(text[at:], '\n'); next >= 0 {
		l.end = at + next + 1
	}
	return l
}
