// Package gitlab writes findings as GitLab's secret detection report, for
// artifacts:reports:secret_detection.
//
// The promise: the file is valid against GitLab's published schema (15.x) with
// any text in any field; a vulnerability has the same id in every pipeline; an
// incomplete run has status failure and its errors as messages; the file is
// put in place by a rename.
//
// The limits: MaxFindings findings, the most severe, and a message counts the
// others. Known findings are left out, as GitLab has no such state and would
// ask for the decision again. Each vulnerability must name a commit: it is the
// one given, or the form GitLab's own analyzer writes for what is in none.
package gitlab

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"sluice/internal/record"
	"sluice/internal/report"
)

// MaxFindings bounds what is kept until the end, at about 1 KiB each.
const MaxFindings = 25_000

// schemaVersion is the schema the report declares. Its required fields are
// those of all 15.x; servers accept the older ones longest.
const schemaVersion = "15.0.7"

// noCommit is what GitLab's analyzer writes outside of a repository.
const noCommit = "0000000"

// The schema's bounds, characters; bytes are the stricter count.
const (
	maxName     = 255
	maxSolution = 7000
)

// Options is what a report says besides its findings.
type Options struct {
	Rules  []report.Rule
	Run    *report.Run // read at Close
	Root   string      // absolute path of the folder that files are relative to
	Commit string      // SHA that the job runs for (CI_COMMIT_SHA); empty: none
}

// Sink collects findings and writes the report at Close. It is safe for
// concurrent use.
type Sink struct {
	path     string
	options  Options
	rules    report.Rules
	findings *report.Collection
}

// New makes a sink for a file at path. It says at once if the file can't be
// written there, and leaves nothing behind before Close.
func New(path string, o Options) (*Sink, error) {
	if err := report.Check(path); err != nil {
		return nil, err
	}
	if o.Commit = report.Short(o.Commit); o.Commit == "" {
		o.Commit = noCommit
	}
	return &Sink{path: path, options: o, rules: report.Index(o.Rules), findings: report.NewCollection(MaxFindings)}, nil
}

// Write takes the findings of ds that are new.
func (s *Sink) Write(ctx context.Context, ds []record.Delivery) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.findings.AddNew(ds)
	return nil
}

// noVulnerabilities is where they go into the frame; no text can look like it,
// as its quotes would be escaped.
var noVulnerabilities = []byte(`"vulnerabilities":[]`)

// Close writes the report, also when ctx is over.
func (s *Sink) Close(context.Context) error {
	findings, left := s.findings.Findings()
	frame, err := report.AppendJSON(nil, document{Version: schemaVersion, Scan: s.scan(left), Vulnerabilities: []vulnerability{}})
	if err != nil {
		return fmt.Errorf("write GitLab report: %w", err)
	}
	head, tail, ok := bytes.Cut(frame, noVulnerabilities)
	if !ok {
		return errors.New("write GitLab report: the frame has no place for findings")
	}
	ids := map[string]int{}
	return report.WriteFile(s.path, func(w *bufio.Writer) error {
		if _, err := w.Write(append(head, `"vulnerabilities":`...)); err != nil {
			return err
		}
		err := report.WriteArray(w, len(findings), func(i int) any { return s.vulnerability(&findings[i], ids) })
		if err != nil {
			return err
		}
		_, err = w.Write(append(tail, '\n'))
		return err
	})
}

func (s *Sink) scan(left int64) scan {
	t := tool{ID: "sluice", Name: "Sluice", Version: "unknown", Vendor: vendor{"Sluice"}}
	out := scan{Type: "secret_detection", Status: "failure"}
	run := s.options.Run
	if run.IsComplete() {
		out.Status = "success"
	}
	var started, ended time.Time
	if run != nil {
		started, ended = run.Started, run.Ended
		if v := report.Short(run.Version); v != "" {
			t.Version = v
		}
		for _, text := range report.Messages(run.Notes) {
			out.add("info", text)
		}
	}
	for _, text := range run.ErrorList() {
		out.add("warn", text)
	}
	if left > 0 {
		out.add("warn", report.Plural(left, "finding", "findings")+" left out; these are the most severe")
	}
	out.Analyzer, out.Scanner = t, t
	out.StartTime, out.EndTime = utc(started), utc(ended)
	return out
}

// add adds a message; the schema wants none that is empty.
func (s *scan) add(level, text string) {
	if text != "" {
		s.Messages = append(s.Messages, message{level, text})
	}
}

// utc prints a time as the schema has it, without a zone or fractions. An
// unknown time is that of the epoch: the field is required.
func utc(t time.Time) string {
	if t.IsZero() {
		t = time.Unix(0, 0)
	}
	return t.UTC().Format("2006-01-02T15:04:05")
}

// vulnerability is f in GitLab's terms. ids counts equal ones, which must
// differ within a report.
func (s *Sink) vulnerability(f *record.Finding, ids map[string]int) vulnerability {
	rule := s.rules.Of(f)
	id := f.Rule
	if id == "" {
		id = "unnamed"
	}
	file := report.Visible(report.Path(s.options.Root, f.Origin))
	v := vulnerability{
		Category:    "secret_detection",
		Name:        report.Clip(report.Visible(rule.Title()), maxName),
		Description: description(f, rule),
		Severity:    severity(f.Severity),
		Solution:    report.Clip(report.Advice(f, rule), maxSolution),
		Identifiers: []identifier{{"sluice_rule_id", "Sluice rule ID " + id, id}},
		Location:    location{File: file, Commit: commit{s.options.Commit}},
	}
	if f.Pos.Line > 0 {
		v.Location.StartLine, v.Location.EndLine = f.Pos.Line, max(f.Pos.EndLine, f.Pos.Line)
	}
	if u, err := url.Parse(rule.HelpURI); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		v.Links = []link{{u.String()}}
	}
	key := report.Fingerprint(f) + "\x00" + file + "\x00" + id
	v.ID = uuid(key + "\x00" + strconv.Itoa(ids[key]))
	ids[key]++
	return v
}

// description says what was found and whose it is. GitLab renders Markdown
// here, so what comes from outside stands in code, without backticks of its
// own.
func description(f *record.Finding, rule report.Rule) string {
	text := report.Clip(report.Visible(rule.Description), maxSolution)
	if owner := report.Owner(f); owner != "" {
		text += "\n\nKey: " + code(owner)
	}
	if f.Name != "" {
		text += "\n\nSecret: " + code(f.Name)
	}
	if !f.Whole {
		text += "\n\nOnly a part of the secret was found."
	}
	return text + "\n\nPrint: " + code(report.Print(f)) + "\n\nContext: " + code(f.Context)
}

// code is s as inline code of Markdown.
func code(s string) string {
	b := []byte("`")
	for i := range len(s) {
		if s[i] == '`' {
			b = append(b, '\'')
		} else {
			b = append(b, s[i])
		}
	}
	return string(append(b, '`'))
}

func severity(s record.Severity) string {
	switch s {
	case record.SeverityCritical:
		return "Critical"
	case record.SeverityHigh:
		return "High"
	case record.SeverityMedium:
		return "Medium"
	case record.SeverityLow:
		return "Low"
	case record.SeverityInfo:
		return "Info"
	}
	return "Unknown"
}

// uuid is a name-based UUID (version 8: SHA-256) of key.
func uuid(key string) string {
	u := sha256.Sum256([]byte("sluice/gitlab\x00" + key))
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:16])
}
