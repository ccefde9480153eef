// Package html writes findings as one page for people: no scripts, nothing
// loaded from anywhere, fit to be mailed or kept as a build's artifact.
//
// The promise: every string is escaped for the place it stands in, and the
// page forbids scripts and outside content by a policy of its own, so that no
// text in a log does anything in a browser. Severities are shown and hidden by
// check boxes and style alone. The file is put in place by a rename.
//
// The limits: MaxFindings findings, the most severe, which a browser still
// shows at once; the page says how many are left out.
package html

import (
	"bufio"
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"time"

	"sluice/internal/record"
	"sluice/internal/report"
)

// MaxFindings is what a browser shows in a table without trouble.
const MaxFindings = 10_000

//go:embed page.html
var pageText string

// Options is what a report says besides its findings.
type Options struct {
	Rules []report.Rule
	Run   *report.Run // read at Close
}

// Sink collects findings and writes the report at Close. It is safe for
// concurrent use.
type Sink struct {
	path     string
	page     *template.Template
	rules    report.Rules
	run      *report.Run
	findings *report.Collection
}

// New makes a sink for a file at path. It says at once if the file can't be
// written there, and leaves nothing behind before Close.
func New(path string, o Options) (*Sink, error) {
	if err := report.Check(path); err != nil {
		return nil, err
	}
	page, err := template.New("page").Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("read page template: %w", err)
	}
	return &Sink{path: path, page: page, rules: report.Index(o.Rules), run: o.Run,
		findings: report.NewCollection(MaxFindings)}, nil
}

// Write takes the findings of ds.
func (s *Sink) Write(ctx context.Context, ds []record.Delivery) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.findings.Add(ds)
	return nil
}

// page is what the template shows.
type page struct {
	Version, Started, Took string
	Complete               bool
	Errors, Notes          []string
	Examined, LeftOut      string
	Severities             []severity
	Findings               []row
}

// severity is a check box and its count.
type severity struct {
	Name  string
	Count string
}

// row is a finding.
type row struct {
	Severity, Rule, Title, Where, Owner, State string
	Print, Fingerprint, Encoding, Part         string
	Context, Time, Next, Known                 string
}

// Close writes the report, also when ctx is over.
func (s *Sink) Close(context.Context) error {
	findings, left := s.findings.Findings()
	slices.SortStableFunc(findings, func(a, b record.Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	p := page{Complete: s.run.IsComplete(), Errors: s.run.ErrorList()}
	if left > 0 {
		p.LeftOut = report.Plural(left, "finding is", "findings are") + " left out; these are the most severe."
	}
	if run := s.run; run != nil {
		p.Version, p.Notes = report.Short(run.Version), report.Messages(run.Notes)
		p.Started = clock(run.Started)
		if run.Ended.After(run.Started) {
			p.Took = run.Ended.Sub(run.Started).Round(time.Millisecond).String()
		}
		p.Examined = fmt.Sprintf("%s, %s, %s examined; %s withheld.",
			report.Plural(run.Sources, "source", "sources"), report.Plural(run.Records, "record", "records"),
			report.Size(run.Bytes), report.Plural(run.Withheld, "record", "records"))
	}
	counts := map[string]int64{}
	p.Findings = make([]row, len(findings))
	for i := range findings {
		p.Findings[i] = s.row(&findings[i])
		counts[p.Findings[i].Severity]++
	}
	for v := record.SeverityCritical; v >= record.SeverityInfo; v-- {
		p.Severities = append(p.Severities, severity{v.String(), report.Count(counts[v.String()])})
	}
	return report.WriteFile(s.path, func(w *bufio.Writer) error { return s.page.Execute(w, p) })
}

func (s *Sink) row(f *record.Finding) row {
	rule := s.rules.Of(f)
	r := row{
		Severity: severityName(f.Severity), Rule: f.Rule, Title: report.Short(rule.Title()),
		Where: report.Where(f), Owner: report.Owner(f), Print: report.Print(f), Fingerprint: report.Fingerprint(f),
		Context: f.Context, Time: clock(f.Time), Next: report.Advice(f, rule),
	}
	if f.Name != "" {
		r.Title = f.Name
	}
	if f.Encoding != "" && f.Encoding != record.Plain {
		r.Encoding = string(f.Encoding)
	}
	if !f.Whole {
		r.Part = fmt.Sprintf("a part: %d characters shown, %d bits left to guess", f.Shown, f.BitsLeft)
	}
	if f.Known {
		r.Known = "known"
		if f.KnownBy != "" {
			r.Known += ": " + f.KnownBy
		}
	}
	return r
}

// severityName is a name that the page has a check box for: what has none
// could not be hidden, and what has the last one could be missed.
func severityName(s record.Severity) string {
	return min(max(s, record.SeverityInfo), record.SeverityCritical).String()
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 MST")
}
