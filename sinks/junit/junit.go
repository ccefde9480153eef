// Package junit writes findings as JUnit XML, which most build servers show as
// tests: a suite per source with findings, a test per rule in it, failed if a
// finding is new and skipped if all are known, and a first suite that says
// whether the run was complete.
//
// The promise: well-formed XML 1.0 with any text in any field; names that do
// not change from run to run; the file is put in place by a rename.
//
// The limits: MaxFindings findings, the most severe; a test lists maxListed
// occurrences and counts the others. Sources without findings have no suite.
package junit

import (
	"bufio"
	"context"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"sluice/internal/record"
	"sluice/internal/report"
)

// MaxFindings bounds what is kept until the end, at about 1 KiB each.
const MaxFindings = 25_000

// maxListed is how many occurrences of a rule in a source are written out.
const maxListed = 20

// Options is what a report says besides its findings.
type Options struct {
	Rules []report.Rule
	Run   *report.Run // read at Close
}

// Sink collects findings and writes the report at Close. It is safe for
// concurrent use.
type Sink struct {
	path     string
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
	return &Sink{path: path, rules: report.Index(o.Rules), run: o.Run, findings: report.NewCollection(MaxFindings)}, nil
}

// Write takes the findings of ds.
func (s *Sink) Write(ctx context.Context, ds []record.Delivery) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.findings.Add(ds)
	return nil
}

// The elements of the format.
type (
	testSuites struct {
		XMLName  xml.Name    `xml:"testsuites"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Suites   []testSuite `xml:"testsuite"`
	}
	testSuite struct {
		Name      string     `xml:"name,attr"`
		Tests     int        `xml:"tests,attr"`
		Failures  int        `xml:"failures,attr"`
		Errors    int        `xml:"errors,attr"`
		Skipped   int        `xml:"skipped,attr"`
		Time      string     `xml:"time,attr"`
		Timestamp string     `xml:"timestamp,attr,omitempty"`
		Cases     []testCase `xml:"testcase"`
	}
	testCase struct {
		Class   string   `xml:"classname,attr"`
		Name    string   `xml:"name,attr"`
		Time    string   `xml:"time,attr"`
		Failure *problem `xml:"failure"`
		Error   *problem `xml:"error"`
		Skipped *problem `xml:"skipped"`
		Output  string   `xml:"system-out,omitempty"`
	}
	problem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// Close writes the report, also when ctx is over.
func (s *Sink) Close(context.Context) error {
	findings, left := s.findings.Findings()
	all := testSuites{Name: "sluice", Time: "0", Suites: []testSuite{s.runSuite(left)}}
	if s.run != nil && s.run.Ended.After(s.run.Started) {
		all.Time = fmt.Sprintf("%.3f", s.run.Ended.Sub(s.run.Started).Seconds())
	}
	for len(findings) > 0 {
		n := 1
		for n < len(findings) && findings[n].Origin == findings[0].Origin {
			n++
		}
		all.Suites = append(all.Suites, s.suite(findings[:n]))
		findings = findings[n:]
	}
	for i := range all.Suites {
		u := &all.Suites[i]
		u.Time, u.Timestamp = "0", s.timestamp()
		u.count()
		all.Tests += u.Tests
		all.Failures += u.Failures
		all.Errors += u.Errors
		all.Skipped += u.Skipped
	}
	return report.WriteFile(s.path, func(w *bufio.Writer) error {
		if _, err := w.WriteString(xml.Header); err != nil {
			return err
		}
		enc := xml.NewEncoder(w)
		enc.Indent("", "  ")
		if err := enc.Encode(all); err != nil {
			return err
		}
		return w.WriteByte('\n')
	})
}

// timestamp is when the run began, as the format has it: without a zone.
func (s *Sink) timestamp() string {
	if s.run == nil || s.run.Started.IsZero() {
		return ""
	}
	return s.run.Started.UTC().Format(time.DateOnly + "T" + time.TimeOnly)
}

func (u *testSuite) count() {
	u.Tests = len(u.Cases)
	for _, c := range u.Cases {
		switch {
		case c.Failure != nil:
			u.Failures++
		case c.Error != nil:
			u.Errors++
		case c.Skipped != nil:
			u.Skipped++
		}
	}
}

// runSuite is one test: that the run examined everything.
func (s *Sink) runSuite(left int64) testSuite {
	c := testCase{Class: "sluice", Name: "run is complete", Time: "0"}
	if !s.run.IsComplete() {
		c.Error = &problem{Message: "the run did not examine everything", Type: "incomplete",
			Text: strings.Join(s.run.ErrorList(), "\n")}
	}
	var lines []string
	if left > 0 {
		lines = append(lines, report.Plural(left, "finding", "findings")+" left out; these are the most severe")
	}
	if s.run != nil {
		lines = append(lines, fmt.Sprintf("%s, %s, %s examined; %s withheld",
			report.Plural(s.run.Sources, "source", "sources"), report.Plural(s.run.Records, "record", "records"),
			report.Size(s.run.Bytes), report.Plural(s.run.Withheld, "record", "records")))
		lines = append(lines, report.Messages(s.run.Notes)...)
	}
	c.Output = strings.Join(lines, "\n")
	return testSuite{Name: "sluice", Cases: []testCase{c}}
}

// suite makes the tests of one source.
func (s *Sink) suite(findings []record.Finding) testSuite {
	name := report.Place(findings[0].Origin)
	u := testSuite{Name: name}
	var order []string
	byRule := map[string][]*record.Finding{}
	for i := range findings {
		f := &findings[i]
		if byRule[f.Rule] == nil {
			order = append(order, f.Rule)
		}
		byRule[f.Rule] = append(byRule[f.Rule], f)
	}
	for _, rule := range order {
		u.Cases = append(u.Cases, s.test(name, rule, byRule[rule]))
	}
	return u
}

// test makes the test of one rule in one source.
func (s *Sink) test(class, rule string, findings []*record.Finding) testCase {
	c := testCase{Class: class, Name: rule, Time: "0"}
	var lines []string
	var worst *record.Finding
	var found, known int64
	for _, f := range findings {
		if f.Known {
			known++
			continue
		}
		found++
		if worst == nil || f.Severity > worst.Severity {
			worst = f
		}
		if found <= maxListed {
			lines = append(lines, describe(f))
		}
	}
	if worst == nil {
		c.Skipped = &problem{Message: report.Plural(known, "finding is", "findings are") + " in the baseline or ignored"}
		return c
	}
	if found > maxListed {
		lines = append(lines, "and "+report.Count(found-maxListed)+" more")
	}
	lines = append(lines, "Next: "+report.Advice(worst, s.rules.Of(worst)))
	c.Failure = &problem{
		Message: report.Plural(found, "secret", "secrets") + " found: " + s.rules.Of(worst).Title(),
		Type:    worst.Severity.String(),
		Text:    strings.Join(lines, "\n"),
	}
	return c
}

// describe is an occurrence in one line.
func describe(f *record.Finding) string {
	text := report.Where(f) + " " + f.Severity.String() + " " + report.Print(f)
	if owner := report.Owner(f); owner != "" {
		text += " (" + owner + ")"
	}
	return text + ": " + f.Context
}
