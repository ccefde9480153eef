// Package view undoes encodings: it gives a batch the texts that its bytes
// mean, each with a map back to the bytes as read.
//
// The promise: whatever was written through up to maxRounds rounds of backslash
// escapes, percent escapes, colour codes, base64 and hex, in any order, stands
// in clear in one of the views, and Spans leads from it to exactly the raw bytes
// that hold it. The cost is linear: a line without a trigger is only looked over,
// and no line may cost more than lineFactor times its length in memory. A line
// that would is named by Expand, so that its caller can withhold it.
//
// The limits: a view holds whole lines, each with its own changes, one after
// the other; lines that stand apart in the batch are neighbours there. Base64
// and hex are kept where they decode to text, at least shortestText bytes of
// it; one that is wrapped over several lines is decoded line by line. Octal
// escapes, HTML entities and quoted-printable are not undone.
package view

import (
	"bytes"
	"slices"
	"sync"

	"sluice/internal/record"
	"sluice/internal/recycle"
)

const (
	// maxRounds bounds how deep encodings are undone: JSON in a string of JSON
	// that holds base64 of JSON takes four.
	maxRounds = 4
	// maxPacked bounds the rounds of base64 and hex among them.
	maxPacked = 3
	// maxSame bounds the rounds of one other kind among them: an escaped text
	// inside an escaped text is common, three deep was never seen.
	maxSame = 2
	// lineFactor bounds the memory of a line's views, as a multiple of its length.
	// The heaviest line of gateways' logs takes 4 times its length, JSON of one-letter
	// names that is escaped twice 9 times.
	lineFactor = 24
	// lineFloor is what a line may take in any case, in bytes, so that a short one
	// is not over its bound by a segment or two.
	lineFloor = 8 * segSize
	segSize   = 16 // bytes of a record.Seg
)

// Expand appends to b.Views what b.Text, and the views that b has already,
// mean. It returns the raw spans of the lines that it did not undo whole, for
// the caller to withhold: what was not examined is not clean. The spans are
// those of whole lines, ascending for each text looked at.
func Expand(b *record.Batch) []record.Span {
	given := len(b.Views)
	over, free := Lend(b)
	defer free()
	for i := given; i < len(b.Views); i++ {
		v := &b.Views[i]
		v.Text, v.Map = bytes.Clone(v.Text), slices.Clone(v.Map)
	}
	return over
}

// Lend is Expand for a caller that is soon done with the views: their texts and
// maps are lent to the batch until free is called, which is once at most and
// from when on nobody may read them, nor what aliases them (a match's secret).
// Without free they are garbage like any other.
func Lend(b *record.Batch) (over []record.Span, free func()) {
	if len(b.Text) > record.MaxMapped {
		b.Views = nil
		return []record.Span{{Start: 0, End: len(b.Text)}}, func() {}
	}
	return scratch.Get().(*expander).lend(b)
}

// lend is Lend with e's memory.
func (e *expander) lend(b *record.Batch) (over []record.Span, free func()) {
	given := len(b.Views)
	e.text(b)
	for i := range b.Views[:given] {
		e.view(&b.Views[i])
	}
	slices.SortStableFunc(e.nodes, func(x, y *node) int { return x.depth - y.depth })
	for _, n := range e.nodes {
		if len(n.text) > 0 {
			b.Views = append(b.Views, record.View{Kind: n.kind, Text: n.text, Map: n.segs})
		}
	}
	return e.over, e.free
}

// scratch keeps expanders: views grow in memory that is there already.
var scratch = sync.Pool{New: func() any { return new(expander) }}

const (
	// maxSpare bounds what an expander keeps for a text or a map, bytes: the map of
	// a batch of escaped JSON takes four times its text.
	maxSpare = 4 << 20
	// maxKept bounds what it keeps of all.
	maxKept = 16 << 20
)

// free makes e ready for another batch. It keeps memory, and nothing that a batch
// has; what it lent is spoilt in tests.
func (e *expander) free() {
	for _, n := range e.nodes {
		recycle.Spoil(n.text)
		recycle.SpoilEach(n.segs, record.Seg{})
		*n = node{builder: builder{text: n.text[:0], segs: n.segs[:0]}}
	}
	slices.Reverse(e.nodes) // the next batch's first text is like this one's, and gets its memory
	e.spare = append(e.spare, e.nodes...)
	kept := 0
	for _, n := range slices.Backward(e.spare) {
		text, segs := cap(n.text), cap(n.segs)*segSize
		if kept += text; text > maxSpare || kept > maxKept {
			n.text, kept = nil, kept-text
		}
		if kept += segs; segs > maxSpare || kept > maxKept {
			n.segs, kept = nil, kept-segs
		}
	}
	clear(e.nodes)
	if cap(e.ends) > maxSpare/endsSize {
		e.ends = nil
	}
	if cap(e.marks) > maxSpare/markSize {
		e.marks = nil
	}
	if cap(e.units) > maxSpare/segSize { // a line of nothing but units; starts are fewer bytes
		e.units, e.starts, e.backslashes = nil, nil, nil
	}
	*e = expander{
		nodes: e.nodes[:0], spare: e.spare, room: e.room[:0], ends: e.ends[:0], marks: e.marks[:0], found: e.found[:0], units: e.units[:0],
		starts: e.starts[:0], backslashes: e.backslashes[:0],
	}
	scratch.Put(e)
}

// round is one encoding undone.
type round uint8

const (
	ansi round = iota // undone in this order where one line has several
	escape
	percent
	base64
	hex
	rounds
)

