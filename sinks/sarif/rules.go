package sarif

import (
	"net/url"
	"slices"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"sluice/internal/record"
	"sluice/internal/report"
)

// maxTags is how many tags of a rule GitHub shows; it rejects more than 20.
const maxTags = 10

// The bounds of a rule's texts, bytes. Those of the rules shipped are shorter.
const (
	maxTitle = 256
	maxText  = 1024
	maxHelp  = 8192
)

// ruleTable is the descriptors of a run, each id once, in order of their ids:
// code scanning services reject a file that has one twice.
type ruleTable struct {
	descriptors []*sarif.ReportingDescriptor
	index       map[string]int
	rules       report.Rules
}

// newRuleTable describes the rules declared and those that findings name
// besides.
func newRuleTable(declared []report.Rule, findings []record.Finding) *ruleTable {
	byID := report.Rules{}
	for _, r := range declared {
		r.ID = ruleID(r.ID)
		if _, ok := byID[r.ID]; !ok {
			byID[r.ID] = r
		}
	}
	for i := range findings {
		id := ruleID(findings[i].Rule)
		if _, ok := byID[id]; !ok {
			r := byID.Of(&findings[i])
			r.ID = id
			byID[id] = r
		}
	}
	t := &ruleTable{index: make(map[string]int, len(byID)), rules: byID}
	t.descriptors = make([]*sarif.ReportingDescriptor, 0, len(byID))
	ids := make([]string, 0, len(byID))
	for id := range byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for i, id := range ids {
		t.index[id] = i
		t.descriptors = append(t.descriptors, descriptor(byID[id]))
	}
	return t
}

// ruleID is an id as the report has it, never empty.
func ruleID(id string) string {
	if id = report.Short(id); id == "" {
		return "unnamed"
	}
	return id
}

func descriptor(r report.Rule) *sarif.ReportingDescriptor {
	d := sarif.NewReportingDescriptor()
	d.ID = new(r.ID)
	d.ShortDescription = text(report.Clip(report.Visible(r.Title()), maxTitle), "")
	d.FullDescription = text(or(report.Clip(report.Visible(r.Description), maxText), *d.ShortDescription.Text), "")
	d.Help = text(or(help(r.Help), "Revoke the secret where it was issued, put a new one in its place, and find out how it came into the log."),
		help(r.HelpMarkdown))
	if link, err := url.Parse(r.HelpURI); err == nil && (link.Scheme == "https" || link.Scheme == "http") && link.Host != "" {
		d.HelpURI = new(report.Clip(link.String(), maxText))
	}
	d.DefaultConfiguration = sarif.NewReportingConfiguration()
	d.DefaultConfiguration.Level = level(r.Severity)
	d.Properties = sarif.NewPropertyBag()
	d.Properties.Add("security-severity", securitySeverity(r.Severity))
	d.Properties.Add("precision", precision(r.Precision))
	d.Properties.Add("problem.severity", problemSeverity(r.Severity))
	d.Properties.Tags = tags(r.Tags)
	return d
}

// help keeps the lines of a help text; each is made visible.
func help(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i, line := range lines {
		lines[i] = report.Visible(strings.TrimSuffix(line, "\r"))
	}
	return report.Clip(strings.Join(lines, "\n"), maxHelp)
}

// tags are ours and the rule's, each once.
func tags(list []string) []string {
	out := []string{"security", "secret"}
	for _, t := range list {
		t = report.Short(t)
		if t != "" && len(out) < maxTags && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// precision is one of the four words that GitHub knows.
func precision(p string) string {
	switch p {
	case "very-high", "high", "medium", "low":
		return p
	}
	return "high"
}

// level is how SARIF calls a severity.
func level(s record.Severity) string {
	switch {
	case s >= record.SeverityHigh:
		return sarif.LevelError
	case s == record.SeverityMedium:
		return sarif.LevelWarning
	}
	return sarif.LevelNote
}

// problemSeverity is how GitHub calls a level where there is no
// security-severity.
func problemSeverity(s record.Severity) string {
	if l := level(s); l != sarif.LevelNote {
		return l
	}
	return "recommendation"
}

// securitySeverity is a number in GitHub's bands: critical from 9.0, high from
// 7.0, medium from 4.0, low above 0; 0.0 is no severity.
func securitySeverity(s record.Severity) string {
	switch s {
	case record.SeverityCritical:
		return "9.5"
	case record.SeverityHigh:
		return "8.0"
	case record.SeverityMedium:
		return "5.5"
	case record.SeverityLow:
		return "3.0"
	}
	return "0.0"
}

func text(plain, markdown string) *sarif.MultiformatMessageString {
	m := sarif.NewMultiformatMessageString()
	m.Text = new(plain)
	if markdown != "" {
		m.Markdown = new(markdown)
	}
	return m
}

func message(s string) *sarif.Message {
	m := sarif.NewMessage()
	m.Text = new(s)
	return m
}

// or is s, or the other if s is empty: the schema wants no empty texts.
func or(s, other string) string {
	if s != "" {
		return s
	}
	return other
}
