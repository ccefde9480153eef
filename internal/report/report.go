// Package report holds what the sinks share: the state of a run and the rules
// as reports show them, the JSON object of a finding, text that is safe on a
// terminal, a bounded collection of findings, and files that are written whole
// or not at all.
//
// The promise: nothing here adds a byte of a log to a report. What comes in is
// what internal/redact let through; what goes out has no control character.
//
// The limits: standard library and internal/record only.
package report

import (
	"time"

	"sluice/internal/record"
)

// Rule is what a report says of a rule. Texts are ours or a rule file's, never
// a log's. Help is plain text, HelpMarkdown the same for viewers that render
// it; both say what to do, and may be empty.
type Rule struct {
	ID           string
	Name         string // a title for people; empty: ID
	Description  string
	Help         string
	HelpMarkdown string
	HelpURI      string
	Severity     record.Severity // as long as a finding does not say otherwise
	Tags         []string
	Precision    string // "very-high", "high", "medium", "low"; empty: "high"
}

// Title is what people read: the name, or the id of a rule that has none.
func (r Rule) Title() string {
	if r.Name != "" {
		return r.Name
	}
	return r.ID
}

// Run is the state of a run that reports tell of. Who constructs a sink keeps
// the pointer it gave, fills the value, and leaves it alone once it calls
// Close, which reads it; a zero Run is an incomplete one. A nil *Run means
// that nothing is known of the run, and a report then does not claim that it
// was complete.
type Run struct {
	Version  string // of Sluice
	Complete bool
	Errors   []string // what could not be done, one sentence each, no byte of a log
	Started  time.Time
	Ended    time.Time
	Sources  int64
	Records  int64
	Bytes    int64 // examined, as read
	Withheld int64 // records not passed on because they were not examined whole
	// Notes are worth saying and no reason to call the run incomplete: unused
	// ignore entries, a limit of a baseline that was reached.
	Notes []string
}

// The bounds of what a report repeats of Run.Errors and Run.Notes: a folder
// of a million unreadable files must not become a million lines.
const (
	maxMessages   = 100
	maxMessageLen = 1024 // bytes
)

// Messages is list as reports print it: visible, bounded, and with a last
// sentence that counts what was left out.
func Messages(list []string) []string {
	n := min(len(list), maxMessages)
	out := make([]string, 0, n+1)
	for _, s := range list[:n] {
		out = append(out, Clip(Visible(s), maxMessageLen))
	}
	if left := len(list) - n; left > 0 {
		out = append(out, "and "+Count(int64(left))+" more")
	}
	return out
}

// IsComplete says whether the run examined everything; false for nil.
func (r *Run) IsComplete() bool { return r != nil && r.Complete }

// ErrorList is the errors as Messages prints them, never empty for an
// incomplete run: a report must not say "incomplete" without a word of why.
func (r *Run) ErrorList() []string {
	if r == nil || len(r.Errors) == 0 {
		if r.IsComplete() {
			return nil
		}
		return []string{"the run did not reach its end"}
	}
	return Messages(r.Errors)
}

// Rules finds rules by id.
type Rules map[string]Rule

// Index makes Rules of a list; of two rules with one id the first counts.
func Index(list []Rule) Rules {
	m := make(Rules, len(list))
	for _, r := range list {
		if _, ok := m[r.ID]; !ok {
			m[r.ID] = r
		}
	}
	return m
}

// Of is the rule of a finding. One that was not declared (a told secret's, a
// reload's) is made of what the finding says itself.
func (m Rules) Of(f *record.Finding) Rule {
	if r, ok := m[f.Rule]; ok {
		return r
	}
	return Rule{ID: f.Rule, Description: "A secret found by rule " + Visible(f.Rule) + ".", Severity: f.Severity}
}
