package sarif

import (
	"net/url"
	"path/filepath"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"sluice/internal/record"
	"sluice/internal/report"
)

// baseID names the root in URIs, as GitHub does. The report does not say where
// the root was: two machines write the same, and no path of one is told.
const baseID = "%SRCROOT%"

// fingerprintName carries the version of how fingerprints are made.
const fingerprintName = "sluice/v1"

// builder makes results of findings.
type builder struct {
	root     string
	rules    *ruleTable
	baseline bool // some finding is in a baseline, so each result has a state
}

// usesBaseline says whether a baseline took part in the run.
func usesBaseline(findings []record.Finding) bool {
	for i := range findings {
		if findings[i].Known && !ignored(&findings[i]) {
			return true
		}
	}
	return false
}

// ignored says that an ignore entry, not the baseline, made f known.
func ignored(f *record.Finding) bool {
	return f.Known && strings.HasPrefix(f.KnownBy, "ignore")
}

func (b *builder) result(f *record.Finding) *sarif.Result {
	id := ruleID(f.Rule)
	r := sarif.NewResult()
	r.RuleID = new(id)
	r.RuleIndex = b.rules.index[id]
	r.Level = level(f.Severity)
	r.Message = message(b.message(f, id))
	r.Locations = []*sarif.Location{b.location(f)}
	r.PartialFingerprints = map[string]string{fingerprintName: report.Fingerprint(f)}
	if ignored(f) {
		s := sarif.NewSuppression()
		s.Kind = new("external")
		s.Status = new("accepted")
		s.Justification = new(f.KnownBy)
		r.Suppressions = []*sarif.Suppression{s}
	}
	if b.baseline {
		r.BaselineState = new("new")
		if f.Known && !ignored(f) {
			r.BaselineState = new("unchanged")
		}
	}
	r.Properties = b.properties(f)
	return r
}

// message is a first sentence for a list, and one on whose the secret is.
// Brackets and braces mean links and arguments in SARIF, so names have none.
func (b *builder) message(f *record.Finding, id string) string {
	rule := b.rules.rules[id]
	text := or(report.Clip(report.Visible(rule.Title()), maxTitle), id) + " in " + report.Place(f.Origin)
	if f.Name != "" {
		text = f.Name + " (" + id + ") in " + report.Place(f.Origin)
	}
	if !f.Whole {
		text = "Part of " + text
	}
	text += "."
	if owner := report.Owner(f); owner != "" {
		text += " Key: " + owner + "."
	}
	return inert.Replace(text + " Print: " + report.Print(f) + ".")
}

var inert = strings.NewReplacer("[", "(", "]", ")", "{", "(", "}", ")")

// properties are what the format has no field for.
func (b *builder) properties(f *record.Finding) *sarif.PropertyBag {
	o := report.NewObject(f)
	p := sarif.NewPropertyBag()
	p.Add("severity", o.Severity.String())
	p.Add("secret", o.Secret)
	p.Add("offset", o.Position.Offset)
	p.Add("next", report.Advice(f, b.rules.rules[ruleID(f.Rule)]))
	if o.Context != "" {
		p.Add("context", o.Context)
	}
	if o.Key != nil {
		p.Add("key", o.Key)
	}
	if o.LogTime != "" {
		p.Add("logTime", o.LogTime)
	}
	return p
}

// location says where f stands: physically for a file, and besides it
// logically for everything that is no file of its own.
func (b *builder) location(f *record.Finding) *sarif.Location {
	l := sarif.NewLocation()
	l.PhysicalLocation = sarif.NewPhysicalLocation()
	l.PhysicalLocation.ArtifactLocation = b.artifact(f.Origin)
	l.PhysicalLocation.Region = region(f.Pos)
	if logical := logicalLocation(f.Origin); logical != nil {
		l.LogicalLocations = []*sarif.LogicalLocation{logical}
	}
	return l
}

// region is the position in code points. Its line is 1 where it is unknown:
// GitHub rejects a file that has a result without a line.
func region(p record.Position) *sarif.Region {
	r := sarif.NewRegion()
	if p.Line < 1 {
		r.StartLine = new(1)
		return r
	}
	end := max(p.EndLine, p.Line)
	r.StartLine, r.EndLine = new(int(p.Line)), new(int(end))
	if p.ColumnRunes > 0 {
		r.StartColumn = new(int(p.ColumnRunes))
		if p.EndColumnRunes > 0 && (end > p.Line || p.EndColumnRunes > p.ColumnRunes) {
			r.EndColumn = new(int(p.EndColumnRunes))
		}
	}
	return r
}

// artifact is the URI of a source: relative to the root for what lies under
// it, file: for other paths, KIND/NAME/STREAM for what is no file.
func (b *builder) artifact(o record.Origin) *sarif.ArtifactLocation {
	a := sarif.NewArtifactLocation()
	path := report.Path(b.root, o)
	switch {
	case !report.IsFile(o):
		a.URI = new(relativeURI(path))
	case filepath.IsAbs(path):
		u := url.URL{Scheme: "file", Path: path}
		a.URI = new(u.String())
	default:
		a.URI, a.URIBaseID = new(relativeURI(path)), new(baseID)
	}
	return a
}

// relativeURI percent-encodes a path. An exclamation mark, which stands between
// an archive and its member, may stay as it is.
func relativeURI(path string) string {
	u := url.URL{Path: path}
	return strings.ReplaceAll(u.String(), "%21", "!")
}

// logicalLocation names what is no file: a member, a container, a topic.
func logicalLocation(o record.Origin) *sarif.LogicalLocation {
	kind, name, full := o.Kind, o.Name, strings.Trim(strings.Join([]string{o.Kind, o.Name, o.Stream}, "/"), "/")
	switch o.Kind {
	case "file":
		return nil
	case "archive":
		kind, full = "member", o.Name
		if _, member, ok := strings.Cut(o.Name, "!"); ok {
			name = member
		}
	case "docker":
		kind = "container"
	case "kafka":
		kind = "topic"
	case "stdin":
		kind, name, full = "stream", "standard input", "stdin"
	}
	l := sarif.NewLogicalLocation()
	l.Kind, l.Name, l.FullyQualifiedName = new(kind), new(report.Visible(name)), new(report.Visible(full))
	return l
}
