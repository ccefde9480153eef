package pattern

import (
	"bytes"
	"cmp"
	"slices"
	"sort"

	"sluice/internal/record"
	"sluice/internal/view"
)

// detect appends what stands in the text of a batch, then what its views add,
// then that the file itself is a secret.
func (m *machine) detect(dst []record.Match, b *record.Batch) []record.Match {
	return m.files(m.detectText(dst, b), b)
}

// files appends what rules say of the path alone: all of the batch is the secret.
// It comes last, so that what was found in the file keeps its own name.
func (m *machine) files(dst []record.Match, b *record.Batch) []record.Match {
	if m.path == "" || b.Lead == len(b.Text) {
		return dst
	}
	for _, r := range m.ofFiles {
		if !m.off[r.index] {
			whole := record.Span{Start: b.Lead, End: len(b.Text)}
			dst = append(dst, record.Match{
				Rule: r.ID, Severity: r.Severity, Encoding: record.Plain, Whole: true,
				Spans: []record.Span{whole}, Secret: b.Text[b.Lead:], Line: whole,
			})
		}
	}
	return dst
}

func (m *machine) detectText(dst []record.Match, b *record.Batch) []record.Match {
	from := len(dst)
	m.past.usable = false
	for at := 0; at < len(b.Text); {
		end := messageEnd(b, at)
		raw := func(s span) []record.Span {
			return []record.Span{{Start: at + s.start, End: at + s.end}}
		}
		frag := fragment{text: b.Text[at:end], keep: end-at == len(b.Text) && (len(b.Views) > 0 || len(b.Text) >= leastKept)}
		dst = m.report(dst, b, &frag, record.Plain, raw)
		at = end
	}
	views := len(dst)
	for i := range b.Views {
		v := &b.Views[i]
		raw := func(s span) []record.Span { return view.Spans(nil, v, s.start, s.end) }
		dst = m.report(dst, b, &fragment{text: v.Text, view: v}, v.Kind, raw)
	}
	if len(dst) == views {
		return dst
	}
	return append(dst[:from], withoutCovered(dst[from:], views-from)...)
}

// report appends the findings in a text whose bytes stand at raw.
func (m *machine) report(dst []record.Match, b *record.Batch, frag *fragment, kind record.Encoding, raw func(span) []record.Span) []record.Match {
	found := m.search(frag)
	slices.SortFunc(found, func(x, y finding) int {
		return cmp.Or(cmp.Compare(x.secret.start, y.secret.start), cmp.Compare(x.rule.index, y.rule.index))
	})
	for i := range found {
		f := &found[i]
		s := f.reported()
		spans, around := raw(s), raw(f.match)
		if len(spans) == 0 || spans[len(spans)-1].End <= b.Lead || kind != record.Plain && crosses(b, kind, around) {
			continue
		}
		dst = append(dst, record.Match{
			Rule: f.rule.ID, Severity: f.rule.Severity, Encoding: kind, Whole: true,
			Spans: spans, Secret: frag.text[s.start:s.end],
			Line: record.Span{Start: around[0].Start, End: around[len(around)-1].End},
		})
	}
	slices.SortFunc(m.withheld, func(x, y span) int { return x.start - y.start })
	for _, s := range slices.Compact(m.withheld) {
		if spans := raw(s); len(spans) > 0 {
			dst = append(dst, record.Match{Withhold: true, Spans: spans})
		}
	}
	return dst
}

// reported is what is taken out of the text: the secret, or all of the match if
// the group that should hold the secret is empty.
func (f *finding) reported() span {
	if f.secret.start == f.secret.end {
		return f.match
	}
	return f.secret
}

// messageEnd is where the message ends that begins at at: no match goes beyond
// it. A stream of lines is one message.
func messageEnd(b *record.Batch, at int) int {
	if n := len(b.Records); n > 0 && !b.Messages && !parted(&b.Records[0], &b.Records[n-1]) {
		return len(b.Text) // lines, of one message all: no need to look at each
	}
	for i := recordAt(b, at); i+1 < len(b.Records); i++ {
		if next := &b.Records[i+1]; parted(&b.Records[i], next) && next.Start > at {
			return min(next.Start, len(b.Text))
		}
	}
	return len(b.Text)
}

func parted(a, z *record.Record) bool { return a.Msg != z.Msg || a.Part != z.Part }

// recordAt is the record that holds a byte; the first one's lead is its own.
func recordAt(b *record.Batch, at int) int {
	return max(0, sort.Search(len(b.Records), func(i int) bool { return b.Records[i].Start > at })-1)
}

// crosses says whether a match in a view joins what does not belong together.
// A view holds the lines that have something to undo, one after the other,
// wherever they stood; only one that joins frames goes over line ends.
func crosses(b *record.Batch, kind record.Encoding, match []record.Span) bool {
	if len(match) == 0 {
		return true
	}
	first, last := match[0].Start, match[len(match)-1].End
	if len(b.Records) > 0 && parted(&b.Records[recordAt(b, first)], &b.Records[recordAt(b, last-1)]) {
		return true
	}
	return !bytes.HasPrefix([]byte(kind), []byte(record.Framed)) && bytes.IndexByte(b.Text[first:last-1], '\n') >= 0
}

// withoutCovered drops those behind the first raw matches whose bytes another
// match of the same rule has already: a secret that a view shows again. It
// keeps the order.
func withoutCovered(ms []record.Match, raw int) []record.Match {
	order := make([]int, 0, len(ms))
	for i := range ms {
		if !ms[i].Withhold {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(i, j int) int {
		x, y := &ms[i], &ms[j]
		return cmp.Or(cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Spans[0].Start, y.Spans[0].Start),
			cmp.Compare(y.Spans[len(y.Spans)-1].End, x.Spans[len(x.Spans)-1].End), cmp.Compare(i, j))
	})
	drop := make([]bool, len(ms))
	widest := -1
	for _, i := range order {
		switch {
		case widest < 0 || ms[widest].Rule != ms[i].Rule:
			widest = i
		case i >= raw && covers(ms[widest].Spans, ms[i].Spans):
			drop[i] = true
		case ms[i].Spans[len(ms[i].Spans)-1].End > ms[widest].Spans[len(ms[widest].Spans)-1].End:
			widest = i
		}
	}
	kept := ms[:0]
	for i := range ms {
		if !drop[i] {
			kept = append(kept, ms[i])
		}
	}
	return kept
}

// covers says whether each of the inner spans lies in one of the outer.
func covers(outer, inner []record.Span) bool {
	for _, s := range inner {
		if !slices.ContainsFunc(outer, func(o record.Span) bool { return o.Start <= s.Start && s.End <= o.End }) {
			return false
		}
	}
	return true
}
