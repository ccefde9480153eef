package virtualkey

import (
	"bytes"
	"crypto/sha256"
	"unicode/utf8"

	"sluice/internal/record"
)

const (
	minHead     = 6      // characters behind the prefix that make a cut key one
	minShown    = 8      // of head and tail together, with a tail
	minBareHead = 16     // without a cut mark
	maxTail     = maxKey // longer runs behind a mark are something else
)

// formAt reports the unknown or the cut key that begins at start, where a
// prefix stands with no key character before it.
func (s *scan) formAt(start, hi int) {
	begin := start + len(DefaultPrefix)
	end := run(s.text, begin, min(hi, begin+maxKey+1), keyByte)
	head := s.text[begin:end]
	switch {
	case end <= s.covered || len(head) > maxKey:
	case len(head) == formLen && is(head[formLen-1], lastByte):
		if !placeholder(head) {
			s.unknown(start, end)
		}
	default:
		s.partial(start, end, hi)
	}
}

// unknown reports text[start:end), which has the default form. Whose it is the
// gateway may know by its hash.
func (s *scan) unknown(start, end int) {
	var f found
	switch ok := s.try(&f, start, end); {
	case !ok:
		s.withhold(start, end)
	case f.end > 0:
		s.addKey(f, start)
	default:
		s.add(record.Match{
			Rule: RuleVirtual, Whole: true,
			Hash: sha256.Sum256(s.text[start:end]),
		}, start, end)
	}
}

// partial reports the key that begins at start and whose first run of
// characters ends at end, if it was cut there and enough of it shows. The span
// reaches over the cut mark to the end of the tail.
func (s *scan) partial(start, end, hi int) {
	head := s.text[start+len(DefaultPrefix) : end]
	if isForeign(head) {
		return
	}
	mark, ok := cutMark(s.text, end, hi)
	if !ok {
		if bareEnd(s.text, end, hi) && randomHead(head) {
			s.addPartial(head, nil, start, end)
		}
		return
	}
	tail := s.text[mark:run(s.text, mark, min(hi, mark+maxTail+1), keyByte)]
	if len(tail) > maxTail || bytes.HasPrefix(tail, []byte(DefaultPrefix)) {
		tail = nil
	}
	last := end
	if len(tail) > 0 {
		last = mark + len(tail)
	}
	if !endsForm(tail, len(head)) {
		tail = nil // a word behind the dots, or a custom key: it goes, uncounted
	}
	if enoughShown(head, tail) {
		s.addPartial(head, tail, start, last)
	}
}

// endsForm says that tail can be the end of a default key that begins with a
// head of so many characters.
func endsForm(tail []byte, head int) bool {
	return len(tail) > 0 && is(tail[len(tail)-1], lastByte) && head+len(tail) < formLen
}

// enoughShown says that what shows is more than an innocent mask, and no
// placeholder.
func enoughShown(head, tail []byte) bool {
	if len(head) >= minHead {
		return !placeholder(head)
	}
	if len(tail) == 0 || len(head)+len(tail) < minShown {
		return false
	}
	var shown [formLen]byte
	return !placeholder(append(append(shown[:0], head...), tail...))
}

// addPartial reports text[start:end) as a cut key.
func (s *scan) addPartial(head, tail []byte, start, end int) {
	m := record.Match{Rule: RulePartial, Shown: len(head) + len(tail), BitsLeft: bitsLeft(len(head), len(tail))}
	m.Severity = severityOf(m.BitsLeft)
	if len(head) >= formLen { // longer than the default: nobody can say what is missing
		m.Severity = record.SeverityHigh
	}
	if len(tail) >= 4 {
		m.Hint = string(tail[len(tail)-4:])
	}
	s.add(m, start, end)
}

// bitsLeft are the bits of a default key that a head and a tail do not show.
func bitsLeft(head, tail int) int {
	left := formBits - charBits*(head+tail)
	if tail > 0 {
		left += charBits - lastBits
	}
	return max(left, 0)
}

// cutMark says whether a cut mark stands at at, and where a tail would begin.
// Behind a bracket ("[truncated]") there is none.
func cutMark(text []byte, at, end int) (tail int, ok bool) {
	if at == end {
		return at, false
	}
	switch text[at] {
	case '[', '(', '<':
		return at, markRun(text, at+1, end) > at+1 || saysCut(text[at+1:end])
	}
	tail = markRun(text, at, end)
	return tail, tail > at
}

// markRun is the end of the dots and stars that begin at at, or at if they are
// too few: a dot or two end a sentence.
func markRun(text []byte, at, end int) int {
	dots, i := 0, at
	for i < end {
		r, size := utf8.DecodeRune(text[i:end])
		switch r {
		case '.':
			dots++
		case '*', '…', '•', '●', '█':
			dots += 3
		default:
			size = 0
		}
		if size == 0 {
			break
		}
		i += size
	}
	if dots < 3 {
		return at
	}
	return i
}

// saysCut says that a bracket opens with a word about something left out.
func saysCut(text []byte) bool {
	for _, word := range [...]string{"truncated", "redacted", "masked", "hidden", "snip", "cut"} {
		if len(text) >= len(word) && bytes.EqualFold(text[:len(word)], []byte(word)) {
			return true
		}
	}
	return false
}

// bareEnd says that a value ends at at, for all the text shows: at its end, or
// before a space, a quote, a bracket that closes, a sign between values, an
// escape for one of these, or the full stop of a sentence.
func bareEnd(text []byte, at, end int) bool {
	if at == end {
		return true
	}
	next := byte(' ')
	if at+1 < end {
		next = text[at+1]
	}
	switch text[at] {
	case ' ', '\t', '\r', '\n', '"', '\'', '`', ',', ';', '&', '|', ')', ']', '}', '<', '>':
		return true
	case '\\':
		return bytes.IndexByte([]byte(`nrt"'\`), next) >= 0
	case '.':
		return next == ' ' || !is(next, headerByte)
	}
	return false
}

// randomHead says that a run of characters which no mark cuts is the beginning
// of a default key all the same: nearly all of one, and mixed as only random
// text is.
func randomHead(head []byte) bool {
	if len(head) < minBareHead || len(head) >= formLen {
		return false
	}
	var upper, lower, digit bool
	for _, c := range head {
		switch {
		case 'A' <= c && c <= 'Z':
			upper = true
		case 'a' <= c && c <= 'z':
			lower = true
		case '0' <= c && c <= '9':
			digit = true
		}
	}
	return upper && lower && digit && !placeholder(head)
}