var roundNames = [rounds]record.Encoding{record.ANSI, record.JSON, record.Percent, record.Base64, record.Hex}

// node is a text in the tree of rounds: the batch's own, or one made from its
// parent's lines. A parent's text does not change while its children grow, as
// a node is never its own ancestor.
type node struct {
	builder
	kind  record.Encoding
	depth int
	last  round // that made it; rounds for a root
	raw   bool  // text is Batch.Text: no segments, positions are raw
	count [rounds]uint8
	kids  [rounds]*node
}

// allows says whether a round may follow on n.
func (n *node) allows(r round) bool {
	if n.depth >= maxRounds {
		return false
	}
	if r >= base64 {
		return n.count[base64]+n.count[hex] < maxPacked
	}
	return n.count[r] < maxSame
}

// wantsNew says whether only changes that touch what n's own round changed are
// worth a line: all others were made on n's parent already, and this order of
// two rounds gives what the other order gives.
func (n *node) wantsNew(r round) bool {
	if r >= base64 {
		return !n.raw
	}
	return n.last != rounds && n.last < base64 && r <= n.last
}

// expander holds one call of Expand.
type expander struct {
	nodes []*node // all but the roots
	spare []*node // empty ones
	room  []stretch
	over  []record.Span
	spent int // memory of the views of the line in hand
	limit int
	rowFinder
	ends  []ends // of Batch.Text
	marks []mark // of Batch.Text
	seen  int    // ends before it are before the line in hand
	first int    // what is before it in the line of Batch.Text in hand is no unit
	// Triggers in the line of Batch.Text in hand.
	starts, backslashes []int32
	found               []ends  // of a line of a node
	units               []found // of a round in the line of Batch.Text in hand
	doubt               traits  // what lines are taken to have besides: nothing, except in tests
}

// text expands Batch.Text line by line: up to a line end, or to the end of a
// record, since records may be parts of messages that have nothing to do with
// one another.
func (e *expander) text(b *record.Batch) {
	root := &node{builder: builder{text: b.Text}, last: rounds, raw: true}
	e.look(b.Text)
	record := 0
	for lo := 0; lo < len(b.Text); {
		at := lo
		if e.doubt == 0 {
			at = e.next(b.Text, lo)
		}
		if at == len(b.Text) {
			return
		}
		// A line ends with its record: messages have no line ends of their own.
		for record < len(b.Records) && b.Records[record].End <= at {
			lo = max(lo, b.Records[record].End)
			record++
		}
		end := len(b.Text)
		if record < len(b.Records) {
			end = min(end, b.Records[record].End)
		}
		lo = e.begin(lo, at)
		hi, may := e.rest(b.Text, at, end)
		e.first = at
		if !e.root(root, lo, hi, 0, may|e.doubt) {
			e.over = appendSpan(e.over, 0, lo, hi)
		}
		lo = hi
	}
}

// view expands a view that the batch came with.
func (e *expander) view(v *record.View) {
	root := &node{builder: builder{text: v.Text, segs: v.Map}, kind: v.Kind, last: rounds}
	seg := 0
	for lo := 0; lo < len(v.Text); {
		hi := lineEnd(v.Text, lo)
		for seg < len(v.Map) && v.Map[seg].End() <= lo {
			seg++
		}
		if !e.root(root, lo, hi, seg, anything) {
			e.over = Spans(e.over, v, lo, hi)
		}
		lo = hi
	}
}

func lineEnd(text []byte, lo int) int {
	if i := bytes.IndexByte(text[lo:], '\n'); i >= 0 {
		return lo + i + 1
	}
	return len(text)
}

// root expands one line of a root and says whether that was done whole.
func (e *expander) root(n *node, lo, hi, seg int, may traits) bool {
	e.spent, e.limit = 0, lineFactor*(hi-lo)+lineFloor
	e.line(n, lo, hi, seg, may)
	return e.spent <= e.limit
}

// line makes the children of n's bytes [lo,hi) and theirs; seg is the segment
// that holds lo, and may what the line can have.
func (e *expander) line(n *node, lo, hi, seg int, may traits) {
	for r := ansi; r < base64; r++ {
		if may&(1<<r) == 0 || !n.allows(r) || e.spent > e.limit {
			continue
		}
		if n.raw {
			e.rewriteRaw(n, r, lo, hi, may)
		} else {
			e.rewrite(n, r, lo, hi, seg, may)
		}
	}
	if may&packedRuns != 0 && n.allows(base64) && e.spent <= e.limit {
		e.unpack(n, lo, hi, seg)
	}
}

// kid is n's child by round r, made when it is first needed.
func (e *expander) kid(n *node, r round) *node {
	if k := n.kids[r]; k != nil {
		return k
	}
	k := new(node)
	if last := len(e.spare) - 1; last >= 0 {
		k, e.spare = e.spare[last], e.spare[:last]
	}
	k.kind, k.depth, k.last, k.count = roundNames[r], n.depth+1, r, n.count
	if n.kind != "" {
		k.kind = n.kind + "+" + k.kind
	}
	k.count[r]++
	n.kids[r] = k
	e.nodes = append(e.nodes, k)
	return k
}

// finish counts what a line added to k since (text, seg) and goes on from there
// with what that can have.
func (e *expander) finish(k *node, text, seg int, may traits) {
	if last := len(k.text) - 1; k.text[last] != '\n' {
		k.separate()
	}
	e.spent += len(k.text) - text + (len(k.segs)-seg)*segSize
	if e.spent > e.limit {
		k.cut(text, seg)
		return
	}
	e.line(k, text, len(k.text), seg, may|e.doubt)
}
