package report

import (
	"cmp"
	"container/heap"
	"hash/maphash"
	"slices"
	"strings"
	"sync"

	"sluice/internal/record"
)

// The bounds of a collection besides its number of findings.
const (
	maxContext = 512     // bytes of a context in a file report
	maxOrigin  = 4096    // bytes of a source's name, what a path may have
	maxSeen    = 100_000 // secrets in sources, to tell first from repeated
	maxUpdates = 10_000  // owners that were found out later
)

// Collection keeps findings for formats that are written at the end. It holds
// at most a given number: when there are more, the least severe go first, and
// among equals those that repeat a secret their source has shown already. What
// was left out is counted. It is safe for concurrent use.
//
// A finding takes about 1 KiB. Its strings are visible and clipped, but for
// Origin.Name, which reports turn into a path or a URI.
type Collection struct {
	limit int
	seed  maphash.Seed

	mu      sync.Mutex
	kept    worstFirst
	seen    map[uint64]struct{}
	updates map[keyID]record.Finding
	added   int64
	left    int64
}

// keyID names a secret within a run.
type keyID struct {
	rule  string
	print [8]byte
}

// item is a finding in the order of its worth.
type item struct {
	record.Finding
	worth  int // severity; 0: known
	repeat bool
	n      int64 // order of arrival
}

// NewCollection keeps up to limit findings.
func NewCollection(limit int) *Collection {
	return &Collection{
		limit:   limit,
		seed:    maphash.MakeSeed(),
		seen:    map[uint64]struct{}{},
		updates: map[keyID]record.Finding{},
	}
}

// Add takes the findings of ds.
func (c *Collection) Add(ds []record.Delivery) { c.addAll(ds, false) }

// AddNew takes the findings of ds that are not known, for formats that have no
// way to say so.
func (c *Collection) AddNew(ds []record.Delivery) { c.addAll(ds, true) }

func (c *Collection) addAll(ds []record.Delivery, onlyNew bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range ds {
		for j := range ds[i].Findings {
			if f := &ds[i].Findings[j]; !onlyNew || !f.Known {
				c.add(f)
			}
		}
	}
}

func (c *Collection) add(f *record.Finding) {
	if f.Update {
		if id := (keyID{f.Rule, f.Print}); len(c.updates) < maxUpdates {
			c.updates[id] = record.Finding{Key: visibleKey(f.Key), LiveAtTime: f.LiveAtTime, Severity: f.Severity}
		}
		return
	}
	it := item{worth: int(f.Severity), n: c.added, repeat: c.repeats(f)}
	if f.Known {
		it.worth = 0
	}
	c.added++
	if len(c.kept) == c.limit {
		c.left++
		if c.limit == 0 || worse(&it, c.kept[0]) {
			return
		}
		heap.Pop(&c.kept)
	}
	it.Finding = visible(f)
	heap.Push(&c.kept, &it)
}

// repeats says whether the source has shown the secret before. Two secrets may
// hash alike: the order of what is left out is all that hangs on it.
func (c *Collection) repeats(f *record.Finding) bool {
	id := maphash.Comparable(c.seed, struct {
		keyID
		record.Origin
	}{keyID{f.Rule, f.Print}, f.Origin})
	if _, ok := c.seen[id]; ok {
		return true
	}
	if len(c.seen) < maxSeen {
		c.seen[id] = struct{}{}
	}
	return false
}

// Findings are those kept, by source and position, with the owners that were
// found out later; left counts the others.
func (c *Collection) Findings() (kept []record.Finding, left int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	items := slices.Clone(c.kept)
	slices.SortFunc(items, func(a, b *item) int {
		return cmp.Or(
			strings.Compare(a.Origin.Kind, b.Origin.Kind),
			strings.Compare(a.Origin.Name, b.Origin.Name),
			strings.Compare(a.Origin.Stream, b.Origin.Stream),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Offset, b.Pos.Offset),
			cmp.Compare(a.Pos.Column, b.Pos.Column),
			strings.Compare(a.Rule, b.Rule),
			cmp.Compare(a.n, b.n),
		)
	})
	kept = make([]record.Finding, len(items))
	for i, it := range items {
		kept[i] = it.Finding
		if u, ok := c.updates[keyID{it.Rule, it.Print}]; ok {
			kept[i].Key, kept[i].LiveAtTime = u.Key, u.LiveAtTime
			kept[i].Severity = max(kept[i].Severity, u.Severity)
		}
	}
	return kept, c.left
}

// visible is f with bounded strings that show, sharing those that are so
// already.
func visible(f *record.Finding) record.Finding {
	v := *f
	v.Context = Context(f, maxContext)
	v.Origin = record.Origin{Kind: Short(f.Origin.Kind), Name: Clip(f.Origin.Name, maxOrigin), Stream: Short(f.Origin.Stream)}
	v.Rule, v.Name, v.Preview = Short(f.Rule), Short(f.Name), Short(f.Preview)
	v.Encoding, v.KnownBy = record.Encoding(Short(string(f.Encoding))), Clip(Visible(f.KnownBy), maxPath)
	v.Key = visibleKey(f.Key)
	v.BaselineID = "" // a baseline is written from deliveries, not from reports
	return v
}

func visibleKey(k *record.KeyInfo) *record.KeyInfo {
	if k == nil {
		return nil
	}
	v := *k
	for _, s := range []*string{&v.Gateway, &v.Alias, &v.Name, &v.TeamID, &v.TeamAlias, &v.UserID} {
		*s = Short(*s)
	}
	v.State = record.KeyState(Short(string(k.State)))
	if v == *k {
		return k
	}
	return &v
}

// worse says that a is to be left out before b.
func worse(a, b *item) bool {
	switch {
	case a.worth != b.worth:
		return a.worth < b.worth
	case a.repeat != b.repeat:
		return a.repeat
	}
	return a.n > b.n
}

// worstFirst is a heap with what is left out next on top.
type worstFirst []*item

func (h worstFirst) Len() int           { return len(h) }
func (h worstFirst) Less(i, j int) bool { return worse(h[i], h[j]) }
func (h worstFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *worstFirst) Push(x any)        { *h = append(*h, x.(*item)) }
func (h *worstFirst) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return x
}
