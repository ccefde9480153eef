package file

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"time"

	"sluice/internal/record"
)

// segment is a stretch of a generation that was read, is read or will be. The
// segments of a chain stand in the order of reading: what stands before the one
// that a mark names is delivered, what stands behind is not.
type segment struct {
	chain *chain
	Epoch int64 `json:"epoch"` // Mark.Epoch of its batches; 0: none yet
	Head  int64 `json:"head"`  // of what is known of its first bytes
	Start int64 `json:"start"`
	End   int64 `json:"end"`            // -1: it is not read to its end
	Tail  int64 `json:"tail,omitempty"` // tailOf before End, before Start while there is none
	Skip  bool  `json:"skip,omitempty"` // it is not read: it was there before the first start
	fileID
	// An offset and base together are a place among all that the chain emitted,
	// once something of the segment was.
	base  int64
	begun bool
}

// everything is the End of what is not to be read, however long it is.
const everything = 1<<63 - 1

func (s *segment) changed() { s.chain.f.dirty.Store(true) }

// end closes a segment at what was emitted.
func (s *segment) end(g *generation) {
	s.End, s.Tail = g.sent, tailOf(g.tail)
	s.changed()
}

// keepSegments is how many segments a chain remembers at least: those whose
// files are still there, and all that may not be delivered, are remembered too.
const keepSegments = 64

// prune forgets segments whose files are gone.
func (c *chain) prune(there map[*segment]bool) {
	if len(c.segs) <= keepSegments {
		return
	}
	old := len(c.segs) - keepSegments
	if i := c.segmentOf(c.committed); i >= 0 {
		old = min(old, i)
	}
	n := 0
	c.segs = slices.DeleteFunc(c.segs, func(s *segment) bool {
		n++
		return n <= old && !there[s] && s.End >= 0
	})
	c.f.dirty.Store(true)
}

// segmentOf is the place of the last segment with this epoch; -1: there is none.
func (c *chain) segmentOf(epoch int64) int {
	for i := len(c.segs) - 1; i >= 0; i-- {
		if epoch != 0 && c.segs[i].Epoch == epoch {
			return i
		}
	}
	return -1
}

// epoch is a Mark.Epoch that no other generation of the chain has.
func (c *chain) epoch(head int64) int64 {
	for c.segmentOf(head) >= 0 {
		head = (head>>lenBits + 1) << lenBits // names no content any more
	}
	return head
}

// savedState is State as JSON.
type savedState struct {
	Version int           `json:"version"`
	Streams []savedStream `json:"streams"`
}

type savedStream struct {
	Stream   []byte     `json:"stream"` // file names need not be UTF-8
	Seen     time.Time  `json:"seen"`   // when it was there last
	Segments []*segment `json:"segments"`
}

const stateVersion = 1

// load reads what an earlier source has left. What it cannot read is as if it
// were not there.
func (f *follower) load() {
	f.marks = map[string]record.Mark{}
	for _, m := range f.cfg.Marks {
		f.marks[m.Stream] = m
	}
	f.saved = map[string]savedStream{}
	var in savedState
	if len(f.cfg.State) == 0 {
		return
	}
	if err := json.Unmarshal(f.cfg.State, &in); err != nil || in.Version != stateVersion {
		f.cfg.Log.Warn("the state of followed files is not used: it is of another version", "err", err)
		return
	}
	now := f.now()
	for _, s := range in.Streams {
		if now.Sub(s.Seen) < forgetAfter {
			f.saved[string(s.Stream)] = s
		}
	}
}

// state is what Source.State gives.
func (f *follower) state() json.RawMessage {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.encoded != nil && !f.dirty.Swap(false) {
		return f.encoded
	}
	f.dirty.Store(false)
	out := savedState{Version: stateVersion, Streams: []savedStream{}}
	for stream, s := range f.saved {
		if f.chains[filepath.Clean(stream)] == nil {
			out.Streams = append(out.Streams, s)
		}
	}
	now := f.now().UTC().Truncate(time.Second)
	for _, c := range f.chains {
		c.mu.Lock()
		out.Streams = append(out.Streams, c.kept(now))
		c.mu.Unlock()
	}
	slices.SortFunc(out.Streams, func(a, b savedStream) int { return slices.Compare(a.Stream, b.Stream) })
	text, err := json.Marshal(out)
	if err != nil {
		return f.encoded // no value here can fail
	}
	f.encoded = text
	return text
}
