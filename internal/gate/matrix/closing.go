package matrix

import (
	"fmt"
	"strings"

	"sluice/internal/gate"
	"sluice/internal/record"
	"sluice/internal/report"
)

func curls(d *doc, r *gate.Report) {
	d.add(banner, "EXACT CURL COMMANDS FOR REPRODUCTION")
	d.add(heading, "0. Once")
	d.add(code, gate.Prelude(r.Plan))
	for _, s := range bySystem(r) {
		var b strings.Builder
		for _, o := range s.outcomes {
			if o.Curl != nil {
				fmt.Fprintf(&b, "# %s. %s\n%s\n", o.ID, o.Title, o.Curl(r.Plan))
			}
		}
		if b.Len() > 0 {
			d.add(heading, s.Number+". "+s.Title)
			d.add(code, strings.TrimSuffix(b.String(), "\n"))
		}
	}
}

func findings(d *doc, r *gate.Report) {
	d.add(banner, "SECURITY FINDINGS & RECOMMENDATIONS")
	failed := withVerdict(r, gate.Fail)
	if len(failed) == 0 {
		d.add(heading, "No defect found")
	} else {
		d.add(heading, report.Plural(int64(len(failed)), "defect", "defects")+" found")
		told := map[string]string{} // by remedy: the check that it was told for
		for severity := record.SeverityCritical; severity >= record.SeverityLow; severity-- {
			for _, o := range failed {
				if o.Severity != severity {
					continue
				}
				do := o.Remedy
				if first := told[do]; first != "" {
					do = "as for " + first + "."
				} else {
					told[do] = o.ID
				}
				d.check(fmt.Sprintf("❌ %s | %s. %s", strings.ToUpper(severity.String()), o.ID, o.Title),
					[]string{"Seen: " + brief(o.Evidence), "Do: " + do})
			}
		}
	}
	d.add(subhead, "Verified Controls")
	none := true
	for _, s := range bySystem(r) {
		if lines := verified(s); len(lines) > 0 {
			none = false
			d.para(fmt.Sprintf("%s. **%s**", s.Number, s.Title))
			d.items(lines...)
		}
	}
	if none {
		d.para("None.")
	}
	recommendations(d, r)
}

// verified is each thing that was proven, with the checks that proved it.
func verified(s section) []string {
	var what []string
	by := map[string][]string{}
	for _, o := range s.outcomes {
		if o.Verdict != gate.Pass {
			continue
		}
		if by[o.Verified] == nil {
			what = append(what, o.Verified)
		}
		by[o.Verified] = append(by[o.Verified], o.ID)
	}
	for i, v := range what {
		what[i] = "✅ " + v + " (" + strings.Join(by[v], ", ") + ")"
	}
	return what
}

func recommendations(d *doc, r *gate.Report) {
	var lines []string
	for _, o := range withVerdict(r, gate.Inconclusive) {
		lines = append(lines, fmt.Sprintf("%s. %s: %s", o.ID, o.Title, inert(o.Evidence)))
	}
	for _, o := range r.Outcomes {
		if o.Provider != "" {
			lines = append(lines, fmt.Sprintf("%s: give the gateway valid provider credentials, or a mock model, to test from end to end", o.ID))
		}
	}
	for _, l := range r.Leftovers {
		lines = append(lines, "Left at the gateway, remove with `sluice gate clean`: "+inert(l))
	}
	if len(lines) == 0 {
		return
	}
	d.add(subhead, "⚠️ To be settled")
	d.items(lines...)
}

func withVerdict(r *gate.Report, v gate.Verdict) []gate.Outcome {
	var all []gate.Outcome
	for _, o := range r.Outcomes {
		if o.Verdict == v {
			all = append(all, o)
		}
	}
	return all
}

// coverage has one row for each control, worst verdict first.
func coverage(d *doc, r *gate.Report) {
	d.add(heading, "Security Test Coverage Summary")
	rows := [][]string{{"Security Control", "Status", "Evidence"}}
	var names []string
	by := map[string]section{}
	for _, o := range r.Outcomes {
		if _, ok := by[o.Control]; !ok {
			names = append(names, o.Control)
		}
		s := by[o.Control]
		s.outcomes = append(s.outcomes, o)
		by[o.Control] = s
	}
	for _, name := range names {
		s := by[name]
		var ids []string
		for _, o := range s.outcomes {
			ids = append(ids, o.ID+" "+strings.ToLower(words[o.Verdict]))
		}
		rows = append(rows, []string{name, controlStatus(s), "Tests " + strings.Join(ids, ", ")})
	}
	d.grid(rows...)
}

