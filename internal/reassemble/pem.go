package reassemble

import (
	"bytes"
	"slices"

	"sluice/internal/lines"
	"sluice/internal/record"
)

var (
	pemBegin = []byte("-----BEGIN ")
	pemEnd   = []byte("-----END ")
	pemKey   = []byte("PRIVATE KEY")
)

// A line of a PEM block has 64 or 76 characters; some writers use one long line.
const maxPEMLine = 8 << 10

// maxLook is how many records back the last one of a quiet stream is looked for.
const maxLook = 64

// holdFrom is the first record that has to wait; len(b.Records) if none has.
func (s *Stream) holdFrom(b *record.Batch) int {
	n := len(b.Records)
	if n == 0 {
		return 0
	}
	from := min(s.openPEM(b), s.openFrame(b))
	if from < n && len(b.Text)-b.Records[from].Start > MaxHeld {
		s.giveUp(b)
		from = n
	}
	if s.hold == nil || b.Records[n-1].More {
		return from
	}
	from = min(from, s.heldAt(b, len(b.Text)))
	// What waits begins with a whole record, so a secret that ends in that
	// record must not lose its beginning: look again at where the cut came to be.
	for from > 0 && from < n {
		i := s.heldAt(b, b.Records[from].Start)
		if i >= from {
			break
		}
		from = i
	}
	return from
}

// heldAt is the record in which a secret begins that could go on behind byte
// at; len(b.Records) if there is none, or if that would be too much to hold.
func (s *Stream) heldAt(b *record.Batch, at int) int {
	tail := b.Text[max(at-MaxLead, b.Lead):at]
	h := min(s.hold(tail), len(tail))
	if h <= 0 {
		return len(b.Records)
	}
	i := recordOf(b.Records, at-h)
	if len(b.Text)-b.Records[i].Start > MaxHeld {
		return len(b.Records)
	}
	return i
}

// giveUp withholds what b has of a block that is open at its end, since no
// detector can judge a key without its end; the rest follows in later batches.
func (s *Stream) giveUp(b *record.Batch) {
	for i := s.openPEM(b) + 1; i < len(b.Records); i++ {
		if len(bytes.TrimSpace(s.inner(b, i))) > 0 {
			b.Records[i].Withhold, s.pem = true, true
		}
	}
}

// goOn withholds the rest of a block that was given up, to its end.
func (s *Stream) goOn(b *record.Batch) {
	for i := 0; s.pem && i < len(b.Records); i++ {
		line := s.inner(b, i)
		s.pem = pemLine(line)
		b.Records[i].Withhold = s.pem || bytes.Contains(line, pemEnd)
	}
}

// withholdOpenKeys withholds the parts of messages that end inside a private
// key: its rest may be in the next message, where no detector looks for it.
func withholdOpenKeys(b *record.Batch) {
	if !begins(b.Text) {
		return // many times as fast as to look from the end, and nearly always so
	}
	for i := range b.Records {
		part := b.Text[b.Records[i].Start:b.Records[i].End]
		at := bytes.LastIndex(part, pemBegin)
		if at < 0 || !keyHeader(part[at:]) || bytes.Contains(part[at:], pemEnd) {
			continue
		}
		open := true
		for n, line := range bytes.Split(part[at:], []byte{'\n'}) {
			open = open && (n == 0 || pemLine(line))
		}
		if open && bytes.IndexByte(part[at:], '\n') >= 0 {
			b.Records[i].Withhold = true
		}
	}
}

// begins says whether pemBegin may stand in text. It looks for what follows the
// dashes, since logs have a dozen dashes for each B.
func begins(text []byte) bool { return bytes.Contains(text, pemBegin[len("-----"):]) }

// openPEM is the record in which a private key begins that b doesn't end;
// len(b.Records) if there is none.
func (s *Stream) openPEM(b *record.Batch) int {
	n, text := len(b.Records), b.Text[b.Lead:]
	if n == 0 || !s.mayBeOpen(b) || !begins(text) {
		return n // many times as fast as to look from the end, and nearly always so
	}
	at := bytes.LastIndex(text, pemBegin)
	if at < 0 || !keyHeader(text[at:]) || bytes.Contains(text[at:], pemEnd) {
		return n
	}
	from := recordOf(b.Records, b.Lead+at)
	for i := from + 1; i < n; i++ {
		if !pemLine(s.inner(b, i)) {
			return n
		}
	}
	return from
}

// mayBeOpen says that a key's block can be open behind the last record: that it
// begins there, or goes on. So much tells one line, nearly always.
func (s *Stream) mayBeOpen(b *record.Batch) bool {
	last := len(b.Records) - 1
	return pemLine(s.inner(b, last)) || begins(b.Text[b.Records[last].Start:])
}

// inner is the text of a record, without the frame of a container runtime.
func (s *Stream) inner(b *record.Batch, i int) []byte {
	line := b.Text[b.Records[i].Start:b.Records[i].End]
	if s.framed {
		return lines.Unframe(line)
	}
	return line
}

// openFrame is the record in which a line begins whose pieces go on behind b;
// len(b.Records) if there is none. The last record of each stream tells.
func (s *Stream) openFrame(b *record.Batch) int {
	n := len(b.Records)
	if !s.framed {
		return n
	}
	var seen [2]bool
	for i := n - 1; i >= 0 && !(seen[0] && seen[1]); i-- {
		stream, partial, framed := lines.Partial(b.Text[b.Records[i].Start:b.Records[i].End])
		if framed && !seen[stream] && partial {
			probe := *b
			probe.Records, probe.Views = slices.Clone(b.Records), nil
			return lines.Frames(&probe)
		}
		seen[stream] = seen[stream] || framed
		if i < n-maxLook {
			break
		}
	}
	return n
}

// keyHeader says whether text begins a private key, its header's end included
// if it is there.
func keyHeader(text []byte) bool {
	head := text[:min(len(text), len(pemBegin)+64)]
	if i := bytes.IndexByte(head, '\n'); i >= 0 {
		head = head[:i]
	}
	return bytes.Contains(head, pemKey)
}

// pemLine says whether a line may stand inside a PEM block: base64, a header of
// an encrypted key, or nothing but space.
func pemLine(line []byte) bool {
	line = bytes.Trim(line, " \t\r\n\"',\\+|>")
	if len(line) > maxPEMLine {
		return false
	}
	if bytes.HasPrefix(line, []byte("Proc-Type:")) || bytes.HasPrefix(line, []byte("DEK-Info:")) {
		return true
	}
	for _, c := range line {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/', c == '=', c == '\\':
		default:
			return false
		}
	}
	return true
}

// recordOf is the record that holds byte at.
func recordOf(records []record.Record, at int) int {
	lo, hi := 0, len(records)-1
	for lo < hi {
		mid := (lo + hi) / 2
		if records[mid].End <= at {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
