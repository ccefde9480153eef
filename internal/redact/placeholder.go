package redact

import (
	"bytes"
	"encoding/hex"

	"sluice/internal/record"
)

const (
	placeholderHead = "[sluice:"
	printDigits     = 16
	maxRuleName     = 64 // longer ids are cut: a placeholder stays short

	longestPlaceholder = len(placeholderHead) + maxRuleName + 1 + printDigits + 1
)

// appendPlaceholder writes [sluice:RULE:PRINT]. The form is ASCII without
// quotes or backslashes, so it is valid inside JSON strings and Python literals.
func appendPlaceholder(dst []byte, rule string, print [8]byte) []byte {
	dst = append(dst, placeholderHead...)
	dst = append(dst, RuleName(rule)...)
	dst = append(dst, ':')
	dst = hex.AppendEncode(dst, print[:])
	return append(dst, ']')
}

// RuleName is a rule's id as placeholders show it: lower case, other bytes "-".
func RuleName(id string) string {
	if len(id) > maxRuleName {
		id = id[:maxRuleName]
	}
	out := []byte(id)
	for i, c := range out {
		switch {
		case c >= 'A' && c <= 'Z':
			out[i] = c + 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-':
		default:
			out[i] = '-'
		}
	}
	return string(out)
}

// placeholders appends where text of our own form stands. A RULE that is none
// of ours is no placeholder: an unknown name would be a disguise.
func placeholders(c cover, text []byte, rules func(string) (Rule, bool)) cover {
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte(placeholderHead))
		if i < 0 {
			return c
		}
		start := at + i
		at = start + len(placeholderHead)
		if end := placeholderEnd(text, at, rules); end > 0 {
			c = append(c, record.Span{Start: start, End: end})
			at = end
		}
	}
}

// placeholderEnd is where the placeholder whose rule begins at ends; 0: none.
func placeholderEnd(text []byte, at int, rules func(string) (Rule, bool)) int {
	window := text[at:min(at+maxRuleName+1, len(text))]
	n := bytes.IndexByte(window, ':')
	if n <= 0 || at+n+1+printDigits >= len(text) {
		return 0
	}
	name, digits := string(window[:n]), text[at+n+1:at+n+1+printDigits]
	for _, c := range digits {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return 0
		}
	}
	if text[at+n+1+printDigits] != ']' {
		return 0
	}
	if _, ok := rules(name); !ok && name != WithheldRule {
		return 0
	}
	return at + n + 1 + printDigits + 1
}
