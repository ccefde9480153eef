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
	dst = append(appendRuleName(dst, rule), ':')
	dst = hex.AppendEncode(dst, print[:])
	return append(dst, ']')
}

// RuleName is a rule's id as placeholders show it: lower case, other bytes "-".
func RuleName(id string) string { return string(appendRuleName(nil, id)) }

func appendRuleName(dst []byte, id string) []byte {
	for i := range min(len(id), maxRuleName) {
		c := id[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-':
		default:
			c = '-'
		}
		dst = append(dst, c)
	}
	return dst
}

// names knows which rules are ours. It remembers one, since a text has most often
// the placeholders of one.
type names struct {
	rules func(string) (Rule, bool)
	last  string // one of ours; "": none yet
}

func (n *names) has(name []byte) bool {
	if n.last != "" && n.last == string(name) {
		return true
	}
	s := string(name)
	if _, ok := n.rules(s); !ok && s != WithheldRule {
		return false
	}
	n.last = s
	return true
}

// placeholders appends where text of our own form stands. A RULE that is none
// of ours is no placeholder: an unknown name would be a disguise.
func placeholders(c cover, text []byte, rules *names) cover {
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

// ownText says where placeholders of ours stand in a text. It looks around what it
// is asked about, unless that is all of the text anyway.
type ownText struct {
	text  []byte
	names names
	all   cover // of the text
	whole bool  // all is known
	near  cover // room for an answer
}

// ownNear is for the text of b, of which matches will be asked about.
func (r *Redactor) ownNear(b *record.Batch, u units, matches []record.Match) *ownText {
	o := &ownText{text: b.Text, names: names{rules: r.cfg.Rules}}
	sum := 0
	for i := range matches {
		if spans := matches[i].Spans; len(spans) > 0 {
			sum += spans[len(spans)-1].End - spans[0].Start + 2*longestPlaceholder
		}
	}
	if o.whole = u != octets || sum >= len(b.Text); o.whole {
		o.all = u.placeholders(b.Text, &o.names)
	}
	return o
}

// of is the placeholders that spans, of which there is one at least, may touch. It
// holds until the next call. No placeholder stands in another one, since a name has
// no colon: it makes no difference where the search begins.
func (o *ownText) of(spans []record.Span) cover {
	if o.whole {
		return o.all
	}
	from := max(spans[0].Start-longestPlaceholder, 0)
	to := min(spans[len(spans)-1].End+longestPlaceholder, len(o.text))
	o.near = placeholders(o.near[:0], o.text[from:to], &o.names)
	for i := range o.near {
		o.near[i].Start += from
		o.near[i].End += from
	}
	return o.near
}

// placeholderEnd is where the placeholder whose rule begins at ends; 0: none.
func placeholderEnd(text []byte, at int, rules *names) int {
	window := text[at:min(at+maxRuleName+1, len(text))]
	n := bytes.IndexByte(window, ':')
	if n <= 0 || at+n+1+printDigits >= len(text) {
		return 0
	}
	name, digits := window[:n], text[at+n+1:at+n+1+printDigits]
	for _, c := range digits {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return 0
		}
	}
	if text[at+n+1+printDigits] != ']' {
		return 0
	}
	if !rules.has(name) {
		return 0
	}
	return at + n + 1 + printDigits + 1
}
