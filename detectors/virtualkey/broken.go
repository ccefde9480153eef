package virtualkey

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"sluice/internal/record"
	"sluice/internal/view"
)

// maxIndent is how many blanks may stand before the rest of a broken key.
const maxIndent = 64

// broken finds the live key that begins at start, is cut by the end of the line
// and goes on in the next one, as terminals wrap it and prompts paste it. It has
// the characters of a default key; its rest is all that the next line begins
// with, or less. What it costs are the hashes of lengths that end like a name,
// and of the default one.
func (s *scan) broken(p *prefix, start, hi int) bool {
	head := run(s.text, start+len(p.text), min(hi, start+maxKey), keyByte)
	rest, ok := nextLine(s.text, head, hi)
	if !ok {
		return false
	}
	end := run(s.text, rest, min(hi, rest+maxKey), keyByte)
	if end == rest || end <= s.floor() {
		return false
	}
	n := head - start
	var room [2 * maxKey]byte
	whole := append(append(room[:0], s.text[start:head]...), s.text[rest:end]...)
	for size := min(len(whole), maxKey); size > max(n, len([4]byte{})); size-- {
		if tail := binary.LittleEndian.Uint32(whole[size-4:]); !s.d.suffixes.has(tail) && (!s.d.hides || size != formSize) {
			continue
		}
		if !s.budget.spend(start, len(s.d.prefixes)) {
			s.withhold(start, end)
			return true
		}
		hash := sha256.Sum256(whole[:size])
		if key, ok := s.d.keys.Lookup(hash); ok {
			s.addBroken(found{rest + size - n, hash, key}, start, head, rest, bytes.Clone(whole[:size]))
			return true
		}
	}
	return false
}

// addBroken reports the key in text[start:head) and text[rest:f.end). What lies
// in these may be another key all the same.
func (s *scan) addBroken(f found, start, head, rest int, secret []byte) {
	m := record.Match{Rule: RuleVirtual, Hash: f.hash, Whole: true}
	if f.key.Master {
		m.Rule = RuleMaster
	}
	spans := s.spans(nil, start, head)
	for _, raw := range s.spans(nil, rest, f.end) {
		spans = view.Add(spans, raw)
	}
	s.addSpans(m, spans, secret, record.Split)
}

// nextLine is where the text goes on behind the line end at at and an indent.
func nextLine(text []byte, at, hi int) (int, bool) {
	if at < hi && text[at] == '\r' {
		at++
	}
	if at >= hi || text[at] != '\n' {
		return 0, false
	}
	at++
	for blanks := 0; at < hi && blanks < maxIndent && (text[at] == ' ' || text[at] == '\t'); blanks++ {
		at++
	}
	return at, at < hi
}

// Hold is how many bytes at the end of text, which is usually whole lines, may
// be the head of a key that the line end broke: the beginning of it is not to be
// passed on before the rest is there.
func (d *Detector) Hold(text []byte) int {
	if d.suffixes.n == 0 && !d.hides {
		return 0 // nothing to find
	}
	end := len(bytes.TrimRight(text, "\r\n"))
	start := end
	for start > 0 && end-start < formSize && is(text[start-1], keyByte) {
		start--
	}
	if end == len(text) || end-start >= formSize {
		return 0
	}
	for i := range d.prefixes {
		if bytes.HasPrefix(text[start:end], d.prefixes[i].text) {
			return len(text) - start
		}
	}
	return 0
}
