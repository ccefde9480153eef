// Package sarif writes findings as SARIF 2.1.0, for code scanning services and
// viewers.
//
// The promise: the file is valid against the published schema with any text in
// any field, with no findings too; it is put in place by a rename, so that what
// stands at the path is always a whole report; a run that did not examine
// everything has executionSuccessful false and says why. Each result has a
// position in code points, a URI relative to the root or percent-encoded
// whole, and the fingerprint that does not move with the line.
//
// The limits are GitHub's, which rejects a file beyond them: MaxResults results
// in one run. When there are more, the most severe are kept and a notification
// counts the others. 25,000 results take about 20 MB, well under 10 MB packed.
// GitHub wants a physical location for every result, so containers, topics and
// standard input get a relative URI of their kind and name beside the logical
// location; no file of that name exists.
package sarif

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"sluice/internal/record"
	"sluice/internal/report"
)

// MaxResults is GitHub's limit of results in a run. It shows 5,000 of them.
const MaxResults = 25_000

// Options is what a report says besides its findings.
type Options struct {
	Rules    []report.Rule
	Run      *report.Run // read at Close
	Root     string      // absolute path of the folder that URIs are relative to
	Category string      // tells this run from others of the tool over the same code; default "scan"
}

// Sink collects findings and writes the report at Close. It is safe for
// concurrent use.
type Sink struct {
	path     string
	options  Options
	findings *report.Collection
}

// New makes a sink for a file at path. It says at once if the file can't be
// written there, and leaves nothing behind before Close.
func New(path string, o Options) (*Sink, error) {
	if err := report.Check(path); err != nil {
		return nil, err
	}
	if o.Category == "" {
		o.Category = "scan"
	}
	return &Sink{path: path, options: o, findings: report.NewCollection(MaxResults)}, nil
}

// Write takes the findings of ds.
func (s *Sink) Write(ctx context.Context, ds []record.Delivery) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.findings.Add(ds)
	return nil
}

// Close writes the report, also when ctx is over: an interrupted run leaves a
// report of what it found.
func (s *Sink) Close(context.Context) error {
	findings, left := s.findings.Findings()
	rules := newRuleTable(s.options.Rules, findings)
	frame, err := s.frame(rules, left)
	if err != nil {
		return err
	}
	head, tail, ok := bytes.Cut(frame, noResults)
	if !ok || bytes.Contains(tail, noResults) {
		return errors.New("write SARIF: the frame has no single place for results")
	}
	return report.WriteFile(s.path, func(w *bufio.Writer) error {
		if _, err := w.Write(head); err != nil {
			return err
		}
		if err := s.results(w, findings, rules); err != nil {
			return err
		}
		_, err := w.Write(append(tail, '\n'))
		return err
	})
}

// noResults is where the results go into the frame. Quotes within a JSON
// string are escaped, so no text can look like it.
var noResults = []byte(`"results":[]`)

// results writes one result at a time: 25,000 of the library's objects at once
// would be 50 MB.
func (s *Sink) results(w *bufio.Writer, findings []record.Finding, rules *ruleTable) error {
	if _, err := w.WriteString(`"results":`); err != nil {
		return err
	}
	build := builder{root: s.options.Root, rules: rules, baseline: usesBaseline(findings)}
	return report.WriteArray(w, len(findings), func(i int) any { return build.result(&findings[i]) })
}

// frame is the report without results.
func (s *Sink) frame(rules *ruleTable, left int64) ([]byte, error) {
	run := sarif.NewRun()
	run.Tool = sarif.NewTool()
	run.Tool.Driver = sarif.NewToolComponent()
	run.Tool.Driver.Name = new("Sluice")
	run.Tool.Driver.Rules = rules.descriptors
	if s.options.Run != nil && s.options.Run.Version != "" {
		run.Tool.Driver.Version = new(report.Short(s.options.Run.Version))
	}
	run.ColumnKind = new("unicodeCodePoints")
	run.AutomationDetails = sarif.NewRunAutomationDetails()
	run.AutomationDetails.ID = new("sluice/" + report.Short(s.options.Category) + "/")
	run.Invocations = []*sarif.Invocation{s.invocation(left)}
	run.Results = []*sarif.Result{}

	log := sarif.NewReport()
	log.AddRun(run)
	frame, err := report.AppendJSON(nil, log)
	if err != nil {
		return nil, fmt.Errorf("write SARIF: %w", err)
	}
	if !json.Valid(frame) {
		return nil, errors.New("write SARIF: the frame is not JSON")
	}
	return frame, nil
}

// invocation says how the run went.
func (s *Sink) invocation(left int64) *sarif.Invocation {
	v := sarif.NewInvocation()
	v.ExecutionSuccessful = new(s.options.Run.IsComplete())
	run := s.options.Run
	for _, text := range run.ErrorList() {
		v.ToolExecutionNotifications = append(v.ToolExecutionNotifications, notification(sarif.LevelError, text))
	}
	if left > 0 {
		text := fmt.Sprintf("%s left out: the report holds the %s most severe.",
			report.Plural(left, "finding was", "findings were"), report.Count(MaxResults))
		v.ToolExecutionNotifications = append(v.ToolExecutionNotifications, notification(sarif.LevelWarning, text))
	}
	v.Properties = sarif.NewPropertyBag()
	v.Properties.Add("complete", run.IsComplete())
	v.Properties.Add("leftOut", left)
	if run == nil {
		return v
	}
	for _, text := range report.Messages(run.Notes) {
		v.ToolExecutionNotifications = append(v.ToolExecutionNotifications, notification(sarif.LevelNote, text))
	}
	v.StartTimeUtc, v.EndTimeUtc = utc(run.Started), utc(run.Ended)
	v.Properties.Add("sources", run.Sources).Add("records", run.Records).
		Add("bytes", run.Bytes).Add("withheld", run.Withheld)
	return v
}

func notification(level, text string) *sarif.Notification {
	n := sarif.NewNotification()
	n.Level = level
	n.Message = message(text)
	return n
}

// utc prints a time as SARIF has it; nil for none.
func utc(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC().Format("2006-01-02T15:04:05.000Z"))
}
