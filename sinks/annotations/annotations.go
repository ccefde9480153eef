// Package annotations marks findings in the run of a build server that takes
// them from a job's output: GitHub Actions and Azure Pipelines. GitLab takes a
// report file instead (sinks/gitlab).
//
// The promise: each annotation is one line that begins with the server's
// command and holds no other, whatever a log, a file name or an alias says.
//
// The limits are the servers': of each level a step shows perLevel, and drops
// what comes later. So the annotations are written at the end, each secret
// once before any twice, and where there are more the last one counts them.
package annotations

import (
	"context"
	"fmt"
	"io"
	"strings"

	"sluice/internal/record"
	"sluice/internal/report"
)

// perLevel is how many annotations of a level GitHub and Azure show for a step.
const perLevel = 10

// Kind is a build server.
type Kind string

// The build servers that are recognised.
const (
	None   Kind = ""
	GitHub Kind = "github"
	GitLab Kind = "gitlab" // has no annotations; its report is a file
	Azure  Kind = "azure"
)

// Detect says which build server runs this process, by the variables that each
// documents for the purpose.
func Detect(lookup func(string) (string, bool)) Kind {
	for _, c := range []struct {
		name string
		kind Kind
	}{{"GITHUB_ACTIONS", GitHub}, {"TF_BUILD", Azure}, {"GITLAB_CI", GitLab}} {
		if v, ok := lookup(c.name); ok && strings.EqualFold(v, "true") {
			return c.kind
		}
	}
	return None
}

// Options is what annotations say besides the findings.
type Options struct {
	Kind Kind
	Root string      // absolute path of the folder that files are relative to
	Run  *report.Run // read at Close
}

// Sink keeps the findings to mark and writes them at Close. It is safe for
// concurrent use.
type Sink struct {
	w       io.Writer
	options Options
	levels  [3]*report.Collection // by level
}

// level is what a server calls a severity.
type level int

const (
	notice level = iota
	warning
	failure
)

func levelOf(s record.Severity) level {
	switch {
	case s >= record.SeverityHigh:
		return failure
	case s == record.SeverityMedium:
		return warning
	}
	return notice
}

// New writes to w, the standard output or error of the job's step, which stays
// the caller's to close.
func New(w io.Writer, o Options) *Sink {
	s := &Sink{w: w, options: o}
	for i := range s.levels {
		s.levels[i] = report.NewCollection(perLevel)
	}
	return s
}

// Write takes the findings of ds that are new.
func (s *Sink) Write(ctx context.Context, ds []record.Delivery) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range ds {
		for j := range ds[i].Findings {
			f := &ds[i].Findings[j]
			one := []record.Delivery{{Findings: ds[i].Findings[j : j+1]}}
			if f.Update { // its severity need not be that of the first delivery
				for _, c := range s.levels {
					c.AddNew(one)
				}
				continue
			}
			s.levels[levelOf(f.Severity)].AddNew(one)
		}
	}
	return nil
}

// annotation is one mark, before the server's form.
type annotation struct {
	level        level
	file         string // relative; empty: none
	line, column int64  // from 1; 0: unknown
	title, text  string
}

// Close writes the annotations, the most severe first.
func (s *Sink) Close(context.Context) error {
	if s.options.Kind != GitHub && s.options.Kind != Azure {
		return nil
	}
	var b strings.Builder
	for l := failure; l >= notice; l-- {
		for _, a := range s.marks(l) {
			if s.options.Kind == GitHub {
				a.github(&b)
			} else {
				a.azure(&b)
			}
		}
	}
	if b.Len() == 0 {
		return nil
	}
	if _, err := io.WriteString(s.w, b.String()); err != nil {
		return fmt.Errorf("write annotations: %w", err)
	}
	return nil
}

// marks are the annotations of a level, at most as many as the server shows.
func (s *Sink) marks(l level) []annotation {
	findings, left := s.levels[l].Findings()
	var list []annotation
	if l == failure && s.options.Run != nil && !s.options.Run.Complete {
		list = append(list, annotation{level: l, title: "Sluice: run not complete", text: strings.Join(s.options.Run.ErrorList(), "; ")})
	}
	for i := range findings {
		list = append(list, s.mark(&findings[i], l))
	}
	if all := int64(len(list)) + left; all > perLevel {
		list = list[:perLevel-1]
		list = append(list, annotation{level: l, title: "Sluice: more secrets",
			text: report.Plural(all-perLevel+1, "more finding is", "more findings are") + " in the report."})
	}
	return list
}

// maxText is the length of an annotation's text, bytes; servers cut at 4 KiB.
const maxText = 2048

func (s *Sink) mark(f *record.Finding, l level) annotation {
	a := annotation{level: l, title: "Secret: " + f.Rule}
	if f.Name != "" {
		a.title += " " + f.Name
	}
	if report.IsFile(f.Origin) {
		a.file = report.Visible(report.Path(s.options.Root, f.Origin))
		a.line, a.column = max(f.Pos.Line, 0), max(f.Pos.ColumnRunes, 0)
	}
	a.text = f.Severity.String() + " in " + report.Where(f)
	if owner := report.Owner(f); owner != "" {
		a.text += ", key: " + owner
	}
	a.text = report.Clip(a.text+", print "+report.Print(f), maxText)
	return a
}
