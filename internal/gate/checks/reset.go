package checks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice/internal/gate"
)

const (
	// resetDeadline is how long a budget whose time has come may stay spent:
	// LiteLLM looks every 10 min (proxy_budget_rescheduler_max_time, 605 s), the
	// first time up to 13 min after its start (measured: 1.106.2, on a busy
	// machine), and a replica remembers a key for a minute.
	resetDeadline = 15 * time.Minute
	// resetPause is between two looks at a budget that is spent.
	resetPause = 5 * time.Second
)

// budgetAnew spends a budget of some seconds and waits until it begins anew.
func budgetAnew(c gate.Check) gate.Check {
	c.ID, c.Title, c.Control, c.Slow, c.Thorough = "3l", "Spent budget begins anew when its time has come", controlBudget, true, true
	c.Aspect = gate.Operational
	c.Verified = "A budget that was spent begins anew when its time has come"
	c.Remedy = "Set general_settings.proxy_budget_rescheduler_min_time and _max_time to what your budgets need, and let at least one replica run the scheduler."
	c.Sends = []string{"POST /v1/chat/completions", "GET /key/info?key={anew.hash}"}
	c.Curl = func(gate.Plan) string {
		r := gate.ChatRequest(0, "anew", "{model}")
		return curlUntilBudget("3l", "anew") + fmt.Sprintf("for i in {1..%d}; do     # LiteLLM looks every 10 minutes\n", resetDeadline/resetPause) +
			"  answer=$(" + gate.Curl(r) + ")\n" +
			`  if judge "${answer##*$'\n'}" "${answer%$'\n'*}" admitted; then break; fi; sleep ` + fmt.Sprint(resetPause.Seconds()) + "\ndone\n" +
			`want 3l admitted <<< "$answer"` + "\n"
	}
	c.Run = runBudgetAnew
	return c
}

func runBudgetAnew(ctx context.Context, env *gate.Env) gate.Result {
	if r := exceed(ctx, env, "anew", "/key/info?key={anew.hash}", "info"); r.Verdict != gate.Pass {
		return gate.Result{Verdict: gate.Inconclusive, Provider: r.Provider, Evidence: "The budget was not spent, so there is no reset to be seen: " + r.Evidence}
	}
	spent, err := writtenSpend(ctx, env)
	if err != nil {
		return gate.Unknown(err.Error())
	}
	begin := time.Now()
	end := begin.Add(resetDeadline)
	cut := false
	if last, ok := ctx.Deadline(); ok && last.Add(-2*resetPause).Before(end) {
		end, cut = last.Add(-2*resetPause), true
	}
	for {
		a := env.Chat(ctx, 0, "anew")
		since := time.Since(begin).Round(time.Second)
		switch {
		case a.Admitted() && begunAnew(ctx, env, spent):
			return gate.Passed(fmt.Sprintf("A budget of 5 s was spent, refused, and served again after %v", since))
		case !a.Admitted() && a.Kind != gate.OverBudget && a.Kind != gate.Throttled:
			return gate.Unknown("a chat was neither served nor over its budget: " + a.Full())
		case time.Now().After(end) && cut:
			return gate.Unknown(fmt.Sprintf("no reset was seen in %v, when the run had to end: LiteLLM looks every 10 minutes (give it --timeout 20m)", since))
		case time.Now().After(end):
			return gate.Failed(fmt.Sprintf("a budget of 5 s was still spent after %v", since))
		}
		if env.Wait(ctx, resetPause) != nil {
			return gate.Unknown("the run ended first")
		}
	}
}

// writtenSpend is what the key has spent, as soon as that is written: a replica
// refuses by what it counts itself, and less than nothing is never spent.
func writtenSpend(ctx context.Context, env *gate.Env) (float64, error) {
	for begin := time.Now(); ; {
		spent, err := spend(ctx, env, "/key/info?key={anew.hash}", "info")
		if err != nil || spent > 0 {
			return spent, err
		}
		if time.Since(begin) > env.SpendDeadline || env.Wait(ctx, askEvery) != nil {
			return 0, errors.New("a budget was refused as spent, and no spend was written")
		}
	}
}

// begunAnew says that less is spent than was: a replica that had not heard of
// the spend serves too.
func begunAnew(ctx context.Context, env *gate.Env, before float64) bool {
	now, err := spend(ctx, env, "/key/info?key={anew.hash}", "info")
	return err == nil && now < before
}
