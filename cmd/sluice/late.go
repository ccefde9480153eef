package main

import (
	"bytes"
	"hash/maphash"
	"log/slog"
	"sort"
	"sync"
	"time"

	"sluice/detectors/virtualkey"
	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/internal/view"
)

const (
	// maxLate bounds the lines that wait for a snapshot, in bytes. The oldest go
	// first, and are counted.
	maxLate = 4 << 20
	// lateOverhead is what a line costs beside its text.
	lateOverhead = 256
	// lateWord is how much of what may be a key tells it from others.
	lateWord = 256
	// maxLateWords bounds the new words of one line, and of one batch twenty times
	// that: a line of nothing but prefixes is nobody's key.
	maxLateWords = 64
)

// late examines lines again with each new snapshot of keys. A key of its user's
// own making has no form by which it could be known: one that is printed before
// the gateway was read for the first time, or between its making and the next
// refresh, is an innocent word until then. So of each word that begins like a
// key, and was not found to be one, a line is kept, in memory and nowhere else,
// until a snapshot that was taken later has been asked. Redaction comes too late
// for such a line; the alert does not.
//
// It is the last of the detectors, sees what the others found and finds nothing.
type late struct {
	detection *detection
	prefixes  [][]byte
	log       *slog.Logger
	seed      maphash.Seed

	mu      sync.Mutex
	met     map[uint64]bool // keyed hashes of word and place
	lines   []lateLine      // oldest first
	bytes   int
	dropped int
}

// lateLine is a line that may hold a key. Its text is a copy.
type lateLine struct {
	origin record.Origin
	text   []byte
	rec    record.Record
	parts  bool  // of a message, see Batch.Messages
	starts []int // of the words, in text
	words  []uint64
	at     time.Time // when it was read
}

func newLate(d *detection, log *slog.Logger) *late {
	l := &late{detection: d, log: log, seed: maphash.MakeSeed(), met: map[uint64]bool{}}
	for _, p := range d.prefixes {
		l.prefixes = append(l.prefixes, []byte(p))
	}
	if len(l.prefixes) == 0 {
		l.prefixes = [][]byte{[]byte(virtualkey.DefaultPrefix)}
	}
	return l
}

// Detect implements pipeline.Detector.
func (l *late) Detect(dst []record.Match, b *record.Batch) []record.Match {
	left := 20 * maxLateWords
	for _, p := range l.prefixes {
		eachWord(b.Text, p, func(start, end int) {
			l.consider(dst, b, start, b.Text[start:end], &left)
		})
		for i := range b.Views {
			v := &b.Views[i]
			eachWord(v.Text, p, func(start, end int) {
				if spans := view.Spans(nil, v, start, start+len(p)); len(spans) > 0 {
					l.consider(dst, b, spans[0].Start, v.Text[start:end], &left)
				}
			})
		}
	}
	return dst
}

// eachWord calls f for what begins with the prefix and has more, up to a byte that
// ends words in logs. In the middle of a word ("task-7") no key begins.
func eachWord(text, prefix []byte, f func(start, end int)) {
	for at := 0; ; {
		i := bytes.Index(text[at:], prefix)
		if i < 0 {
			return
		}
		start := at + i
		at = start + len(prefix)
		if start > 0 && wordByte(text[start-1]) {
			continue
		}
		end := at
		for end < len(text) && end-start < lateWord && text[end] > ' ' && text[end] < 0x7f && bytes.IndexByte([]byte("\"'`\\"), text[end]) < 0 {
			end++
		}
		if end > at {
			f(start, end)
		}
	}
}

func wordByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
}

// consider keeps the line of a word that was not found to be a key. left is how
// many new words of the batch may still be considered.
func (l *late) consider(found []record.Match, b *record.Batch, start int, word []byte, left *int) {
	if start < b.Lead {
		return // it was considered with what came before
	}
	var h maphash.Hash
	h.SetSeed(l.seed)
	for _, part := range []string{b.Origin.Kind, b.Origin.Name, b.Origin.Stream} {
		_, _ = h.WriteString(part)
		_ = h.WriteByte(0)
	}
	_, _ = h.Write(word)
	sum := h.Sum64()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.met[sum] || isKey(found, start) {
		return
	}
	i := sort.Search(len(b.Records), func(i int) bool { return b.Records[i].End > start })
	if i == len(b.Records) || b.Records[i].Start > start {
		return
	}
	if *left--; *left < 0 {
		l.dropped++
		return
	}
	l.keep(b, &b.Records[i], start, sum)
}

