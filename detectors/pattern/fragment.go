package pattern

import (
	"bytes"

	"sluice/internal/record"
)

// span is half open, in bytes of a fragment.
type span struct{ start, end int }

// fragment is the text that a rule sees at once: a batch, a message of it, or
// a view. Its text is read only.
type fragment struct {
	text []byte
	view *record.View // nil: it is the batch's text
	keep bool         // it is a batch's text: what is found out will be asked for again
	last span         // of the line asked for last, with the line feed before it; empty: none
}

// finding is a match that counts, in a fragment.
//
// gitleaks takes line feeds off both ends of a match but leaves its start
// where it was, so its location and its text can differ by those: at and end
// are the location, match is the text.
type finding struct {
	rule    *rule
	at, end int
	match   span
	secret  span // empty: a secretGroup that took part with no bytes
}

func (f *finding) secretIn(frag *fragment) []byte {
	return frag.text[f.secret.start:f.secret.end]
}

// line is the line of a finding as gitleaks gives it to a line allowlist: from
// the line feed before it (included) to the one behind its end.
func (frag *fragment) line(f *finding) span {
	if f.at < frag.last.start || f.at >= frag.last.end { // a line may have thousands of findings
		frag.last = span{max(0, bytes.LastIndexByte(frag.text[:min(f.at+1, len(frag.text))], '\n')), len(frag.text)}
		if next := bytes.IndexByte(frag.text[min(f.at+1, len(frag.text)):], '\n'); next >= 0 {
			frag.last.end = f.at + 1 + next
		}
	}
	l := frag.last
	if f.end > l.end {
		l.end = f.end
		if next := bytes.IndexByte(frag.text[f.end:], '\n'); next >= 0 {
			l.end += next
		}
	}
	return l
}

// sameLine says whether two findings start on one line.
func (frag *fragment) sameLine(a, b *finding) bool {
	return bytes.IndexByte(frag.between(a, b), '\n') < 0
}

// between is the text whose line feeds part the lines of two findings.
func (frag *fragment) between(a, b *finding) []byte {
	from, to := min(a.at, b.at), max(a.at, b.at)
	return frag.text[min(from+1, len(frag.text)):min(to+1, len(frag.text))]
}

// column is in bytes from 1, counted from the line feed before as gitleaks
// does: on every line but the first it is one more than an editor's.
func (frag *fragment) column(f *finding) int {
	return f.at - max(0, bytes.LastIndexByte(frag.text[:min(f.at+1, len(frag.text))], '\n')) + 1
}

// pathOf is the path that rules for paths see: where there is no file, none.
func pathOf(o record.Origin) string {
	if o.Kind == "file" || o.Kind == "archive" {
		return o.Name
	}
	return ""
}
