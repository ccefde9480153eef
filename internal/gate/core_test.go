package gate

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/record"
)

func TestWaiver(t *testing.T) {
	day := func(s string) time.Time { at, _ := time.Parse(time.RFC3339, s); return at }
	w := Waiver{Check: "4h", Reason: "known", Owner: "ops", Until: "2026-12-31"}
	for at, want := range map[string]bool{"2026-12-31T23:59:59Z": true, "2027-01-01T00:00:00Z": false, "2026-01-01T00:00:00Z": true,
		"2026-12-31T20:00:00-05:00": false} {
		if w.Holds(day(at)) != want {
			t.Errorf("at %s: %v", at, !want)
		}
	}
	now := day("2026-06-01T00:00:00Z")
	for verdict, want := range map[Verdict]Verdict{Fail: Waived, Pass: Pass, Inconclusive: Inconclusive, Skipped: Skipped} {
		o := Outcome{Check: Check{ID: "4h"}, Result: Result{Verdict: verdict}}
		if waive(&o, []Waiver{w}, now); o.Verdict != want {
			t.Errorf("%s became %s, want %s", verdict, o.Verdict, want)
		}
	}
	expired := Outcome{Check: Check{ID: "4h"}, Result: Result{Verdict: Fail}}
	if waive(&expired, []Waiver{w}, day("2027-06-01T00:00:00Z")); expired.Verdict != Fail || expired.Waiver == nil {
		t.Errorf("an expired waiver: %s, shown: %v", expired.Verdict, expired.Waiver != nil)
	}
	known := func(id string) bool { return id == "4h" }
	for _, bad := range []Waiver{{}, {Check: "9z", Reason: "r", Owner: "o", Until: "2026-01-01"}, {Check: "4h", Owner: "o", Until: "2026-01-01"},
		{Check: "4h", Reason: "r", Until: "2026-01-01"}, {Check: "4h", Reason: "r", Owner: "o", Until: "soon"}} {
		if bad.Validate(known) == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
	if err := w.Validate(known); err != nil {
		t.Error(err)
	}
}

func TestScoresKeepWhatIsNotProvenInTheDenominator(t *testing.T) {
	r := &Report{}
	for _, v := range []Verdict{Pass, Pass, Fail, Inconclusive, Waived, Skipped} {
		r.Outcomes = append(r.Outcomes, Outcome{Check: Check{Aspect: Security}, Result: Result{Verdict: v, Provider: "fails"}})
		r.Outcomes = append(r.Outcomes, Outcome{Check: Check{Aspect: Operational}, Result: Result{Verdict: v, Provider: "fails"}})
	}
	if s := r.ScoreOf(Security); s != (Score{2, 5}) {
		t.Errorf("security %v, want 2 of 5", s)
	}
	if s := r.ScoreOf(Operational); s != (Score{0, 5}) {
		t.Errorf("operational %v, want 0 of 5: the provider failed", s)
	}
	if (Score{}).Percent() != 0 {
		t.Error("nothing counted is something proven")
	}
}

func TestSelect(t *testing.T) {
	all := []Check{{ID: "1a", System: "master-key", Safe: true}, {ID: "1b", System: "master-key"}, {ID: "5", System: "log-redaction"}, {ID: "5a", System: "log-redaction", Thorough: true}}
	ids := func(cfg Config) string {
		cfg.Checks = all
		list, skipped, err := cfg.Select()
		if err != nil {
			return err.Error()
		}
		var out []string
		for _, c := range list {
			id := c.ID
			if skipped[id] != "" {
				id += "-"
			}
			out = append(out, id)
		}
		return strings.Join(out, " ")
	}
	for want, cfg := range map[string]Config{
		"1a 1b 5 5a-":                   {},
		"1a 1b 5 5a":                    {Thorough: true},
		"1a 1b":                         {Only: []string{"master-key"}},
		"5a":                            {Only: []string{"5a"}},
		"5 5a":                          {Only: []string{"5*"}},
		"1a 1b- 5- 5a-":                 {Safe: true},
		"1a 1b 5- 5a-":                  {Skip: []string{"5*"}},
		`no check is called "9z"`:       {Only: []string{"9z"}},
		`no check is called "sideways"`: {Skip: []string{"sideways"}},
	} {
		if got := ids(cfg); got != want {
			t.Errorf("%+v: %q, want %q", cfg, got, want)
		}
	}
}

func TestCompare(t *testing.T) {
	r := &Report{Outcomes: []Outcome{{Check: Check{ID: "1a"}, Result: Passed("")}, {Check: Check{ID: "1b"}, Result: Failed("")}, {Check: Check{ID: "1c"}, Result: Passed("")}}}
	r.Compare("old", map[string]Verdict{"1a": Pass, "1b": Pass, "9z": Fail})
	var got []string
	for _, c := range r.Changes {
		got = append(got, c.ID+" "+string(c.Before)+">"+string(c.Now))
	}
	if want := "1b pass>fail, 1c >pass, 9z fail>"; strings.Join(got, ", ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// The rate spaces requests out, the budget ends them, and the clean-up is bound
// by neither.
func TestRateAndBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(10, 25, nil, nil)
		begin := time.Now()
		for range 25 {
			if err := c.turn(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took != 2400*time.Millisecond {
			t.Errorf("25 requests at 10 a second took %v", took)
		}
		if err := c.turn(t.Context()); err != errBudget {
			t.Errorf("request 26 of 25: %v", err)
		}
		c.finish()
		if err := c.turn(t.Context()); err != nil {
			t.Errorf("the clean-up: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.turn(ctx); err == nil {
			t.Error("a stopped run goes on sending")
		}
	})
}

// A check that panics, says nothing, or is over time has a verdict, and no
// verdict quotes what panicked.
func TestGuarded(t *testing.T) {
	s := newSession(Config{Scrub: &Scrubber{}})
	for name, run := range map[string]func(context.Context, *Env) Result{
		"panics": func(context.Context, *Env) Result { panic("with sk-secret-secret-secret") },
		"mute":   func(context.Context, *Env) Result { return Result{} },
	} {
		r := s.guarded(t.Context(), Check{Run: run})
		if r.Verdict != Inconclusive || strings.Contains(r.Evidence, "secret") || r.Evidence == "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errTimeout)
	if r := s.guarded(ctx, Check{Run: func(context.Context, *Env) Result { return Passed("") }}); r.Verdict != Inconclusive || !strings.Contains(r.Evidence, "time limit") {
		t.Errorf("over time: %+v", r)
	}
}

func TestCompleteNeedsEverything(t *testing.T) {
	passed := []Outcome{{Result: Passed("")}}
	for name, r := range map[string]*Report{
		"nothing run":  {},
		"interrupted":  {Outcomes: passed, Interrupted: true},
		"left behind":  {Outcomes: passed, Leftovers: []string{"key x"}},
		"inconclusive": {Outcomes: []Outcome{{Result: Unknown("")}}},
	} {
		if r.Complete() {
			t.Errorf("%s is complete", name)
		}
	}
	r := &Report{Outcomes: []Outcome{{Check: Check{Severity: record.SeverityLow}, Result: Failed("")}}}
	if !r.Complete() || !r.FailedAt(record.SeverityLow) || r.FailedAt(record.SeverityMedium) {
		t.Error("a failure of severity low")
	}
}

func TestShellWord(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                    `'plain'`,
		"":                         `''`,
		"it's":                     `'it'\''s'`,
		"{run}-1c":                 `"$RUN"'-1c'`,
		`{"key":"{plain.hash}"}`:   `'{"key":"'"$plain_hash"'"}'`,
		"$(touch /tmp/x) `id`":     "'$(touch /tmp/x) `id`'",
		"{other}{team1.id}":        `"$OTHER""$team1_id"`,
		"{not a reference} {UP.x}": "'{not a reference} {UP.x}'",
	} {
		if got := ShellWord(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
