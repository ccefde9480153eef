package record

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable is a name from outside as an error or a terminal may show it:
// itself if every character prints, else quoted and escaped.
func Printable(name string) string {
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if utf8.ValidString(name) && strings.IndexFunc(name, hidden) < 0 {
		return name
	}
	return strconv.QuoteToASCII(name)
}

// Visible is s for a terminal or a report: control characters of both blocks,
// bidirectional overrides, zero-width and other invisible characters appear as
// \n, \xNN or \uNNNN, bytes that are not UTF-8 as \xNN, everything else as it is.
// A backslash is not doubled: the result is for reading, not for parsing back.
//
// Build agents carry out what looks like ##vso[task.complete] or ##[error]
// anywhere in a line they are shown, so that has its second # as \x23.
func Visible(s string) string {
	if plain(s) {
		return s
	}
	return string(AppendVisible(make([]byte, 0, len(s)+16), []byte(s)))
}

// AppendVisible appends Visible of text.
func AppendVisible(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		n := plainLen(text[i:])
		dst = append(dst, text[i:i+n]...)
		if i += n; i == len(text) {
			break
		}
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && n <= 1:
			dst = fmt.Appendf(dst, `\x%02x`, text[i])
		case r == '#' && agentCommand(string(text[i:min(i+len("##vso["), len(text))])):
			dst = append(dst, `#\x23`...)
			n = 2
		case unicode.IsPrint(r):
			dst = append(dst, text[i:i+n]...)
		default:
			q := strconv.QuoteRuneToASCII(r)
			dst = append(dst, q[1:len(q)-1]...)
		}
		i += n
	}
	return dst
}

// plainLen is how many bytes text begins with that show as they are for sure. Most
// text is nothing else, so eight are looked at together: each term sets the high
// bit of a byte that is none of them, or of one above it.
func plainLen(text []byte) (n int) {
	const each, high = 0x0101010101010101, 0x8080808080808080
	for ; n+8 <= len(text); n += 8 {
		x := binary.LittleEndian.Uint64(text[n:])
		hash := x ^ each*'#'
		if (x|(x-each*' ')|(x+each)|((hash-each)&^hash))&high != 0 {
			break
		}
	}
	for n < len(text) && text[n] >= ' ' && text[n] <= '~' && text[n] != '#' {
		n++
	}
	return n
}

// agentCommand says that s begins like a command to a build agent.
func agentCommand(s string) bool {
	for _, head := range []string{"##[", "##vso["} {
		if len(s) >= len(head) && strings.EqualFold(s[:len(head)], head) {
			return true
		}
	}
	return false
}

// plain says that s needs no escape; the common case, without an allocation. What
// was cut has "…" in it.
func plain(s string) bool {
	const cut = "…"
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '#' && strings.HasPrefix(s[i:], "##"):
			return false
		case c >= ' ' && c <= '~':
		case c == cut[0] && strings.HasPrefix(s[i:], cut):
			i += len(cut) - 1
		default:
			return false
		}
	}
	return true
}
