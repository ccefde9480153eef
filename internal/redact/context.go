package redact

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"sluice/internal/record"
)

const (
	contextBefore = 100 // bytes of clean line a finding shows before its place
	contextAfter  = 140 // and from it on, its own placeholder included
	blankWindow   = 512 // bytes to either side that a fingerprint rests on
)

// cleanText is the clean line a finding stands in and where in it.
type cleanText struct {
	text   []byte // aliases the clean bytes, or is decoded
	at     int
	own    cover // placeholders in text
	record int   // -1: none
}

// wideWindow is how far around a finding UTF-16 text is decoded: one unit is one
// byte at least, so that all windows lie in it.
const wideWindow = 2 * (blankWindow + longestPlaceholder)

// lineAt finds the line around out[at], as UTF-8 if it is of these units.
func (t *teller) lineAt(u units, at int) cleanText {
	w := t.w
	i := min(recordAt(w.records, at), len(w.records)-1)
	if i < 0 {
		return cleanText{}
	}
	rec := w.records[i]
	text := w.out[rec.Start:rec.End]
	at = min(max(at-rec.Start, 0), len(text))
	if u != octets {
		before := u.narrow(text[max(at-wideWindow, at%2):at])
		after := u.narrow(text[at:min(at+wideWindow, len(text))])
		text, at, i = append(before, after...), len(before), -1
	}
	if i < 0 || i != t.line.record {
		text = bytes.TrimRight(text, "\r\n")
		t.line = cleanText{text: text, own: placeholders(t.line.own[:0], text, &t.names), record: i}
	}
	t.line.at = min(at, len(t.line.text))
	return t.line
}

// window is the stretch of a line around its place, widened so that it never cuts
// a placeholder or a character in two.
func (l cleanText) window(before, after int) (from, to int) {
	text := l.text
	from, to = max(l.at-before, 0), min(l.at+after, len(text))
	for _, p := range l.own[l.own.find(from):] {
		if p.Start >= to {
			break
		}
		if p.Start < from && from < p.End {
			from = p.Start
		}
		to = max(to, p.End)
	}
	for from > 0 && from < len(text) && !utf8.RuneStart(text[from]) {
		from--
	}
	for to < len(text) && !utf8.RuneStart(text[to]) {
		to++
	}
	return from, to
}

// context cuts a clean line down around its place and escapes what must not reach
// a terminal.
func (t *teller) context(line cleanText) string {
	from, to := line.window(contextBefore, contextAfter)
	text := t.scratch[:0]
	if from > 0 {
		text = append(text, "… "...)
	}
	text = record.AppendVisible(text, line.text[from:to])
	if to < len(line.text) {
		text = append(text, " …"...)
	}
	t.scratch = text
	return string(text)
}

// appendBlank appends a clean line as fingerprints see it: without the prints,
// which rest on a random key, and with every run of digits as one "0", since
// times, counters and ports differ from run to run.
func appendBlank(dst []byte, line cleanText) []byte {
	from, to := line.window(blankWindow, blankWindow)
	for _, p := range line.own[line.own.find(from):] {
		if p.Start < from {
			continue
		}
		if p.Start >= to {
			break
		}
		dst = appendUndated(dst, line.text[from:p.Start])
		dst = append(dst, line.text[p.Start:p.End-printDigits-1]...)
		from = p.End
	}
	return appendUndated(dst, line.text[from:to])
}

// appendUndated appends text with "0" for every run of digits. It has no branch on
// what a byte is: ids are letters and digits in no order that a processor foresees.
func appendUndated(dst, text []byte) []byte {
	n := len(dst)
	dst = slices.Grow(dst, len(text))[:n+len(text)]
	before := byte(0) // 1: a digit
	for _, c := range text {
		digit := byte((uint32(c-'0') - 10) >> 31)
		dst[n] = c - (c-'0')*digit
		n += int(1 - digit&before)
		before = digit
	}
	return dst[:n]
}
