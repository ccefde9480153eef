package gate

import (
	"fmt"
	"time"
)

// Waiver is a failure that the configuration accepts until a day. It is shown
// in every report; from the day after Until on the failure counts again.
type Waiver struct {
	Check  string `yaml:"check"`
	Reason string `yaml:"reason"`
	Owner  string `yaml:"owner"`
	Until  string `yaml:"until"` // YYYY-MM-DD, the last day it holds, in UTC
}

// Validate says what a waiver lacks; known says which ids there are.
func (w Waiver) Validate(known func(id string) bool) error {
	switch {
	case w.Check == "":
		return fmt.Errorf("waiver without a check")
	case !known(w.Check):
		return fmt.Errorf("waiver of check %q: there is no such check", w.Check)
	case w.Reason == "" || w.Owner == "":
		return fmt.Errorf("waiver of check %s: needs a reason and an owner", w.Check)
	}
	if _, err := time.Parse(time.DateOnly, w.Until); err != nil {
		return fmt.Errorf("waiver of check %s: until %q: want a day, YYYY-MM-DD", w.Check, w.Until)
	}
	return nil
}

// Holds says whether the waiver is still good.
func (w Waiver) Holds(now time.Time) bool {
	last, err := time.Parse(time.DateOnly, w.Until)
	return err == nil && now.UTC().Before(last.AddDate(0, 0, 1))
}

// waive applies the waiver of an outcome, if there is one.
func waive(o *Outcome, waivers []Waiver, now time.Time) {
	for i := range waivers {
		w := waivers[i]
		if w.Check != o.ID || o.Verdict != Fail {
			continue
		}
		o.Waiver = &w
		if w.Holds(now) {
			o.Verdict = Waived
			return
		}
	}
}
