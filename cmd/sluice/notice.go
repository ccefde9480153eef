package main

import (
	"context"
	"time"

	"sluice/detectors"
	"sluice/internal/pipeline"
	"sluice/internal/record"
)

// The rules of what Sluice itself has to say while it follows. Their findings
// go where all others go: a sidecar whose own log nobody reads is not silent.
const (
	ruleGap           = "sluice-gap"
	ruleCanary        = "sluice-canary"
	ruleCanaryMissing = "sluice-canary-missing"
)

// noticeKind is the kind of place that notices come from.
const noticeKind = "sluice"

func noticeRules() []detectors.Rule {
	return []detectors.Rule{
		{
			ID: ruleGap, Severity: record.SeverityInfo, Exact: true, Description: "Lines of a log are missing",
			Help: "What should have come next was gone before it was read: rotation or a non-blocking driver took it. What stood there was not examined. " +
				"Keep more of the log (max-size, max-file), or run the gateway under sluice exec.",
		},
		{
			ID: ruleCanary, Severity: record.SeverityInfo, Exact: true, Description: "The false key of --canary",
			Help: "A harmless value that Sluice sent through the gateway to see that it would find it.",
		},
		{
			ID: ruleCanaryMissing, Severity: record.SeverityHigh, Exact: true, Description: "A false key did not come back",
			Help: "Sluice sent a request that the gateway prints, and did not see it in any log that it follows: the source, the gateway's log level " +
				"or the way between them is not what it was. Until it comes back, no finding means nothing.",
		},
	}
}

// notice is a finding of ours: nothing in it comes from a log.
func (d *detection) notice(rule, name, text string, at time.Time) record.Delivery {
	f := record.Finding{
		Origin: record.Origin{Kind: noticeKind, Name: name}, Rule: rule, Severity: d.current.Load().rules[rule].Severity,
		Encoding: record.Plain, Whole: true, Pos: record.Position{Offset: -1}, Time: at, Context: record.Visible(text),
	}
	// Equal notices of one place have one print: they are counted, not repeated.
	f.Print = d.redactor.Print([]byte(rule + "\x00" + name))
	copy(f.Fingerprint[:], f.Print[:])
	return record.Delivery{Origin: f.Origin, Findings: []record.Finding{f}}
}

// tell gives a notice to the sink. One that fails has told its own reason.
func (d *detection) tell(ctx context.Context, to pipeline.Sink, n record.Delivery) error {
	return to.Write(ctx, []record.Delivery{n})
}