// isKey says that a key was found at start: one that is known already, or will be
// asked for by its hash.
func isKey(found []record.Match, start int) bool {
	for i := range found {
		m := &found[i]
		if m.Hash == [32]byte{} || m.Rule == virtualkey.RulePartial || len(m.Spans) == 0 {
			continue
		}
		if m.Spans[0].Start <= start && start < m.Spans[len(m.Spans)-1].End {
			return true
		}
	}
	return false
}

// keep wants l.mu held.
func (l *late) keep(b *record.Batch, r *record.Record, start int, sum uint64) {
	text := b.Text[r.Start:r.End]
	if n := len(l.lines); n > 0 {
		last := &l.lines[n-1]
		if last.origin == b.Origin && bytes.Equal(last.text, text) {
			if len(last.starts) == maxLateWords {
				l.dropped++
				return
			}
			last.starts, last.words = append(last.starts, start-r.Start), append(last.words, sum)
			l.met[sum] = true
			return
		}
	}
	rec := *r
	rec.Start, rec.End = 0, r.Len()
	l.lines = append(l.lines, lateLine{
		origin: b.Origin, text: bytes.Clone(text), rec: rec, parts: b.Messages,
		starts: []int{start - r.Start}, words: []uint64{sum}, at: time.Now(),
	})
	l.met[sum] = true
	l.bytes += len(text) + lateOverhead
	for l.bytes > maxLate {
		l.forget(&l.lines[0])
		l.lines = l.lines[1:]
		l.dropped++
	}
}

// forget wants l.mu held.
func (l *late) forget(line *lateLine) {
	for _, w := range line.words {
		delete(l.met, w)
	}
	l.bytes -= len(line.text) + lateOverhead
	line.text = nil
}

// refreshed examines what waits with the keys that are here now, and lets go of
// what was read before asked, the moment at which the oldest of the gateways'
// answers was asked for; zero: one never answered.
func (l *late) refreshed(asked time.Time) []record.Delivery {
	l.mu.Lock()
	waiting, dropped := l.lines, l.dropped
	l.lines, l.bytes, l.dropped = nil, 0, 0
	clear(l.met)
	l.mu.Unlock()
	if dropped > 0 {
		l.log.Warn("lines that may hold keys were too many to wait for the gateway's keys: those are not examined again", "lines", dropped)
	}
	var out []record.Delivery
	var still []lateLine
	for i := range waiting {
		line := &waiting[i]
		d, found := l.examine(line)
		if found {
			out = append(out, d)
		} else if !line.at.Before(asked) {
			still = append(still, *line)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range still {
		for _, w := range still[i].words {
			l.met[w] = true
		}
		l.bytes += len(still[i].text) + lateOverhead
	}
	l.lines = append(still, l.lines...)
	return out
}

// examine is what a worker does with a batch. Of what it finds only keys that
// begin where a word was noted are news.
func (l *late) examine(line *lateLine) (d record.Delivery, found bool) {
	defer func() {
		if recover() != nil { // it did not before, with other keys; what was recovered may quote the line
			l.log.Error("a line could not be examined again", "source", line.origin.Name)
			d, found = record.Delivery{}, false
		}
	}()
	b := record.Batch{Origin: line.origin, Text: line.text, Records: []record.Record{line.rec}, Messages: line.parts}
	view.Expand(&b)
	var ms []record.Match
	for _, det := range l.detection.detectors() {
		if det != pipeline.Detector(l) {
			ms = det.Detect(ms, &b)
		}
	}
	news := map[[8]byte]bool{}
	for i := range ms {
		m := &ms[i]
		if m.Rule != virtualkey.RuleVirtual || !m.Whole || l.detection.owner(m.Hash) == nil {
			continue
		}
		for _, start := range line.starts {
			if m.Spans[0].Start == start {
				news[l.detection.redactor.Print(m.Secret)] = true
			}
		}
	}
	if len(news) == 0 {
		return record.Delivery{}, false
	}
	d = record.Delivery{Origin: line.origin}
	for _, f := range l.detection.redactor.Apply(&b, ms).Findings {
		if f.Rule == virtualkey.RuleVirtual && news[f.Print] {
			d.Findings = append(d.Findings, f)
		}
	}
	return d, len(d.Findings) > 0
}

// waiting is how many lines wait.
func (l *late) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lines)
}
