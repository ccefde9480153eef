package gate

import (
	"time"

	"sluice/internal/record"
)

// Report is a run as it ended. Its texts are scrubbed.
type Report struct {
	Plan
	Version     string // of sluice
	Started     time.Time
	Took        time.Duration
	Info        GatewayInfo
	Outcomes    []Outcome // in the order of the list of checks
	Requests    int
	Leftovers   []string // what could not be removed
	Notes       []string
	Interrupted bool
	TimedOut    bool
	Changes     []Change // against an earlier run, if one was given
	Compared    string   // run id of that one
}

// Count is how many outcomes have the verdict.
func (r *Report) Count(v Verdict) int {
	n := 0
	for _, o := range r.Outcomes {
		if o.Verdict == v {
			n++
		}
	}
	return n
}

// Complete says that every check came to a verdict and everything was removed.
func (r *Report) Complete() bool {
	return r.Count(Inconclusive) == 0 && len(r.Leftovers) == 0 && !r.Interrupted && len(r.Outcomes) > 0
}

// FailedAt says whether a check of that severity or above failed.
func (r *Report) FailedAt(lowest record.Severity) bool {
	for _, o := range r.Outcomes {
		if o.Verdict == Fail && o.Severity >= lowest {
			return true
		}
	}
	return false
}

// Score is a share of checks: those that passed of those that count.
type Score struct{ Passed, Of int }

// Percent is the share; nothing counted is nothing proven.
func (s Score) Percent() float64 {
	if s.Of == 0 {
		return 0
	}
	return 100 * float64(s.Passed) / float64(s.Of)
}

// ScoreOf is the score of an aspect. Inconclusive and waived checks stay in
// the denominator; in the operational score a check whose provider failed does
// not count as passed, for it did not work from end to end.
func (r *Report) ScoreOf(a Aspect) Score {
	var s Score
	for _, o := range r.Outcomes {
		if o.Aspect != a || o.Verdict == Skipped {
			continue
		}
		s.Of++
		if o.Verdict == Pass && (a == Security || o.Provider == "") {
			s.Passed++
		}
	}
	return s
}

// Change is a check whose verdict differs between two runs.
type Change struct {
	ID, Title   string
	Before, Now Verdict // "" where the check was not in that run
}

// Compare sets r against an earlier run's verdicts by check id.
func (r *Report) Compare(run string, before map[string]Verdict) {
	r.Compared = run
	seen := map[string]bool{}
	for _, o := range r.Outcomes {
		seen[o.ID] = true
		if was := before[o.ID]; was != o.Verdict {
			r.Changes = append(r.Changes, Change{o.ID, o.Title, was, o.Verdict})
		}
	}
	for id, was := range before {
		if !seen[id] {
			r.Changes = append(r.Changes, Change{ID: id, Before: was})
		}
	}
	sortChanges(r.Changes)
}
