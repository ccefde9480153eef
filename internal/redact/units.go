package redact

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"sluice/internal/record"
)

// units says what the characters of a text are made of. Placeholders, line ends
// and columns of UTF-16 text are UTF-16 too: a byte more or less would make
// other characters of all that follows.
type units uint8

const (
	octets units = iota // ASCII, UTF-8, Latin-1
	wideLE
	wideBE
)

const byteOrderMark = 0xfeff

// unitsOf reads the order of a batch's bytes from the first ASCII character of
// its view, whose other byte is zero.
func unitsOf(b *record.Batch) units {
	for i := range b.Views {
		v := &b.Views[i]
		if v.Kind != record.UTF16 {
			continue
		}
		for _, s := range v.Map {
			if s.N() == 0 || s.RawN() != 2*s.N() || s.Raw() >= len(b.Text) {
				continue
			}
			switch c := v.Text[s.View()]; {
			case c == 0 || c >= utf8.RuneSelf:
			case b.Text[s.Raw()] == 0:
				return wideBE
			default:
				return wideLE
			}
		}
	}
	return octets
}

// in is the units of a stretch of a text of these: a text that only begins like
// UTF-16 has ASCII in it.
func (u units) in(raw []byte) units {
	if u != octets && bytes.IndexByte(raw, 0) < 0 && bytes.IndexFunc(raw, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		return octets
	}
	return u
}

func (u units) width() int {
	if u == octets {
		return 1
	}
	return 2
}

// at is the unit that begins at i; -1: none does.
func (u units) at(text []byte, i int) rune {
	switch {
	case i < 0 || i+u.width() > len(text):
		return -1
	case u == octets:
		return rune(text[i])
	case u == wideBE:
		return rune(text[i])<<8 | rune(text[i+1])
	}
	return rune(text[i+1])<<8 | rune(text[i])
}

// firstLine is the length of text up to and with its first line end.
func (u units) firstLine(text []byte) int {
	if u == octets {
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			return i + 1
		}
		return len(text)
	}
	for i := 0; i < len(text); i += u.width() {
		if u.at(text, i) == '\n' {
			return i + u.width()
		}
	}
	return len(text)
}

// lastLine is where the last line of text begins, behind its last line end.
func (u units) lastLine(text []byte) int {
	if u == octets {
		return bytes.LastIndexByte(text, '\n') + 1
	}
	for i := len(text) - 2; i >= 0; i -= 2 { // from the end, which is a whole unit
		if u.at(text, i) == '\n' {
			return i + 2
		}
	}
	return 0
}

// lineEnds counts them.
func (u units) lineEnds(text []byte) (n int64) {
	if u == octets {
		return int64(bytes.Count(text, []byte{'\n'}))
	}
	for i := 0; i < len(text); i += 2 {
		if u.at(text, i) == '\n' {
			n++
		}
	}
	return n
}

// lineEnd is the "\n" or "\r\n" that a line ends in, or nothing.
func (u units) lineEnd(line []byte) []byte {
	n, w := len(line), u.width()
	if u.at(line, n-w) != '\n' {
		return nil
	}
	if u.at(line, n-2*w) == '\r' {
		return line[n-2*w:]
	}
	return line[n-w:]
}

// characters counts code points; a byte order mark is none.
func (u units) characters(text []byte) (n int64) {
	if u == octets {
		return int64(utf8.RuneCount(text))
	}
	for i := 0; i+1 < len(text); i += 2 {
		if c := u.at(text, i); (c < 0xdc00 || c > 0xdfff) && c != byteOrderMark {
			n++
		}
	}
	return n
}

// widen appends ASCII text in these units.
func (u units) widen(dst []byte, ascii string) []byte {
	for i := range len(ascii) {
		switch u {
		case wideLE:
			dst = append(dst, ascii[i], 0)
		case wideBE:
			dst = append(dst, 0, ascii[i])
		default:
			dst = append(dst, ascii[i])
		}
	}
	return dst
}

// narrow is text of these units in UTF-8.
func (u units) narrow(text []byte) []byte {
	if u == octets {
		return text
	}
	out := make([]byte, 0, len(text)/2)
	for i := 0; i+1 < len(text); i += 2 {
		c := u.at(text, i)
		if c == byteOrderMark {
			continue
		}
		if pair := utf16.DecodeRune(c, u.at(text, i+2)); pair != utf8.RuneError {
			c = pair
			i += 2
		}
		out = utf8.AppendRune(out, c)
	}
	return out
}

// placeholder appends [sluice:RULE:PRINT].
func (u units) placeholder(dst []byte, rule string, print [8]byte) []byte {
	if u == octets {
		return appendPlaceholder(dst, rule, print)
	}
	return u.widen(dst, string(appendPlaceholder(nil, rule, print)))
}

// placeholders returns where text of our own form stands.
func (u units) placeholders(text []byte, rules *names) cover {
	if u == octets {
		return placeholders(nil, text, rules)
	}
	var c cover
	head := u.widen(nil, placeholderHead)
	for at := 0; ; {
		i := bytes.Index(text[at:], head)
		if i < 0 {
			return c
		}
		start := at + i
		at = start + len(head)
		shown := u.narrow(text[start:min(start+2*longestPlaceholder, len(text))])
		if end := placeholderEnd(shown, len(placeholderHead), rules); end > 0 {
			c = append(c, record.Span{Start: start, End: start + 2*end})
			at = start + 2*end
		}
	}
}
