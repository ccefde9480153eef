package lines

import (
	"bytes"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"sluice/internal/record"
)

// Frames reads the records of b that a container runtime has framed: lines of
// Docker's json-file driver ({"log":"…\n","stream":"stderr","time":"…"}) and of
// the CRI (STAMP stderr F …). It appends one Framed view for each of stdout and
// stderr that b has, of the lines they mean, with the pieces of a long line
// joined; and gives those records without a time theirs.
//
// It returns the first record of a line that is not complete at the end of b,
// len(b.Records) if there is none: whoever can wait holds back from there on.
// Records of b.Text[:b.Lead] are not looked at, nor lines that were cut.
func Frames(b *record.Batch) (open int) {
	var streams [2]framed
	for i := range b.Records {
		r := &b.Records[i]
		line := b.Text[r.Start:r.End]
		f, ok := parseFrame(line)
		if !ok || r.More {
			continue
		}
		s := &streams[f.stream]
		if s.view.Text == nil {
			s.view.Text = make([]byte, 0, len(b.Text)-r.Start)
			s.view.Map = make([]record.Seg, 0, 4*(len(b.Records)-i)) // a line, its end, two escapes
		}
		if !s.add(line, r.Start, f) {
			continue
		}
		if r.Time.IsZero() {
			r.Time = f.time
		}
		if f.partial && !s.partial {
			s.first = i
		}
		s.partial = f.partial
	}
	open = len(b.Records)
	for _, s := range streams {
		if len(s.view.Text) > 0 {
			s.view.Kind = record.Framed
			b.Views = append(b.Views, s.view)
		}
		if s.partial {
			open = min(open, s.first)
		}
	}
	return open
}

// framed is what a stream means so far.
type framed struct {
	view    record.View
	partial bool // its last line goes on
	first   int  // the record where that line began
}

// frame is what surrounds the text of one line.
type frame struct {
	stream     int // 0 stdout, 1 stderr
	time       time.Time
	start, end int // of the text in the line
	json       bool
	partial    bool
}

const jsonFileHead = `{"log":"`

func parseFrame(line []byte) (frame, bool) {
	if !bytes.HasSuffix(line, []byte{'\n'}) {
		return frame{}, false
	}
	if bytes.HasPrefix(line, []byte(jsonFileHead)) {
		return parseJSONFile(line)
	}
	return parseCRI(line)
}

// parseJSONFile reads the form that Docker writes: the fields in its order,
// without blanks. What an application writes in that form inside of its own
// line is a string there, with its quotes escaped.
func parseJSONFile(line []byte) (frame, bool) {
	f := frame{json: true, start: len(jsonFileHead)}
	f.end = stringEnd(line, f.start)
	rest, ok := bytes.CutPrefix(line[f.end:], []byte(`","stream":"std`))
	if !ok {
		return f, false
	}
	switch {
	case bytes.HasPrefix(rest, []byte(`out"`)):
	case bytes.HasPrefix(rest, []byte(`err"`)):
		f.stream = 1
	default:
		return f, false
	}
	const stamp = `,"time":"`
	at := bytes.LastIndex(rest, []byte(stamp)) // "attrs" may stand between
	if at < 0 {
		return f, false
	}
	value, ok := bytes.CutSuffix(bytes.TrimRight(rest[at+len(stamp):], "\r\n"), []byte(`"}`))
	if !ok || !f.stamp(value) {
		return f, false
	}
	f.partial = !bytes.HasSuffix(line[:f.end], []byte(`\n`)) || escapedBackslash(line[f.start:f.end-1])
	return f, true
}

