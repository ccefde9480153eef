package pattern

import (
	"bytes"
	"slices"
	"sort"
)

// passing is what a machine needs to pass over lines that are of a template, and to learn
// from others.
type passing struct {
	*templates     // nil: it passes over none
	credit     int // bytes that may be learned from

	fresh   []span       // of the fragment: what has to be searched, ascending
	passed  []passedText // what was passed over
	crossed bool         // a match has to do with that
	lesson  lesson
}

// passedText is where text of a template was passed over.
type passedText struct {
	at int
	*template
}

const (
	shortestLine = 8        // bytes, with the line feed; shorter ones are searched as fast
	longestLine  = 32 << 10 // as is the longest text of a template
	// dearLesson is how many lessons it counts for that nothing is learned.
	dearLesson = 6
	// firstCredit is what a machine may learn from at first, and at most at once. Of what it
	// is given it may learn from one byte in creditShare then, of what it passed over from one in
	// passedShare: where lessons are of use there are more. lessonCost is what one costs
	// besides its bytes.
	firstCredit, creditShare, passedShare, lessonCost = 256 << 10, 128, 48, 128
	// mostBlocks bounds how often a block is made of a line, mostLines those behind it there.
	mostBlocks, mostLines = 4, 5
)

func newPassing() passing {
	return passing{credit: firstCredit, lesson: lesson{prover: newProver()}}
}

// passOver finds what of a fragment is of templates, and learns from other lines. The
// rest is fresh.
func (m *machine) passOver(frag *fragment) {
	m.searchAll(frag)
	at := bytes.IndexByte(frag.text, '\n') + 1 // what stands before a first line is not known
	if m.templates == nil || at == 0 {
		return
	}
	m.fresh = m.fresh[:0]
	m.earn(len(frag.text) / creditShare)
	from := 0
	for at < len(frag.text) {
		n := bytes.IndexByte(frag.text[at:], '\n') + 1
		if n == 0 {
			break
		}
		if t := m.templateAt(frag.text, at, n); t != nil {
			m.pass(frag, t, from, at)
			from = at + t.n
			n = t.n
		}
		at += n
	}
	if from < len(frag.text) {
		m.fresh = append(m.fresh, span{from, len(frag.text)})
	}
}

// searchAll makes all of a fragment fresh.
func (m *machine) searchAll(frag *fragment) {
	m.fresh, m.passed, m.crossed = append(m.fresh[:0], span{0, len(frag.text)}), m.passed[:0], false
}

// pass passes over text of t at at; from where the last ended on all is fresh.
func (m *machine) pass(frag *fragment, t *template, from, at int) {
	if from < at {
		m.fresh = append(m.fresh, span{from, at})
	}
	for i := range t.open {
		if end := at + t.open[i].end; !t.open[i].closed(frag.text, at+t.n) {
			m.fresh = append(m.fresh, span{end - 1, end})
		}
	}
	m.passed = append(m.passed, passedText{at, t})
	m.earn(t.n / passedShare)
}

func (m *machine) earn(credit int) { m.credit = min(m.credit+credit, firstCredit) }

// templateAt is the template of the line of n bytes at at, with its line feed, or of it
// and some behind it. It may be made of them. nil: there is none.
func (m *machine) templateAt(text []byte, at, n int) *template {
	if n < shortestLine || n > longestLine {
		return nil
	}
	outline := outlineOf(text[at : at+n])
	t := m.of(text, at, n, outline, m.engine.words)
	if t != nil {
		if !t.closed(text, at+t.n) && m.credit > 0 && t.blocks.Add(1) <= mostBlocks {
			t = m.block(text, at, t)
		}
		return t
	}
	if m.credit <= 0 || !m.mayLearn(outline, 1) {
		return nil
	}
	if t = m.learn(text[at : at+n]); t == nil {
		m.mayLearn(outline, dearLesson-1)
		return nil
	}
	t.outline = outline
	m.add(t)
	return t
}

// block is a template of t's line at at and some behind it, of which nothing is open, or
// t.
func (m *machine) block(text []byte, at int, t *template) *template {
	n := t.n
	for range mostLines {
		more := bytes.IndexByte(text[at+n:], '\n') + 1
		if n += more; more == 0 || n > longestLine || m.credit <= 0 {
			break
		}
		if b := m.learn(text[at : at+n]); b != nil && b.closed(text, at+n) {
			b.outline = t.outline
			m.add(b)
			return b
		}
	}
	return t
}

// crosses notes whether a match of r, which begins and ends there, has to do with places
// that were passed over. Its word ends at hit.
func (m *machine) crosses(r *rule, hit, start, end int) {
	n := sort.Search(len(m.fresh), func(i int) bool { return m.fresh[i].end >= hit })
	if n == len(m.fresh) || start >= m.fresh[n].start && end <= m.fresh[n].end {
		return
	}
	n = sort.Search(len(m.passed), func(i int) bool { return m.passed[i].at+m.passed[i].n > start })
	for ; n < len(m.passed) && m.passed[n].at < end && !m.crossed; n++ {
		_, m.crossed = slices.BinarySearch(m.passed[n].rules, r.index)
	}
}
