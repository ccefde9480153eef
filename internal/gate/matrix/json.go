package matrix

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"sluice/internal/gate"
	"sluice/internal/report"
)

// jsonReport is the contract of `sluice gate --format json`: fields may be
// added, not changed.
type jsonReport struct {
	Run      string      `json:"run"`
	Complete bool        `json:"complete"`
	Started  string      `json:"started"` // RFC 3339, UTC
	TookMS   int64       `json:"took_ms"`
	Sluice   string      `json:"sluice"`
	Gateway  jsonGateway `json:"gateway"`
	Requests int         `json:"requests"`
	Core     jsonTotals  `json:"core"`   // the seventeen of the original report
	Beyond   jsonTotals  `json:"beyond"` // the others
	Scores   jsonScores  `json:"scores"`
	Checks   []jsonCheck `json:"checks"`
	Left     []string    `json:"left_behind"`
	Notes    []string    `json:"notes,omitempty"`
	Against  string      `json:"compared_with,omitempty"`
	Changes  []jsonMove  `json:"changes,omitempty"`
}

type jsonGateway struct {
	URL      string   `json:"url"`
	Replicas []string `json:"replicas"`
	Version  string   `json:"version"`
	Versions []string `json:"versions"` // of each replica
	Model    string   `json:"model"`
	Problem  string   `json:"problem,omitempty"`
}

type jsonTotals struct {
	Total        int `json:"total"`
	Passed       int `json:"passed"`
	Failed       int `json:"failed"`
	Inconclusive int `json:"inconclusive"`
	Skipped      int `json:"skipped"`
	Waived       int `json:"waived"`
}

type jsonScores struct {
	Security    jsonScore `json:"security"`
	Operational jsonScore `json:"operational"`
}

type jsonScore struct {
	Passed  int     `json:"passed"`
	Of      int     `json:"of"`
	Percent float64 `json:"percent"`
}

type jsonCheck struct {
	ID       string      `json:"id"`
	System   string      `json:"system"`
	Title    string      `json:"title"`
	Verdict  string      `json:"verdict"`
	Evidence string      `json:"evidence"`
	TookMS   int64       `json:"took_ms"`
	Core     bool        `json:"core"`
	Aspect   string      `json:"aspect"`
	Severity string      `json:"severity"`
	Provider string      `json:"provider_failure,omitempty"`
	Remedy   string      `json:"remedy,omitempty"`
	Waiver   *jsonWaiver `json:"waiver,omitempty"`
}

type jsonWaiver struct {
	Reason  string `json:"reason"`
	Owner   string `json:"owner"`
	Until   string `json:"until"`
	Expired bool   `json:"expired"`
}

type jsonMove struct {
	ID     string `json:"id"`
	Before string `json:"before"`
	Now    string `json:"now"`
}

func writeJSON(w io.Writer, r *gate.Report) error {
	doc := jsonReport{
		Run: r.Run, Complete: r.Complete(), Started: r.Started.Format(timeForm), TookMS: r.Took.Milliseconds(),
		Sluice: r.Version, Requests: r.Requests, Left: orEmpty(r.Leftovers), Notes: r.Notes, Against: r.Compared,
		Gateway: jsonGateway{r.Gateway, orEmpty(r.Replicas), r.Info.Version, orEmpty(r.Info.Versions), r.Model, r.Info.Problem},
		Core:    totals(r, true), Beyond: totals(r, false), Checks: []jsonCheck{},
		Scores: jsonScores{score(r, gate.Security), score(r, gate.Operational)},
	}
	for _, o := range r.Outcomes {
		c := jsonCheck{ID: o.ID, System: o.System, Title: o.Title, Verdict: string(o.Verdict), Evidence: o.Evidence,
			TookMS: o.Took.Milliseconds(), Core: o.Core, Aspect: string(o.Aspect), Severity: o.Severity.String(), Provider: o.Provider}
		if o.Verdict == gate.Fail || o.Verdict == gate.Waived {
			c.Remedy = o.Remedy
		}
		if o.Waiver != nil {
			c.Waiver = &jsonWaiver{o.Waiver.Reason, o.Waiver.Owner, o.Waiver.Until, o.Verdict == gate.Fail}
		}
		doc.Checks = append(doc.Checks, c)
	}
	for _, c := range r.Changes {
		doc.Changes = append(doc.Changes, jsonMove{c.ID, string(c.Before), string(c.Now)})
	}
	text, err := report.AppendJSON(nil, doc)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err = b.WriteTo(w)
	return err
}

// timeForm has no fractions: a report is not that precise.
const timeForm = "2006-01-02T15:04:05Z07:00"

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func score(r *gate.Report, a gate.Aspect) jsonScore {
	s := r.ScoreOf(a)
	return jsonScore{s.Passed, s.Of, float64(int(s.Percent()*10+0.5)) / 10}
}

// totals counts the seventeen, or the others.
func totals(r *gate.Report, core bool) jsonTotals {
	var t jsonTotals
	for _, o := range r.Outcomes {
		if o.Core != core {
			continue
		}
		t.Total++
		switch o.Verdict {
		case gate.Pass:
			t.Passed++
		case gate.Fail:
			t.Failed++
		case gate.Inconclusive:
			t.Inconclusive++
		case gate.Skipped:
			t.Skipped++
		case gate.Waived:
			t.Waived++
		}
	}
	return t
}

// maxReport bounds an earlier report that is read for comparison.
const maxReport = 16 << 20

// ReadVerdicts reads a json report's run and verdicts by check id.
func ReadVerdicts(r io.Reader) (run string, verdicts map[string]gate.Verdict, err error) {
	var doc struct {
		Run    string
		Checks []struct{ ID, Verdict string }
	}
	if err := json.NewDecoder(io.LimitReader(r, maxReport)).Decode(&doc); err != nil {
		return "", nil, fmt.Errorf("read earlier report: %w", err)
	}
	if doc.Run == "" || len(doc.Checks) == 0 {
		return "", nil, fmt.Errorf("read earlier report: not a json report of sluice gate")
	}
	verdicts = map[string]gate.Verdict{}
	for _, c := range doc.Checks {
		verdicts[c.ID] = gate.Verdict(c.Verdict)
	}
	return doc.Run, verdicts, nil
}