func controlStatus(s section) string {
	for _, v := range []gate.Verdict{gate.Fail, gate.Inconclusive, gate.Waived} {
		if !s.has(v) {
			continue
		}
		if v == gate.Inconclusive && s.has(gate.Pass) {
			return "⏳ PARTIAL"
		}
		return signs[v] + " " + words[v]
	}
	if !s.has(gate.Pass) {
		return signs[gate.Skipped] + " SKIPPED"
	}
	if s.providerFailed() {
		return "✅ PASS (provider failed)"
	}
	return "✅ PASS"
}

func waived(d *doc, r *gate.Report) {
	rows := [][]string{{"Check", "Reason", "Owner", "Until", "State"}}
	for _, o := range r.Outcomes {
		if o.Waiver == nil {
			continue
		}
		state := "holds"
		if o.Verdict == gate.Fail {
			state = "EXPIRED"
		}
		rows = append(rows, []string{o.ID, inert(o.Waiver.Reason), inert(o.Waiver.Owner), inert(o.Waiver.Until), state})
	}
	if len(rows) > 1 {
		d.add(heading, "Waivers")
		d.grid(rows...)
	}
}

func changes(d *doc, r *gate.Report) {
	if r.Compared == "" {
		return
	}
	d.add(heading, "Changes since run "+inert(r.Compared))
	if len(r.Changes) == 0 {
		d.para("None.")
		return
	}
	rows := [][]string{{"Check", "Before", "Now"}}
	var gone []string
	for _, c := range r.Changes {
		if c.Now == "" {
			gone = append(gone, inert(c.ID))
			continue
		}
		rows = append(rows, []string{inert(c.ID + " " + c.Title), inert(orNone(string(c.Before))), string(c.Now)})
	}
	if len(rows) > 1 {
		d.grid(rows...)
	}
	if len(gone) > 0 {
		d.para("Not among the checks of this run: " + strings.Join(gone, ", ") + ".")
	}
}

func conclusion(d *doc, r *gate.Report) {
	d.add(banner, "CONCLUSION")
	d.para("**GATE VALIDATION: " + gateWord(r) + "**")
	var lines []string
	for _, s := range bySystem(r) {
		lines = append(lines, s.mark()+" "+s.Title)
	}
	d.items(lines...)
	security, operational := r.ScoreOf(gate.Security), r.ScoreOf(gate.Operational)
	d.para(
		fmt.Sprintf("**Security Score: %.1f%% (%d/%d security controls validated)**", security.Percent(), security.Passed, security.Of),
		fmt.Sprintf("**Operational Score: %.1f%% (%d/%d checks worked from end to end)**", operational.Percent(), operational.Passed, operational.Of),
	)
	d.para(verdictWords(r) + " Inconclusive and waived checks count against both scores; skipped ones do not count.")
	d.para("**Test Execution:** `"+commandLine(r)+"`", "**Report Generated:** "+r.Started.Add(r.Took).Format("2006-01-02 15:04 MST"))
}

func gateWord(r *gate.Report) string {
	switch {
	case r.Count(gate.Fail) > 0 && !r.Complete():
		return "FAIL ❌ (and not complete)"
	case r.Count(gate.Fail) > 0:
		return "FAIL ❌"
	case !r.Complete():
		return "NOT COMPLETE ⚠️"
	}
	return "PASS ✅"
}

// commandLine is how the run can be repeated.
func commandLine(r *gate.Report) string {
	words := []string{"sluice gate --gateway", r.Gateway}
	for _, u := range r.Replicas {
		words = append(words, "--replica", u)
	}
	for _, l := range r.Logs {
		words = append(words, "--logs", gate.ShellWord(l))
	}
	if r.ProviderAddress != "" {
		words = append(words, "--provider-mock="+r.ProviderAddress)
	}
	if len(r.Only) > 0 {
		words = append(words, "--only", gate.ShellWord(strings.Join(r.Only, ",")))
	}
	if len(r.Skip) > 0 {
		words = append(words, "--skip", gate.ShellWord(strings.Join(r.Skip, ",")))
	}
	if r.Timeout > 0 && r.Timeout != gate.DefaultTimeout {
		words = append(words, "--timeout", r.Timeout.String())
	}
	if r.Model != "" {
		words = append(words, "--model", gate.ShellWord(r.Model))
	}
	if r.Safe {
		words = append(words, "--safe")
	}
	if r.Thorough {
		words = append(words, "--thorough")
	}
	if r.MaxRevocation > 0 && r.MaxRevocation != gate.DefaultMaxRevocation {
		words = append(words, "--max-revocation", r.MaxRevocation.String())
	}
	// Within a code mark a * means nothing.
	return strings.ReplaceAll(report.Visible(strings.Join(words, " ")), "`", "'")
}
