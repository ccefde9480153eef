package redact

import (
	"bytes"
	"encoding/json"

	"sluice/internal/record"
)

// looksJSON says whether a record begins like a document that programs read: an
// object, an array or a string. A number alone is more likely text.
func looksJSON(text []byte) bool {
	text = bytes.TrimSpace(text)
	return len(text) > 0 && (text[0] == '{' || text[0] == '[' || text[0] == '"')
}

// isJSON says whether a record is such a document, whole.
func isJSON(text []byte) bool { return looksJSON(text) && json.Valid(text) }

// mendJSON keeps a record that was JSON valid, now that it was written to
// out[start:]: a placeholder that stands for a number, or for anything else
// outside a string, gets quotes. A record that this does not mend is withheld,
// since a reader that fails at it would stop at it for ever.
func (w *writer) mendJSON(rec record.Record, start int) {
	raw := w.b.Text[rec.Start:rec.End]
	if !looksJSON(raw) || json.Valid(w.out[start:]) || !json.Valid(raw) {
		return
	}
	if mended := quoteBare(w.out[start:]); json.Valid(mended) {
		w.out = append(w.out[:start], mended...)
		return
	}
	w.out = w.out[:start]
	w.withhold(rec)
}

// quoteNear is how far from a cut the next quotes are looked for, in bytes: a line
// of many cuts must not be read once for each.
const quoteNear = 256

// keepsJSON says that a placeholder for text[from:to] leaves text valid if it is
// now, without reading it all: the cut lies in a string for sure, and in no
// escape. False says nothing.
func keepsJSON(text []byte, from, to int) bool {
	for _, c := range text[from:to] {
		if c == '"' || c == '\\' || c < ' ' {
			return false
		}
	}
	before := text[max(from-quoteNear, 0):from]
	behind := text[to:min(to+quoteNear, len(text))]
	left, right := bytes.LastIndexByte(before, '"'), bytes.IndexByte(behind, '"')
	if left < 0 || right < 0 {
		return false
	}
	escape := before[max(len(before)-len(`\u000`), 0):]
	if before[len(before)-1] == '\\' || bytes.Contains(escape, []byte(`\u`)) {
		return false
	}
	return !betweenStrings(before[left+1:], text[from:to], behind[:right])
}

// betweenStrings says whether these bytes, which have no quote in them and one on
// either side, can be what stands between two strings of a document: a comma or
// a colon and nothing that is at home in strings only.
func betweenStrings(parts ...[]byte) (separated bool) {
	for _, part := range parts {
		for _, c := range part {
			if bytes.IndexByte([]byte(" \t\r\n{}[]:,+-.0123456789Etruefalsn"), c) < 0 {
				return false
			}
			separated = separated || c == ',' || c == ':'
		}
	}
	return separated
}

// quoteBare puts each word outside a string that holds a placeholder into
// quotes: what is left of the number around it goes into them.
func quoteBare(text []byte) []byte {
	out := make([]byte, 0, len(text)+16)
	for i := 0; i < len(text); {
		n := stringLen(text[i:])
		if n == 0 {
			n = wordLen(text[i:])
			if word := text[i : i+n]; bytes.Contains(word, []byte(placeholderHead)) {
				out = append(append(append(out, '"'), word...), '"')
				i += n
				continue
			}
		}
		n = max(n, 1)
		out = append(out, text[i:i+n]...)
		i += n
	}
	return out
}

// stringLen is the length of the JSON string that text begins with; 0: none.
func stringLen(text []byte) int {
	if text[0] != '"' {
		return 0
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// wordLen is the length of the number, name or placeholder that text begins
// with.
func wordLen(text []byte) int {
	n := 0
	for n < len(text) {
		if bytes.HasPrefix(text[n:], []byte(placeholderHead)) {
			end := bytes.IndexByte(text[n:], ']')
			if end < 0 {
				return n
			}
			n += end + 1
			continue
		}
		if bytes.IndexByte([]byte("{}[],:\" \t\r\n"), text[n]) >= 0 {
			return n
		}
		n++
	}
	return n
}
