package redact

import (
	"bytes"
	"strings"
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
	text []byte
	at   int
}

// wideWindow is how far around a finding UTF-16 text is decoded: one unit is one
// byte at least, so that all windows lie in it.
const wideWindow = 2 * (blankWindow + longestPlaceholder)

// cleanLine finds the line around out[at], as UTF-8 if it is of these units.
func cleanLine(w *writer, u units, at int) cleanText {
	i := recordAt(w.records, at)
	if i >= len(w.records) {
		i = len(w.records) - 1
	}
	if i < 0 {
		return cleanText{}
	}
	rec := w.records[i]
	text := w.out[rec.Start:rec.End]
	at = min(max(at-rec.Start, 0), len(text))
	if u != octets {
		before := u.narrow(text[max(at-wideWindow, at%2):at])
		after := u.narrow(text[at:min(at+wideWindow, len(text))])
		text, at = append(before, after...), len(before)
	}
	text = bytes.TrimRight(text, "\r\n")
	return cleanText{text: text, at: min(at, len(text))}
}

// window is the stretch of a clean line around at, widened so that it never cuts
// a placeholder or a character in two.
func window(text []byte, own cover, at, before, after int) (from, to int) {
	from, to = max(at-before, 0), min(at+after, len(text))
	for _, p := range own {
		if p.Start < from && from < p.End {
			from = p.Start
		}
		if p.Start < to && to < p.End {
			to = p.End
		}
	}
	for from > 0 && from < len(text) && !utf8.RuneStart(text[from]) {
		from--
	}
	for to < len(text) && !utf8.RuneStart(text[to]) {
		to++
	}
	return from, to
}

// contextOf cuts a clean line down around at and escapes what must not reach a
// terminal.
func contextOf(text []byte, at int, rules func(string) (Rule, bool)) string {
	from, to := window(text, placeholders(text, rules), at, contextBefore, contextAfter)
	var s strings.Builder
	if from > 0 {
		s.WriteString("… ")
	}
	s.WriteString(record.Visible(string(text[from:to])))
	if to < len(text) {
		s.WriteString(" …")
	}
	return s.String()
}

// blank is a clean line as fingerprints see it: without the prints, which rest
// on a random key, and with every run of digits as one "0", since times,
// counters and ports differ from run to run.
func blank(line cleanText, rules func(string) (Rule, bool)) []byte {
	own := placeholders(line.text, rules)
	from, to := window(line.text, own, line.at, blankWindow, blankWindow)
	text := line.text[from:to]
	out := make([]byte, 0, len(text))
	digits := false
	for i := 0; i < len(text); i++ {
		for len(own) > 0 && own[0].Start < from+i {
			own = own[1:]
		}
		if len(own) > 0 && own[0].Start == from+i {
			n := own[0].Len()
			out = append(out, text[i:i+n-printDigits-1]...)
			i += n - 1
			digits = false
			continue
		}
		isDigit := text[i] >= '0' && text[i] <= '9'
		if !isDigit {
			out = append(out, text[i])
		} else if !digits {
			out = append(out, '0')
		}
		digits = isDigit
	}
	return out
}
