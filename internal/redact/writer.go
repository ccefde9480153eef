package redact

import (
	"slices"

	"sluice/internal/record"
)

// cut is a stretch that is taken out, named after the match of best precedence
// in it.
type cut struct {
	record.Span
	best int // index into the chosen matches
}

// writer builds the clean bytes of a batch in one pass from left to right, in
// original coordinates.
type writer struct {
	b        *record.Batch
	units    units
	withheld []bool // per record; nil: none
	few      bool   // what is found in no record and taken out of none is not written

	out     []byte
	records []record.Record // into out
	count   int             // records withheld
	at      []int           // per chosen match: offset in out where it shows
}

// write takes the chosen matches and their indices by where they begin.
func (w *writer) write(kept []chosen, order []int) {
	cuts, all := union(kept), order
	if !w.few {
		w.out = slices.Grow(w.out, len(w.b.Text)-w.b.Lead+len(cuts)*(len(placeholderHead)+48))
		w.records = slices.Grow(w.records, len(w.b.Records))
	}
	for i := 0; ; i++ {
		if w.withheld == nil && !(w.few && w.atEnd(all[:len(all)-len(order)])) {
			i = w.pass(i, w.touched(i, cuts, kept, order))
		}
		if i == len(w.b.Records) {
			break
		}
		rec := w.b.Records[i]
		start := len(w.out)
		if w.withheld != nil && w.withheld[i] {
			order = w.show(kept, order, rec.End, func(int) int { return start })
			w.withhold(rec)
		} else {
			if sure := w.line(rec, &cuts, kept, &order); !sure {
				w.mendJSON(rec, start)
			}
		}
		rec.Span = record.Span{Start: start, End: len(w.out)}
		w.records = append(w.records, rec)
	}
}

// touched is the first record from i on that something is taken out of or found in.
func (w *writer) touched(i int, cuts []cut, kept []chosen, order []int) int {
	next := len(w.b.Text)
	if len(cuts) > 0 {
		next = min(next, cuts[0].Start)
	}
	if len(order) > 0 {
		next = min(next, kept[order[0]].Spans[0].Start)
	}
	return i + recordAt(w.b.Records[i:], max(next, w.b.Lead))
}

// pass copies the records from i to next as they are, if all are written, and
// returns next.
func (w *writer) pass(i, next int) int {
	if i == next || w.few {
		return next
	}
	passed := w.b.Records[i:next]
	from := passed[0].Start
	by, n := len(w.out)-from, len(w.records)
	w.out = append(w.out, w.b.Text[from:passed[len(passed)-1].End]...)
	w.records = append(w.records, passed...)
	shift(w.records[n:], -by)
	return next
}

// atEnd says that the last of the matches that are shown appears behind all that is
// written, as when its record was cut to its end or came to be withheld: it is told
// of with what follows.
func (w *writer) atEnd(shown []int) bool {
	return len(shown) > 0 && w.at[shown[len(shown)-1]] >= len(w.out)
}

// withhold replaces a record that was not examined; its line end stays.
func (w *writer) withhold(rec record.Record) {
	w.count++
	body := w.b.Text[rec.Start:rec.End]
	if isJSON(body) {
		w.out = append(appendPlaceholder(append(w.out, '"'), WithheldRule, [8]byte{}), '"')
	} else {
		w.out = w.units.placeholder(w.out, WithheldRule, [8]byte{})
	}
	w.out = append(w.out, w.units.lineEnd(body)...)
}

// line copies one record and puts placeholders in place of the cuts in it. A
// cut that goes on over the line's end leaves the line end where it is. sure says
// that a record of JSON is one still.
func (w *writer) line(rec record.Record, cuts *[]cut, kept []chosen, order *[]int) (sure bool) {
	at := rec.Start
	sure = true
	for len(*cuts) > 0 {
		c := (*cuts)[0]
		if c.End <= rec.Start { // it stood in a withheld record
			*cuts = (*cuts)[1:]
			continue
		}
		if c.Start >= rec.End {
			break
		}
		from := max(c.Start, at)
		*order = w.show(kept, *order, from, func(p int) int { return len(w.out) + max(p-at, 0) })
		w.out = append(w.out, w.b.Text[at:from]...)
		show := len(w.out)
		*order = w.show(kept, *order, c.End, func(int) int { return show })
		at = w.cut(c.Start, from, min(c.End, rec.End), &kept[c.best])
		if c.End > rec.End {
			return false
		}
		sure = sure && w.units == octets && c.Start >= rec.Start &&
			keepsJSON(w.b.Text[rec.Start:rec.End], c.Start-rec.Start, c.End-rec.Start)
		*cuts = (*cuts)[1:]
	}
	*order = w.show(kept, *order, rec.End, func(p int) int { return len(w.out) + max(p-at, 0) })
	w.out = append(w.out, w.b.Text[at:rec.End]...)
	return sure
}

// cut writes a placeholder for each line of Text[from:to] and keeps line ends;
// what goes on from a record without a line end has its placeholder there.
func (w *writer) cut(start, from, to int, c *chosen) int {
	text, u := w.b.Text, w.units.in(w.b.Text[from:to])
	for from < to {
		body := text[from:to]
		n := u.firstLine(body)
		end := u.lineEnd(body[:n])
		if u.at(body, n-u.width()) == '\r' && u.at(text, from+n) == '\n' {
			end = body[n-u.width() : n] // the cut stops between "\r" and "\n"
		}
		goesOn := from > start && u.at(text, from-u.width()) != '\n'
		if n > len(end) && !goesOn {
			w.out = u.placeholder(w.out, c.Rule, c.print)
		}
		w.out = append(w.out, end...)
		from += n
	}
	return to
}

// show notes where the matches that begin before limit appear in the output.
func (w *writer) show(kept []chosen, order []int, limit int, place func(raw int) int) []int {
	for len(order) > 0 {
		start := max(kept[order[0]].Spans[0].Start, w.b.Lead)
		if start >= limit {
			return order
		}
		w.at[order[0]] = place(start)
		order = order[1:]
	}
	return order
}

// showOrder is the matches by where they begin.
func showOrder(kept []chosen) []int {
	order := make([]int, len(kept))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return kept[a].Spans[0].Start - kept[b].Spans[0].Start
	})
	return order
}

// union merges what is taken out where it overlaps; spans that only touch stay
// two placeholders, since they are two secrets.
func union(kept []chosen) []cut {
	cuts := make([]cut, 0, len(kept))
	for i := range kept {
		for _, s := range kept[i].out {
			cuts = append(cuts, cut{s, i})
		}
	}
	slices.SortFunc(cuts, func(a, b cut) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return a.best - b.best
	})
	merged := cuts[:0]
	for _, c := range cuts {
		if n := len(merged); n > 0 && c.Start < merged[n-1].End {
			merged[n-1].End = max(merged[n-1].End, c.End)
			merged[n-1].best = min(merged[n-1].best, c.best)
			continue
		}
		merged = append(merged, c)
	}
	return merged
}
