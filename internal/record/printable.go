package record

import (
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
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n <= 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '#' && agentCommand(s[i:]):
			b.WriteString(`#\x23`)
			n = 2
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		}
		i += max(n, 1)
	}
	return b.String()
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

// plain says that s needs no escape; the common case, without an allocation.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' || s[i] == '#' && strings.HasPrefix(s[i:], "##") {
			return false
		}
	}
	return true
}
