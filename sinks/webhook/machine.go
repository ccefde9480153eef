package webhook

import (
	"time"

	"sluice/internal/record"
	"sluice/internal/report"
)

// jsonType is the type of an event, as Standard Webhooks names them.
const jsonType = "sluice.findings"

type jsonMessage struct {
	Type      string   `json:"type"`
	Timestamp string   `json:"timestamp"`
	Data      jsonData `json:"data"`
}

type jsonData struct {
	Total  int64       `json:"total"` // occurrences
	Alerts []jsonAlert `json:"alerts"`
}

// jsonAlert is a leak; its finding is the object of the jsonl format.
type jsonAlert struct {
	Group   string        `json:"group"`
	Count   int64         `json:"count"`
	First   string        `json:"first_seen"`
	Last    string        `json:"last_seen"`
	Finding report.Object `json:"finding"`
}

func jsonBody(_ *renderer, m *Message) (any, error) {
	out := jsonMessage{Type: jsonType, Timestamp: stamp(m.Time), Data: jsonData{Total: m.Total}}
	for i := range m.Alerts {
		a := &m.Alerts[i]
		out.Data.Alerts = append(out.Data.Alerts, jsonAlert{a.Group, a.Count, stamp(a.First), stamp(a.Last), a.Finding})
	}
	return out, nil
}

// pagerDutyBody is an event of the Events API v2. The same leak is the same
// incident for as long as it is open.
func pagerDutyBody(r *renderer, m *Message) (any, error) {
	key, err := r.cfg.RoutingKey.read(r.cfg.Getenv)
	if err != nil {
		return nil, err
	}
	a := &m.Alerts[0] // its batch is one
	return object{
		"routing_key": key.Reveal(), "event_action": "trigger", "dedup_key": a.Group, "client": "Sluice",
		"payload": object{
			"summary": report.Clip(a.heading()+" in "+a.Where, 1024), "source": nonEmpty(a.Source),
			"severity": pagerDutySeverity(a.Finding.Severity), "timestamp": stamp(a.First),
			"class": a.Rule, "component": "gateway log",
			"custom_details": jsonAlert{a.Group, a.Count, stamp(a.First), stamp(a.Last), a.Finding},
		},
	}, nil
}

func pagerDutySeverity(s record.Severity) string {
	switch s {
	case record.SeverityCritical:
		return "critical"
	case record.SeverityHigh:
		return "error"
	case record.SeverityMedium:
		return "warning"
	}
	return "info"
}

func nonEmpty(s string) string {
	if s == "" {
		return "unnamed"
	}
	return s
}

// alertmanagerBody is what its API v2 takes at /api/v2/alerts. An alert fires
// until its window is over; a leak told again then prolongs it.
func alertmanagerBody(r *renderer, m *Message) (any, error) {
	var alerts []any
	for i := range m.Alerts {
		a := &m.Alerts[i]
		alerts = append(alerts, object{
			"labels": map[string]string{
				"alertname": "SluiceSecretLeaked", "rule": nonEmpty(a.Rule), "severity": a.Severity,
				"source": nonEmpty(a.Source), "print": a.Print, "group": a.Group,
			},
			"annotations": map[string]string{
				"summary": a.heading() + " in " + a.Where, "description": a.Advice, "owner": a.Owner,
				"context": a.Context, "count": report.Count(a.Count), "seen": a.Seen,
			},
			"startsAt": m.Time.Format(time.RFC3339Nano), "endsAt": m.Time.Add(r.cfg.Window).Format(time.RFC3339Nano),
		})
	}
	return alerts, nil
}
