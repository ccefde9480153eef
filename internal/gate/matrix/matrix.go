// Package matrix writes a gate.Report in the forms that people (text,
// markdown, html) and machines (json, junit, sarif) read.
//
// The promise: one document, three looks: what text, markdown and html say is
// the same. Everything written has passed the run's gate.Scrubber; what came
// from the gateway can neither steer a terminal nor escape its place in the
// format. The json form is a contract (see JSON).
package matrix

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"sluice/internal/gate"
)

// Formats lists what Write knows, sorted.
func Formats() []string { return []string{"html", "json", "junit", "markdown", "sarif", "text"} }

// Write writes the report in a format, through the scrubber.
func Write(w io.Writer, format string, r *gate.Report, scrub *gate.Scrubber) error {
	var b bytes.Buffer
	var err error
	switch format {
	case "json":
		err = writeJSON(&b, r)
	case "text":
		err = document(r).text(&b)
	case "markdown":
		err = document(r).markdown(&b)
	case "html":
		err = document(r).html(&b)
	case "junit":
		err = writeJUnit(&b, r)
	case "sarif":
		err = writeSARIF(&b, r)
	default:
		return fmt.Errorf("report format %q: want one of %v", format, Formats())
	}
	if err != nil {
		return fmt.Errorf("write %s report: %w", format, err)
	}
	_, err = w.Write(scrub.Bytes(b.Bytes()))
	return err
}

// bySystem is the outcomes of each system that has any, in report order.
func bySystem(r *gate.Report) []section {
	var all []section
	for _, s := range gate.Systems() {
		sec := section{System: s}
		for _, o := range r.Outcomes {
			if o.System == s.ID {
				sec.outcomes = append(sec.outcomes, o)
			}
		}
		if len(sec.outcomes) > 0 {
			all = append(all, sec)
		}
	}
	return all
}

type section struct {
	gate.System
	outcomes []gate.Outcome
}

// has says whether an outcome of the section has one of the verdicts.
func (s section) has(verdicts ...gate.Verdict) bool {
	return slices.ContainsFunc(s.outcomes, func(o gate.Outcome) bool { return slices.Contains(verdicts, o.Verdict) })
}

// providerFailed says that authentication passed and a provider then failed.
func (s section) providerFailed() bool {
	return slices.ContainsFunc(s.outcomes, func(o gate.Outcome) bool { return o.Provider != "" })
}

// core is the outcomes that are, or are not, among the seventeen.
func (s section) core(yes bool) []gate.Outcome {
	return slices.DeleteFunc(slices.Clone(s.outcomes), func(o gate.Outcome) bool { return o.Core != yes })
}

// mark is the section's sign: green only if all of it was proven.
func (s section) mark() string {
	switch {
	case s.has(gate.Fail):
		return signs[gate.Fail]
	case s.has(gate.Inconclusive):
		return signs[gate.Inconclusive]
	case s.has(gate.Waived):
		return signs[gate.Waived]
	case !s.has(gate.Pass):
		return signs[gate.Skipped]
	case s.providerFailed():
		return "✅ (Security) ⚠️ (Functionality)"
	}
	return signs[gate.Pass]
}

var signs = map[gate.Verdict]string{
	gate.Pass: "✅", gate.Fail: "❌", gate.Inconclusive: "⚠️", gate.Skipped: "⏭️", gate.Waived: "📝",
}

var words = map[gate.Verdict]string{
	gate.Pass: "PASS", gate.Fail: "FAIL", gate.Inconclusive: "INCONCLUSIVE", gate.Skipped: "SKIPPED", gate.Waived: "WAIVED",
}
