package webhook

import (
	"errors"
	"fmt"
	"time"

	"sluice/internal/record"
	"sluice/internal/report"
)

// Format is the form of a message's body.
type Format string

// The formats. FormatJSON is the body that Standard Webhooks describes.
const (
	FormatJSON         Format = "json"
	FormatSlack        Format = "slack"
	FormatTeams        Format = "teams"
	FormatDiscord      Format = "discord"
	FormatPagerDuty    Format = "pagerduty"
	FormatAlertmanager Format = "alertmanager"
	FormatTemplate     Format = "template"
)

// ParseFormat reads a format's name.
func ParseFormat(name string) (Format, error) {
	if _, ok := specOf(Format(name)); !ok {
		return "", fmt.Errorf("format %q: want json, slack, teams, discord, pagerduty, alertmanager or template", name)
	}
	return Format(name), nil
}

// spec is what a format can bear.
type spec struct {
	batch int           // findings a message
	pace  time.Duration // between messages: chats take about one a second
	body  func(r *renderer, m *Message) (any, error)
}

func specOf(f Format) (spec, bool) {
	switch f {
	case FormatJSON:
		return spec{batch: 100, body: jsonBody}, true
	case FormatSlack:
		return spec{batch: 10, pace: time.Second, body: slackBody}, true
	case FormatTeams:
		return spec{batch: 5, pace: time.Second, body: teamsBody}, true // 28 KB a message
	case FormatDiscord:
		return spec{batch: 5, pace: time.Second, body: discordBody}, true // 6000 characters a message
	case FormatPagerDuty:
		return spec{batch: 1, body: pagerDutyBody}, true
	case FormatAlertmanager:
		return spec{batch: 100, body: alertmanagerBody}, true
	case FormatTemplate:
		return spec{batch: 100}, true
	}
	return spec{}, false
}

// Message is what a template is given.
type Message struct {
	ID     string    // webhook-id
	Time   time.Time // when it was put together
	Total  int64     // occurrences, over all alerts
	Alerts []Alert
}

// Alert is a leak as people read it. Its strings hold no control character;
// those that a log's author can choose are Source, Where, Owner, Context and
// Secret, and a format must not act on them.
type Alert struct {
	Group       string // the same for the same leak, 32 hex digits
	Rule        string
	Title       string // of the rule
	Severity    string
	Secret      string // what a told secret is called
	Print       string // keyed print of the secret, 16 hex digits
	Source      string
	Where       string // Source with the line
	Owner       string
	Context     string // the redacted line
	Advice      string
	Seen        string // "seen 1,000 times between … and …"
	Count       int64
	First, Last time.Time
	Update      bool          // its owner became known; it was told of before
	Finding     report.Object // the newest form of the first finding
}

// renderer makes bodies.
type renderer struct {
	cfg      *Config
	spec     spec
	rules    report.Rules
	template *userTemplate
}

func newRenderer(cfg *Config) (*renderer, error) {
	s, ok := specOf(cfg.Format)
	if !ok {
		return nil, fmt.Errorf("format %q is unknown", string(cfg.Format))
	}
	r := &renderer{cfg: cfg, spec: s, rules: report.Index(cfg.Rules)}
	if cfg.Format != FormatTemplate {
		return r, nil
	}
	if cfg.Template == "" {
		return nil, errors.New("format template needs a template")
	}
	var err error
	if r.template, err = parseTemplate(cfg.Template, cfg.ContentType); err != nil {
		return nil, err
	}
	// A template that can't be carried out is found here and not at the first
	// leak.
	_, _, err = r.render(&message{id: "msg_check", at: cfg.Now()}, []leak{sampleLeak(cfg.Now())})
	return r, err
}

func sampleLeak(now time.Time) leak {
	return leak{count: 2, first: now, last: now, finding: &record.Finding{
		Origin: record.Origin{Kind: "docker", Name: "litellm-gateway-1", Stream: "stderr"}, Rule: "litellm-virtual-key",
		Severity: record.SeverityCritical, Whole: true, Pos: record.Position{Line: 812, Column: 41, Offset: -1, Length: 25},
		Key: &record.KeyInfo{Alias: "team-a-ci", State: record.KeyLive},
	}}
}

// render makes the body of a message. The same message has the same body each
// time.
func (r *renderer) render(m *message, leaks []leak) (contentType string, body []byte, err error) {
	shown := &Message{ID: m.id, Time: m.at.UTC()}
	for i := range leaks {
		a := r.alert(&leaks[i])
		shown.Total += a.Count
		shown.Alerts = append(shown.Alerts, a)
	}
	if r.template != nil {
		return r.template.body(shown)
	}
	v, err := r.spec.body(r, shown)
	if err != nil {
		return "", nil, err
	}
	body, err = report.AppendJSON(nil, v)
	return "application/json; charset=utf-8", body, err
}

func (r *renderer) alert(l *leak) Alert {
	f := l.finding
	rule := r.rules.Of(f)
	a := Alert{
		Group: l.key.String(), Rule: report.Short(f.Rule), Title: report.Short(rule.Title()), Severity: f.Severity.String(),
		Secret: report.Short(f.Name), Print: report.Print(f), Source: report.Place(f.Origin), Where: report.Where(f),
		Owner: report.Owner(f), Context: report.Context(f, maxContext), Advice: report.Advice(f, rule),
		Count: l.count, First: l.first.UTC(), Last: l.last.UTC(), Update: f.Update, Finding: report.NewObject(f),
	}
	a.Seen = "seen once, " + minute(a.First)
	if l.count > 1 {
		a.Seen = "seen " + report.Count(l.count) + " times, from " + minute(a.First) + " to " + minute(a.Last)
	}
	return a
}

// stamp prints a time in UTC with milliseconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func minute(t time.Time) string { return t.Format("2006-01-02 15:04:05 UTC") }

// heading is the line above an alert.
func (a *Alert) heading() string {
	if a.Update {
		return "owner found: " + a.Title
	}
	return a.Severity + ": " + a.Title
}

// facts are the named parts of an alert, those that it has.
func (a *Alert) facts() (list [][2]string) {
	for _, f := range [][2]string{
		{"Where", a.Where}, {"Key", a.Owner}, {"Secret", a.Secret}, {"Line", a.Context}, {"Seen", a.Seen}, {"Print", a.Print},
	} {
		if f[1] != "" {
			list = append(list, f)
		}
	}
	return list
}

// summary is one line on a message. Rules are named by ids from rule files; a
// log's text has no part in it.
func (m *Message) summary() string {
	worst, update := record.SeverityNone, true
	for i := range m.Alerts {
		worst = max(worst, m.Alerts[i].Finding.Severity)
		update = update && m.Alerts[i].Update
	}
	if update {
		return "Sluice: owners of " + report.Plural(int64(len(m.Alerts)), "leaked secret", "leaked secrets") + " were found"
	}
	text := "Sluice: " + report.Plural(int64(len(m.Alerts)), "leaked secret", "leaked secrets")
	if m.Total > int64(len(m.Alerts)) {
		text += ", seen " + report.Count(m.Total) + " times"
	}
	return text + ", up to " + worst.String()
}
