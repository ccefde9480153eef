package lines

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"sluice/internal/record"
)

// charset says how wide a code unit of the stream is, which decides where a
// line ends.
type charset uint8

const (
	undecided charset = iota // the first two bytes are still to come
	octets                   // ASCII, UTF-8, Latin-1, anything with bytes as units
	utf16LE
	utf16BE
)

// byteOrderMark means nothing behind the head of a text either; inside a secret
// it would be a disguise. Views leave it out.
const byteOrderMark = 0xfeff

// maxWideLine is MaxLine for UTF-16, in bytes: the map of a text in many scripts
// takes 20 bytes for each of its own.
const maxWideLine = MaxLine / 8

// detect judges the head of a stream. It is not ok while head may still turn
// out to be a byte order mark.
func detect(head []byte, all bool) (cs charset, ok bool) {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return utf16LE, true
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return utf16BE, true
	case all || len(head) > 1 || len(head) == 1 && head[0] < 0xfe:
		return octets, true
	}
	return undecided, false
}

func (c charset) maxLine() int {
	if c == utf16LE || c == utf16BE {
		return maxWideLine
	}
	return MaxLine
}

// lastEnd is the length of text up to and with its last line end, 0 if there is
// none. Line ends before from are known not to be there.
func (c charset) lastEnd(text []byte, from int) int {
	if c != octets {
		from = max(0, from-1) // the other half of a unit
	}
	for end := len(text); end > from; {
		i := from + bytes.LastIndexByte(text[from:end], '\n')
		if i < from {
			return 0
		}
		if n := c.endAt(text, i); n > 0 {
			return n
		}
		end = i
	}
	return 0
}

// nextEnd is the length of the first line of text, and whether it has an end.
func (c charset) nextEnd(text []byte) (n int, ended bool) {
	for pos := 0; ; {
		i := bytes.IndexByte(text[pos:], '\n')
		if i < 0 {
			return len(text), false
		}
		if n := c.endAt(text, pos+i); n > 0 {
			return n, true
		}
		pos += i + 1
	}
}

// endAt is the position behind the line end that the newline byte at i belongs
// to, 0 if it is half of another character or its other half is not there yet.
// Text begins with a whole unit.
func (c charset) endAt(text []byte, i int) int {
	switch {
	case c == utf16LE && (i%2 != 0 || i+1 >= len(text) || text[i+1] != 0):
		return 0
	case c == utf16LE:
		return i + 2
	case c == utf16BE && (i%2 != 1 || text[i-1] != 0):
		return 0
	}
	return i + 1
}

// count is an upper bound for the line ends in text.
func (c charset) count(text []byte) int { return bytes.Count(text, []byte{'\n'}) }

// cut finds where to cut a line that is too long: 1 <= n < len(text), behind
// the last separator of the last MaxToken bytes. Where there is none, the token
// is longer than MaxToken and is cut at the end.
func (c charset) cut(text []byte) int {
	if c != octets {
		return c.cutWide(text)
	}
	tail := text[len(text)-min(MaxToken, len(text)-1):]
	for _, set := range []string{hardSeparators, softSeparators} {
		if i := bytes.LastIndexAny(tail[:len(tail)-1], set); i >= 0 {
			return len(text) - len(tail) + i + 1
		}
	}
	n := len(text) - 1
	for back := 0; n > 1 && back < utf8.UTFMax-1 && !utf8.RuneStart(text[n]); back++ {
		n--
	}
	return n
}

// Separators stand between tokens. The hard ones end a token in every notation
// that gateways print; the soft ones may stand in a password, and are used where
// a line has none of the others.
const (
	hardSeparators = " \t\r\v\f\x00\"'`"
	softSeparators = ",;|&<>()[]{}\\"
)

func (c charset) cutWide(text []byte) int {
	last := len(text)/2*2 - 2
	for n := last; n > last-MaxToken && n > 2; n -= 2 {
		if u := c.unit(text[n-2:]); u < utf8.RuneSelf && strings.IndexByte(hardSeparators, byte(u)) >= 0 {
			return n
		}
	}
	return last
}

func (c charset) unit(b []byte) uint16 {
	if c == utf16BE {
		return uint16(b[0])<<8 | uint16(b[1])
	}
	return uint16(b[1])<<8 | uint16(b[0])
}

// view gives the text as UTF-8. Characters of one width in both are one segment.
func (c charset) view(text []byte) record.View {
	v := record.View{Kind: record.UTF16, Text: make([]byte, 0, len(text)/2)}
	var n, width int // of the characters of the last segment
	for pos := 0; pos+1 < len(text); {
		r, w := c.decode(text[pos:])
		raw := pos
		pos += w
		if r == byteOrderMark {
			continue
		}
		at := len(v.Text)
		v.Text = utf8.AppendRune(v.Text, r)
		size := len(v.Text) - at
		if last := len(v.Map) - 1; last >= 0 && size == n && w == width && v.Map[last].RawEnd() == raw {
			v.Map[last] = v.Map[last].Grown(size, w)
			continue
		}
		v.Map = append(v.Map, record.Even(at, size, raw, w))
		n, width = size, w
	}
	return v
}

// decode reads one character of two or four bytes; half of a pair is U+FFFD.
func (c charset) decode(text []byte) (r rune, width int) {
	r = rune(c.unit(text))
	if !utf16.IsSurrogate(r) {
		return r, 2
	}
	if len(text) >= 4 {
		if pair := utf16.DecodeRune(r, rune(c.unit(text[2:]))); pair != utf8.RuneError {
			return pair, 4
		}
	}
	return utf8.RuneError, 2
}

// Cut finds where a line of text that is too long is cut, as Reader cuts it:
// 1 <= n < len(text), so that no token of up to MaxToken bytes is divided. The
// text has at least two bytes.
func Cut(text []byte) int { return octets.cut(text) }
