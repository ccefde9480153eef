package stdout

import (
	"fmt"
	"strings"

	"sluice/internal/record"
	"sluice/internal/report"
)

// maxListed is how many secrets the summary lists: what a person reads.
const maxListed = 50

// summary writes what leaked, whose it is, where, what to do, and how much of
// the input that rests on.
func (s *Sink) summary() {
	if s.groups.found > 0 {
		s.headline()
		list := s.groups.sorted()
		for _, g := range list[:min(len(list), maxListed)] {
			s.secret(g)
		}
		if left := int64(len(list) - maxListed); left > 0 {
			fmt.Fprintf(&s.buf, "and %s; --format jsonl lists all\n", report.Plural(left, "further secret", "further secrets"))
		}
		s.buf.WriteByte('\n')
	} else if s.run == nil || s.run.Complete {
		fmt.Fprintf(&s.buf, "%s\n", s.style.paint(sgrGreen, "No secrets found."))
	} else {
		s.buf.WriteString("No secrets found in what was examined.\n")
	}
	if s.groups.known > 0 {
		fmt.Fprintf(&s.buf, "%s in the baseline or ignored, not listed here.\n",
			report.Plural(s.groups.known, "finding is", "findings are"))
	}
	s.state()
}

// headline counts secrets and occurrences.
func (s *Sink) headline() {
	g := &s.groups
	secrets := report.Plural(int64(len(g.byID)), "secret", "different secrets")
	if g.unlisted > 0 {
		secrets = "more than " + secrets
	}
	var parts []string
	for v := record.SeverityCritical; v >= record.SeverityInfo; v-- {
		if n := g.bySeverity[v]; n > 0 {
			parts = append(parts, report.Count(n)+" "+v.String())
		}
	}
	sources := report.Plural(int64(len(g.sources)), "source", "sources")
	if len(g.sources) == maxSources {
		sources = report.Count(maxSources) + " sources or more"
	}
	text := fmt.Sprintf("%s, found %s in %s (%s)", secrets, times(g.found), sources, strings.Join(parts, ", "))
	fmt.Fprintf(&s.buf, "\n%s\n\n", s.style.bold(text))
}

// secret writes the summary of one secret.
func (s *Sink) secret(g *group) {
	f := &g.first
	fmt.Fprintf(&s.buf, "%s  %s  %s, %s\n", s.style.severity(f.Severity), s.style.bold(ruleName(f)), report.Print(f), times(g.count))
	s.style.line(&s.buf, "key", report.Owner(f))
	var places []string
	for _, p := range g.places {
		text := p.first
		if p.count > 1 {
			text += " and " + report.Count(p.count-1) + " more"
		}
		places = append(places, text)
	}
	if g.unplaced > 0 {
		places = append(places, times(g.unplaced)+" elsewhere")
	}
	s.style.line(&s.buf, "where", strings.Join(places, "; "))
	s.style.line(&s.buf, "next", report.Advice(f, s.rules.Of(f)))
}

// state writes how much was examined, and what was not.
func (s *Sink) state() {
	run := s.run
	if run == nil {
		return
	}
	fmt.Fprintf(&s.buf, "Examined %s, %s, %s.\n", report.Plural(run.Sources, "source", "sources"),
		report.Plural(run.Records, "record", "records"), report.Size(run.Bytes))
	if run.Withheld > 0 {
		fmt.Fprintf(&s.buf, "%s withheld: not examined whole, so not passed on.\n",
			report.Plural(run.Withheld, "record was", "records were"))
	}
	for _, note := range report.Messages(run.Notes) {
		fmt.Fprintf(&s.buf, "Note: %s\n", note)
	}
	if run.Complete {
		return
	}
	fmt.Fprintf(&s.buf, "%s\n", s.style.paint(sgrHigh, "NOT COMPLETE: what could not be examined may hold more."))
	for _, e := range run.ErrorList() {
		fmt.Fprintf(&s.buf, "  - %s\n", e)
	}
}

// times is "once", "twice" or "12 times".
func times(n int64) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return report.Count(n) + " times"
}