// escapedBackslash says that text ends in the first half of `\\`, so that the n
// behind it is an n.
func escapedBackslash(text []byte) bool {
	return (len(text)-len(bytes.TrimRight(text, `\`)))%2 == 0
}

// stringEnd is the position of the quote that ends a JSON string, or len(line).
func stringEnd(line []byte, pos int) int {
	for pos < len(line) {
		i := bytes.IndexByte(line[pos:], '"')
		if i < 0 {
			return len(line)
		}
		pos += i
		if n := pos - len(bytes.TrimRight(line[:pos], `\`)); n%2 == 0 {
			return pos
		}
		pos++
	}
	return len(line)
}

// parseCRI reads STAMP, stream, tags ("F" whole, "P" a piece) and the text.
func parseCRI(line []byte) (frame, bool) {
	var f frame
	stamp, rest, ok := bytes.Cut(line, []byte{' '})
	if !ok || len(stamp) < len("2006-01-02T15:04:05Z") || stamp[0] < '0' || stamp[0] > '9' {
		return f, false
	}
	switch {
	case bytes.HasPrefix(rest, []byte("stdout ")):
	case bytes.HasPrefix(rest, []byte("stderr ")):
		f.stream = 1
	default:
		return f, false
	}
	tags, _, ok := bytes.Cut(rest[len("stdout "):], []byte{' '})
	if !ok || !f.stamp(stamp) {
		return f, false
	}
	tag, _, _ := bytes.Cut(tags, []byte{':'})
	f.partial = string(tag) == "P"
	f.start, f.end = len(stamp)+1+len("stdout ")+len(tags)+1, len(line)
	if f.partial {
		f.end-- // its line end is the frame's
	}
	return f, f.partial || string(tag) == "F"
}

func (f *frame) stamp(value []byte) bool {
	if len(value) > len(time.RFC3339Nano) {
		return false
	}
	var err error
	f.time, err = time.Parse(time.RFC3339Nano, string(value))
	return err == nil
}

// add appends the text of a line that stands at base of the batch. It adds
// nothing if the line's escapes are none of JSON.
func (s *framed) add(line []byte, base int, f frame) bool {
	if !f.json {
		s.verbatim(line, f.start, f.end, base)
		return true
	}
	text, segs := len(s.view.Text), len(s.view.Map)
	for pos := f.start; pos < f.end; {
		run := bytes.IndexByte(line[pos:f.end], '\\')
		if run < 0 {
			run = f.end - pos
		}
		s.verbatim(line, pos, pos+run, base)
		if pos += run; pos == f.end {
			break
		}
		r, n := unescape(line[pos:f.end])
		if n == 0 {
			s.view.Text, s.view.Map = s.view.Text[:text], s.view.Map[:segs]
			return false
		}
		at := len(s.view.Text)
		s.view.Text = utf8.AppendRune(s.view.Text, r)
		s.view.Map = append(s.view.Map, record.Unit(at, len(s.view.Text)-at, base+pos, n))
		pos += n
	}
	return true
}

func (s *framed) verbatim(line []byte, start, end, base int) {
	if start < end {
		s.view.Map = append(s.view.Map, record.Verbatim(len(s.view.Text), end-start, base+start))
		s.view.Text = append(s.view.Text, line[start:end]...)
	}
}

// unescape reads the escape at the head of text; n is 0 if it is none. All of
// them are longer than what they mean.
func unescape(text []byte) (r rune, n int) {
	if len(text) < 2 {
		return 0, 0
	}
	const letters, means = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if i := bytes.IndexByte([]byte(letters), text[1]); i >= 0 {
		return rune(means[i]), 2
	}
	r, ok := hexUnit(text)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(r) {
		if low, ok := hexUnit(text[6:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 12
			}
		}
		return utf8.RuneError, 6
	}
	return r, 6
}

func hexUnit(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(v), err == nil
}

// Framed says whether a container runtime has framed a line.
func Framed(line []byte) bool {
	_, ok := parseFrame(line)
	return ok
}

// Unframe is the text of a framed line, still escaped as its frame escapes it
// and without an escaped line end; a line that is not framed is its own text.
func Unframe(line []byte) []byte {
	f, ok := parseFrame(line)
	if !ok {
		return line
	}
	text := line[f.start:f.end]
	if f.json {
		text = bytes.TrimSuffix(text, []byte(`\n`))
	}
	return text
}

// Partial says whether a framed line is a piece that goes on, and of which
// stream: 0 stdout, 1 stderr.
func Partial(line []byte) (stream int, partial, framed bool) {
	f, ok := parseFrame(line)
	return f.stream, f.partial, ok
}
