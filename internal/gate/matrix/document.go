package matrix

import (
	"fmt"
	"strings"

	"sluice/internal/gate"
	"sluice/internal/report"
)

// document lays the report out in the form of the one this project started from.
func document(r *gate.Report) *doc {
	d := &doc{}
	header(d, r)
	summary(d, r)
	results(d, r)
	curls(d, r)
	findings(d, r)
	coverage(d, r)
	waived(d, r)
	changes(d, r)
	conclusion(d, r)
	return d
}

func header(d *doc, r *gate.Report) {
	d.add(banner, "GATE: SECURITY + MULTI-TENANCY VALIDATION REPORT")
	environment := "Gateway (" + inert(r.Gateway) + ")"
	if len(r.Replicas) > 1 {
		environment = "HA Stack with Load Balancer (" + inert(r.Gateway) + ")"
	}
	versions := inert(r.Info.Version)
	if versions == "" {
		versions = "not told"
	}
	d.para(
		"**Test Date:** "+r.Started.Format("2006-01-02"),
		"**Environment:** "+environment,
		fmt.Sprintf("**Replicas:** %d instances (%s)", len(r.Replicas), inert(strings.Join(r.Replicas, ", "))),
		"**LiteLLM Version:** "+versions+replicaVersions(r),
		"**Model:** "+inert(orNone(r.Model)),
		fmt.Sprintf("**Test Script:** `sluice gate` %s, run `%s`, %d requests in %.0f s", inert(r.Version), inert(r.Run), r.Requests, r.Took.Seconds()),
	)
	t := totals(r, true)
	d.para(
		fmt.Sprintf("Total Tests: %d", t.Total),
		fmt.Sprintf("Passed: %d ✅", t.Passed),
		fmt.Sprintf("Failed: %d ❌", t.Failed),
		fmt.Sprintf("Inconclusive: %d ⚠️", t.Inconclusive),
		fmt.Sprintf("Waived: %d, skipped: %d", t.Waived, t.Skipped),
		"Success Rate: "+rate(t),
	)
	b := totals(r, false)
	d.para(fmt.Sprintf("Beyond these: %s, %d passed ✅, %d failed ❌, %d inconclusive ⚠️, %d waived, %d skipped",
		report.Plural(int64(b.Total), "check", "checks"), b.Passed, b.Failed, b.Inconclusive, b.Waived, b.Skipped))
	for _, n := range r.Notes {
		d.para("**Note:** " + inert(n))
	}
}

// replicaVersions is shown where they differ.
func replicaVersions(r *gate.Report) string {
	for _, v := range r.Info.Versions {
		if v != "" && v != r.Info.Version {
			return " (replicas: " + inert(strings.Join(r.Info.Versions, ", ")) + ")"
		}
	}
	return ""
}

