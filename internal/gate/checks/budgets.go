package checks

import (
	"context"
	"fmt"
	"time"

	"sluice/internal/gate"
	"sluice/internal/record"
)

const (
	controlBudgetCreation = "Budget creation"
	controlBudget         = "Budget enforcement"
	controlHealth         = "Health endpoints"
	controlLimits         = "Rate limits"
	// askEvery is the pause between two looks at something that will change.
	askEvery = time.Second
)

// budgets is system 3 as the original report has it.
func budgets() []gate.Check {
	return []gate.Check{
		{
			ID: "3a", System: "budgets", Title: "Create key with tiny budget", Core: true,
			Needs: gate.NeedMaster, Aspect: gate.Security, Severity: record.SeverityMedium, Control: controlBudgetCreation,
			Verified: "A key's budget is stored with it",
			Remedy:   "Give the gateway a database that all replicas share (general_settings.database_url).",
			Sends:    []string{"POST /key/generate", "GET /key/info?key={tiny.hash}"},
			Curl:     curlReadBack("3a", "tiny", `"max_budget": *(1e-0?7|0\.0000001)`),
			Run:      createBudget,
		},
		{
			ID: "3b", System: "budgets", Title: "Budget exceeded → 4xx error", Core: true, Slow: true,
			Needs: gate.NeedMaster | gate.NeedModel, Aspect: gate.Security, Severity: record.SeverityHigh, Control: controlBudget,
			Verified: "A key over its budget is refused with error type budget_exceeded",
			Remedy:   "Check that spend reaches the database (proxy_batch_write_at) and that every model has a price.",
			Sends:    []string{"POST /v1/chat/completions", "GET /key/info?key={tiny.hash}"},
			Curl:     func(gate.Plan) string { return curlUntilBudget("3b", "tiny") },
			Run: func(ctx context.Context, env *gate.Env) gate.Result {
				key, err := env.Shared(ctx, "tiny")
				if err != nil {
					return unmade(key, err)
				}
				return exceed(ctx, env, "tiny", "/key/info?key="+key.Hash, "info")
			},
		},
		steppedFor(gate.Check{
			ID: "3c", System: "budgets", Title: "Service healthy after budget test", Core: true, Safe: true,
			Aspect: gate.Operational, Severity: record.SeverityMedium, Control: controlHealth,
			Verified: "/health/liveliness and /health/readiness answer without a key on every replica",
			Remedy:   "Point probes at /health/liveliness and /health/readiness; /health needs a key and calls every model.",
		}, func(p gate.Plan) []step {
			var steps []step
			for t := range targets(p) {
				for _, path := range []string{"/health/liveliness", "/health/readiness"} {
					steps = append(steps, step{label: place(t) + " " + path, Request: gate.Request{To: t, Path: path}, want: served})
				}
			}
			return steps
		}),
	}
}

// place names a target in evidence.
func place(t gate.Target) string {
	if t == 0 {
		return "the gateway"
	}
	return fmt.Sprintf("replica %d", int(t))
}

func createBudget(ctx context.Context, env *gate.Env) gate.Result {
	key, err := env.Shared(ctx, "tiny")
	if err != nil {
		return unmade(key, err)
	}
	a := env.Send(ctx, gate.Request{Path: "/key/info?key={tiny.hash}", As: "master"})
	if a.Kind != gate.Served {
		return gate.Unknown("the budget could not be read back: " + a.String())
	}
	if got := a.Number("info", "max_budget"); got != 1e-7 {
		return gate.Failed(fmt.Sprintf("the key was made with a budget of $0.0000001 and has %v", got))
	}
	return gate.Passed("Created key with $0.0000001 budget, read back by hash")
}

// curlUntilBudget sends chats until one is refused for its budget.
func curlUntilBudget(id, as string) string {
	r := gate.ChatRequest(0, as, "{model}")
	return gate.ShellObjects(Blueprints(), r) +
		"for i in {1..60}; do     # spend is written late: some requests pass\n" +
		"  answer=$(" + gate.Curl(r) + ")\n" +
		`  if judge "${answer##*$'\n'}" "${answer%$'\n'*}" budget; then break; fi; sleep 1` + "\ndone\n" +
		`want ` + id + ` budget <<< "$answer"` + "\n"
}

// exceed chats as a key with a tiny budget until the gateway refuses, or its
// deadline is over. spendAt and member say where the spend is read.
func exceed(ctx context.Context, env *gate.Env, as, spendAt, member string) gate.Result {
	begin := time.Now()
	provider := ""
	for n := 1; ; n++ {
		a := env.Chat(ctx, 0, as)
		switch {
		case a.Kind == gate.OverBudget:
			return gate.Passed(fmt.Sprintf("Request %d was refused after %.0f s: %s", n, time.Since(begin).Seconds(), a))
		case a.Kind == gate.ProviderError:
			provider = a.Full()
		case a.Kind != gate.Served && a.Kind != gate.Throttled:
			return gate.Unknown("chat " + fmt.Sprint(n) + " was not served: " + a.Full())
		}
		late := time.Since(begin) > env.SpendDeadline
		if provider != "" || late || env.Wait(ctx, askEvery) != nil {
			return unexceeded(ctx, env, as, n, provider, spendAt, member)
		}
	}
}

// spendGrace is how many requests more are sent when the spend is there and
// nothing was refused.
const spendGrace = 10

// unexceeded says why no request was refused.
func unexceeded(ctx context.Context, env *gate.Env, as string, n int, provider, spendAt, member string) gate.Result {
	if provider != "" {
		return gate.Result{Verdict: gate.Inconclusive, Provider: provider,
			Evidence: "The provider fails, so nothing is spent: the budget cannot be exceeded (use a mock model or --provider-mock)"}
	}
	a := env.Send(ctx, gate.Request{Path: spendAt, As: "master"})
	if a.Kind != gate.Served {
		return gate.Unknown("the spend could not be read: " + a.String())
	}
	if spent := a.Number(member, "spend"); spent > 1e-7 {
		// It may have been written a moment ago.
		for range spendGrace {
			if env.Wait(ctx, askEvery) != nil {
				return gate.Unknown("the run ended first")
			}
			if a := env.Chat(ctx, 0, as); a.Kind == gate.OverBudget {
				return gate.Passed(fmt.Sprintf("Refused after its spend was written, later than %v: %s", env.SpendDeadline, a))
			}
		}
		return gate.Failed(fmt.Sprintf("%d requests served and $%.2g spent of $0.0000001, none refused in %v", n, spent, env.SpendDeadline))
	}
	return gate.Unknown(fmt.Sprintf("%d requests served and the spend is still 0 after %v: model %s has no price at this gateway", n, env.SpendDeadline, env.Model))
}
