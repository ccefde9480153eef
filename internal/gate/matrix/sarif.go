package matrix

import (
	"io"
	"strings"
	"time"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"sluice/internal/gate"
	"sluice/internal/record"
	"sluice/internal/report"
)

// writeSARIF makes a rule and a result of each check. A result's kind is the
// verdict: pass, fail, open for inconclusive, notApplicable for skipped; a
// waiver is a suppression.
func writeSARIF(w io.Writer, r *gate.Report) error {
	run := sarif.NewRun()
	run.Tool = sarif.NewTool()
	run.Tool.Driver = sarif.NewToolComponent()
	run.Tool.Driver.Name = new("Sluice gate")
	if r.Version != "" {
		run.Tool.Driver.Version = new(report.Short(r.Version))
	}
	run.AutomationDetails = sarif.NewRunAutomationDetails()
	run.AutomationDetails.ID = new("sluice/gate/")
	run.Invocations = []*sarif.Invocation{invocation(r)}
	run.Results = []*sarif.Result{}
	for i, o := range r.Outcomes {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, descriptor(o))
		run.Results = append(run.Results, result(o, i))
	}
	log := sarif.NewReport()
	log.AddRun(run)
	text, err := report.AppendJSON(nil, log)
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

func invocation(r *gate.Report) *sarif.Invocation {
	v := sarif.NewInvocation()
	v.ExecutionSuccessful = new(r.Complete())
	v.StartTimeUtc, v.EndTimeUtc = instant(r.Started), instant(r.Started.Add(r.Took))
	for _, text := range append(append([]string(nil), r.Notes...), r.Leftovers...) {
		n := sarif.NewNotification()
		n.Level = sarif.LevelWarning
		n.Message = sarif.NewTextMessage(plain(text))
		v.ToolExecutionNotifications = append(v.ToolExecutionNotifications, n)
	}
	v.Properties = sarif.NewPropertyBag()
	v.Properties.Add("gateway", plain(r.Gateway)).Add("run", r.Run).Add("complete", r.Complete()).
		Add("litellmVersion", plain(r.Info.Version))
	return v
}

func instant(t time.Time) *string { return new(t.UTC().Format("2006-01-02T15:04:05.000Z")) }

func ruleID(o gate.Outcome) string { return "gate-" + o.ID }

func descriptor(o gate.Outcome) *sarif.ReportingDescriptor {
	d := sarif.NewReportingDescriptor()
	d.ID = new(ruleID(o))
	d.ShortDescription = multiformat(plain(o.ID + ". " + o.Title))
	d.Help = multiformat(plain(o.Remedy))
	d.DefaultConfiguration = sarif.NewReportingConfiguration()
	d.DefaultConfiguration.Level = level(o.Severity)
	d.Properties = sarif.NewPropertyBag()
	d.Properties.Add("security-severity", securitySeverity(o.Severity)).Add("tags", []string{"security", o.System})
	return d
}

func multiformat(text string) *sarif.MultiformatMessageString {
	m := sarif.NewMultiformatMessageString()
	m.Text = new(text)
	return m
}

func result(o gate.Outcome, index int) *sarif.Result {
	r := sarif.NewResult()
	r.RuleID, r.RuleIndex = new(ruleID(o)), index
	r.Message = sarif.NewTextMessage(plain(o.ID + ". " + o.Title + ": " + o.Evidence))
	r.Level = sarif.LevelNone
	switch o.Verdict {
	case gate.Fail, gate.Waived:
		r.Kind, r.Level = "fail", level(o.Severity)
	case gate.Inconclusive:
		r.Kind = "open"
	case gate.Skipped:
		r.Kind = "notApplicable"
	default:
		r.Kind = "pass"
	}
	if o.Verdict == gate.Waived {
		s := sarif.NewSuppression()
		s.Kind, s.Status = new("external"), new("accepted")
		s.Justification = new(plain(waiverWords(o)))
		r.Suppressions = []*sarif.Suppression{s}
	}
	r.Locations = []*sarif.Location{location(o)}
	r.PartialFingerprints = map[string]string{"sluiceGate/v1": ruleID(o)}
	r.Properties = sarif.NewPropertyBag()
	r.Properties.Add("verdict", string(o.Verdict)).Add("system", o.System)
	return r
}

// location names the check: code scanning services want a file for each
// result, and there is none of that name.
func location(o gate.Outcome) *sarif.Location {
	l := sarif.NewLocation()
	l.PhysicalLocation = sarif.NewPhysicalLocation()
	l.PhysicalLocation.ArtifactLocation = sarif.NewArtifactLocation()
	l.PhysicalLocation.ArtifactLocation.URI = new("gateway/" + o.System)
	l.PhysicalLocation.Region = sarif.NewRegion()
	l.PhysicalLocation.Region.StartLine = new(1)
	logical := sarif.NewLogicalLocation()
	logical.FullyQualifiedName, logical.Kind = new("gate/"+o.System+"/"+o.ID), new("resource")
	l.LogicalLocations = []*sarif.LogicalLocation{logical}
	return l
}

func level(s record.Severity) string {
	switch {
	case s >= record.SeverityHigh:
		return sarif.LevelError
	case s >= record.SeverityMedium:
		return sarif.LevelWarning
	}
	return sarif.LevelNote
}

func securitySeverity(s record.Severity) string {
	switch s {
	case record.SeverityCritical:
		return "9.5"
	case record.SeverityHigh:
		return "8.0"
	case record.SeverityMedium:
		return "5.5"
	}
	return "2.0"
}

// plain is text in which SARIF sees no link and no argument.
func plain(s string) string {
	s = strings.NewReplacer("[", "(", "]", ")", "{", "(", "}", ")").Replace(inert(s))
	if strings.TrimSpace(s) == "" {
		return "none"
	}
	return s
}