// rate leaves out what was skipped and keeps what is inconclusive.
func rate(t jsonTotals) string {
	if of := t.Total - t.Skipped; of > 0 {
		return fmt.Sprintf("%.1f%%", 100*float64(t.Passed)/float64(of))
	}
	return "none run"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func summary(d *doc, r *gate.Report) {
	d.add(heading, "Executive Summary")
	d.para("Security validation results show **" + posture(r) + "**:")
	var strong, weak, open []string
	for _, s := range bySystem(r) {
		if s.mark() == signs[gate.Pass] || s.mark() == signs[gate.Pass]+" (Security) ⚠️ (Functionality)" {
			strong = append(strong, fmt.Sprintf("**%s** - %s", s.Title, passedWords(s)))
		}
		for _, o := range s.outcomes {
			switch o.Verdict {
			case gate.Fail:
				weak = append(weak, fmt.Sprintf("**%s. %s** (%s) - %s", o.ID, o.Title, o.Severity, brief(o.Evidence)))
			case gate.Inconclusive:
				open = append(open, fmt.Sprintf("**%s. %s** - %s", o.ID, o.Title, inert(o.Evidence)))
			}
			if o.Provider != "" && o.Verdict == gate.Pass {
				open = append(open, fmt.Sprintf("**%s. %s** - the gateway accepted the key, the provider failed: %s", o.ID, o.Title, inert(o.Provider)))
			}
		}
	}
	if len(strong) > 0 {
		d.add(subhead, "✅ STRENGTHS (NO DEFECTS)")
		d.items(strong...)
	}
	if len(weak) > 0 {
		d.add(subhead, "❌ DEFECTS")
		d.items(weak...)
	}
	if len(open) > 0 {
		d.add(subhead, "⚠️ NOT PROVEN")
		d.items(open...)
	}
	d.para("**VERDICT:** " + verdictWords(r))
}

// briefly is how much of the evidence stands outside the matrix.
const briefly = 200

// brief is evidence cut after a whole finding.
func brief(evidence string) string {
	evidence = inert(evidence)
	if len(evidence) <= briefly {
		return evidence
	}
	cut := strings.LastIndex(evidence[:briefly], "; ")
	if cut < briefly/4 {
		cut = strings.LastIndex(evidence[:briefly], " ")
	}
	return strings.TrimRight(evidence[:max(cut, 0)], ",;: ") + " … (all of it in the matrix)"
}

func passedWords(s section) string {
	n := 0
	for _, o := range s.outcomes {
		if o.Verdict == gate.Pass {
			n++
		}
	}
	if n == 1 {
		return "the check passed"
	}
	return fmt.Sprintf("all %d checks passed", n)
}

func posture(r *gate.Report) string {
	switch {
	case r.Info.Problem != "":
		return "NOTHING: THE GATEWAY COULD NOT BE TESTED"
	case r.Count(gate.Fail) > 0:
		return report.Plural(int64(r.Count(gate.Fail)), "DEFECT", "DEFECTS")
	case !r.Complete():
		return "NO DEFECT, BUT NOT EVERYTHING WAS PROVEN"
	}
	return "EVERY PROMISE TESTED WAS KEPT"
}

func verdictWords(r *gate.Report) string {
	failed, open := r.Count(gate.Fail), r.Count(gate.Inconclusive)
	switch {
	case r.Info.Problem != "":
		return inert(r.Info.Problem)
	case failed > 0 && open > 0:
		return fmt.Sprintf("%s failed and %d came to no verdict.", report.Plural(int64(failed), "check", "checks"), open)
	case failed > 0:
		return report.Plural(int64(failed), "check", "checks") + " failed."
	case open > 0:
		return fmt.Sprintf("No check failed; %d came to no verdict, and what was not proven is not passed.", open)
	}
	return "No defect found in what was tested."
}

func results(d *doc, r *gate.Report) {
	d.add(banner, "PASS/FAIL MATRIX")
	for _, s := range bySystem(r) {
		d.add(heading, fmt.Sprintf("%s. %s %s", s.Number, s.Title, s.mark()))
		for _, o := range s.core(true) {
			d.check(matrixLine(o), details(o))
		}
		if beyond := s.core(false); len(beyond) > 0 {
			d.add(subhead, "Beyond the seventeen")
			for _, o := range beyond {
				d.check(matrixLine(o), details(o))
			}
		}
		d.para("**Analysis:** " + analysis(s))
	}
}

func matrixLine(o gate.Outcome) string {
	return fmt.Sprintf("%s %s | %s. %s", signs[o.Verdict], words[o.Verdict], o.ID, o.Title)
}

func details(o gate.Outcome) []string {
	lines := []string{"Details: " + inert(o.Evidence)}
	if o.Provider != "" {
		lines = append(lines, "Provider: "+inert(o.Provider))
	}
	if o.Waiver != nil {
		lines = append(lines, "Waiver: "+waiverWords(o))
	}
	return lines
}

func waiverWords(o gate.Outcome) string {
	w := fmt.Sprintf("%s (%s, until %s)", inert(o.Waiver.Reason), inert(o.Waiver.Owner), inert(o.Waiver.Until))
	if o.Verdict == gate.Fail {
		w += ", EXPIRED: the failure counts again"
	}
	return w
}

// analysis says in sentences what the rows of a system mean together.
func analysis(s section) string {
	var parts []string
	if passed := sentences(s, gate.Pass); passed != "" {
		parts = append(parts, "Proven: "+passed)
	}
	if s.providerFailed() {
		parts = append(parts, "Authentication works (the gateway accepted the keys); the failure is at the PROVIDER, behind the gateway, and is no security issue.")
	}
	for _, o := range s.outcomes {
		switch o.Verdict {
		case gate.Fail, gate.Waived:
			parts = append(parts, fmt.Sprintf("%s does not hold: %s", o.ID, o.Remedy))
		case gate.Inconclusive:
			parts = append(parts, fmt.Sprintf("%s could not be found out: %s.", o.ID, strings.TrimSuffix(inert(o.Evidence), ".")))
		}
	}
	if len(parts) == 0 {
		return "Nothing of this system was tested."
	}
	return strings.Join(parts, " ")
}

func sentences(s section, v gate.Verdict) string {
	var all []string
	seen := map[string]bool{}
	for _, o := range s.outcomes {
		if o.Verdict == v && o.Verified != "" && !seen[o.Verified] {
			seen[o.Verified] = true
			all = append(all, o.Verified+".")
		}
	}
	return strings.Join(all, " ")
}
