package checks

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sluice/internal/gate"
	"sluice/internal/record"
)

// limits is what system 3 has beyond the original report.
func limits() []gate.Check {
	base := gate.Check{System: "budgets", Needs: gate.NeedMaster | gate.NeedModel, Aspect: gate.Security, Severity: record.SeverityMedium, Control: controlLimits}
	return []gate.Check{rpm(base), rpmSum(base), tpm(base), parallel(base), teamBudget(base), userBudget(base), budgetReset(base),
		tagBudget(base), budgetAnew(base)}
}

// rpmLimit is the limit of requests a minute that the checks give a key.
const rpmLimit = 2

func rpm(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity = "3d", "Requests over rpm_limit → 429", record.SeverityHigh
	c.Verified = "A replica enforces a key's limit of requests a minute"
	c.Remedy = "Upgrade the gateway; a limit that one replica does not keep is none."
	c.Sends = []string{"POST /key/generate", "POST /v1/chat/completions"}
	c.Curl = curlBurst("3d", `"rpm_limit":2`, 8)
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		key, err := env.NewKey(ctx, fmt.Sprintf(`"rpm_limit":%d`, rpmLimit))
		if err != nil {
			return unmade(key, err)
		}
		at := env.Targets()[0]
		served, throttled, odd := burst(ctx, env, key, []gate.Target{at}, 4)
		switch {
		case odd != "":
			return gate.Unknown(odd)
		case throttled == 0:
			return gate.Failed(fmt.Sprintf("limit %d a minute: %d requests within seconds, all served by %s", rpmLimit, served, place(at)))
		}
		return gate.Passed(fmt.Sprintf("Limit %d a minute: %d served, %d got 429", rpmLimit, served, throttled))
	}
	return c
}

func rpmSum(c gate.Check) gate.Check {
	c.ID, c.Title = "3e", "rpm_limit holds over all replicas together"
	c.Needs |= gate.NeedReplicas
	c.Verified = "The sum of what all replicas let through stays within a key's limit"
	c.Remedy = "Give the replicas a Redis (litellm_settings.cache and router_settings.redis_*): without one each counts by itself, and n replicas allow n times the limit."
	c.Sends = []string{"POST /key/generate", "POST /v1/chat/completions"}
	c.Curl = func(p gate.Plan) string {
		b := "key sum '{\"duration\":\"1h\",\"rpm_limit\":2,\"key_alias\":\"'\"$RUN\"'-3e\"}'\nserved=0\n"
		for i := range p.Replicas {
			r := gate.ChatRequest(gate.Target(i+1), "sum", "{model}")
			b += "for i in 1 2 3; do answer=$(" + gate.Curl(r) + "); [[ ${answer##*$'\\n'} == 200 ]] && served=$((served + 1)); done\n"
		}
		return b + `[ $served -le 2 ] && echo "3e pass ($served served)" || echo "3e FAIL ($served served, limit 2)"` + "\n"
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		key, err := env.NewKey(ctx, fmt.Sprintf(`"rpm_limit":%d`, rpmLimit))
		if err != nil {
			return unmade(key, err)
		}
		served, throttled, odd := burst(ctx, env, key, env.Targets(), rpmLimit+1)
		evidence := fmt.Sprintf("limit %d a minute: %d served and %d refused by %d replicas together", rpmLimit, served, throttled, len(env.Replicas))
		switch {
		case odd != "":
			return gate.Unknown(odd)
		case served > rpmLimit:
			return gate.Failed(evidence + ": each replica counts by itself")
		}
		return gate.Passed(evidence)
	}
	return c
}

// burst sends n chats to each target, one after another, and counts. A
// provider's failure counts as served: the limit let it through.
func burst(ctx context.Context, env *gate.Env, key *gate.Object, targets []gate.Target, n int) (served, throttled int, odd string) {
	for _, t := range targets {
		for range n {
			switch a := env.Chat(ctx, t, key.As()); {
			case a.Admitted():
				served++
			case a.Kind == gate.Throttled:
				throttled++
			default:
				return served, throttled, "a chat was neither served nor limited: " + a.String() + ": " + a.Why()
			}
		}
	}
	return served, throttled, ""
}

func curlBurst(id, limit string, n int) func(gate.Plan) string {
	return func(p gate.Plan) string {
		r := gate.ChatRequest(firstTarget(p), "k"+id, "{model}")
		return fmt.Sprintf("key k%s '{\"duration\":\"1h\",%s,\"key_alias\":\"'\"$RUN\"'-%s\"}'\n", id, limit, id) +
			fmt.Sprintf("for i in {1..%d}; do answer=$(%s)\n  [[ ${answer##*$'\\n'} == 429 ]] && break; done\n", n, gate.Curl(r)) +
			"want " + id + " status 429 <<< \"$answer\"\n"
	}
}

// firstTarget is replica 1, or the gateway if no replica was named.
func firstTarget(p gate.Plan) gate.Target { return gate.Target(min(len(p.Replicas), 1)) }

func tpm(c gate.Check) gate.Check {
	c.ID, c.Title = "3f", "Tokens over tpm_limit → 429"
	c.Verified = "A replica enforces a key's limit of tokens a minute"
	c.Remedy = "Upgrade the gateway; limit requests as well as tokens."
	c.Sends = []string{"POST /key/generate", "POST /v1/chat/completions"}
	c.Curl = curlBurst("3f", `"tpm_limit":6`, 12)
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		// Less than one answer: the second request at the latest is over it.
		key, err := env.NewKey(ctx, `"tpm_limit":6`)
		if err != nil {
			return unmade(key, err)
		}
		at := env.Targets()[0]
		for n := 1; n <= 12; n++ {
			a := env.Chat(ctx, at, key.As())
			switch {
			case a.Kind == gate.Throttled:
				return gate.Passed(fmt.Sprintf("Limit 6 tokens a minute: request %d got 429", n))
			case a.Kind == gate.ProviderError:
				return gate.Result{Verdict: gate.Inconclusive, Provider: a.String() + ": " + a.Why(),
					Evidence: "The provider fails, so no tokens are used (use a mock model or --provider-mock)"}
			case a.Kind != gate.Served:
				return gate.Unknown("a chat was neither served nor limited: " + a.String() + ": " + a.Why())
			}
			if err := env.Wait(ctx, askEvery/2); err != nil {
				return gate.Unknown("the run ended first")
			}
		}
		return gate.Failed("limit 6 tokens a minute: 12 chats within a minute, none refused by " + place(at))
	}
	return c
}

// parallel asks many at once of a key that may ask one at a time.
func parallel(c gate.Check) gate.Check {
	c.ID, c.Title = "3g", "Parallel requests over max_parallel_requests → 429"
	c.Verified = "A replica enforces a key's limit of parallel requests"
	c.Remedy = "Upgrade the gateway; limit requests a minute as well."
	c.Sends = []string{"POST /key/generate", "POST /v1/chat/completions"}
	c.Curl = func(p gate.Plan) string {
		r := slowChat(firstTarget(p), "k3g")
		return "key k3g '{\"duration\":\"1h\",\"max_parallel_requests\":1,\"key_alias\":\"'\"$RUN\"'-3g\"}'\n" +
			"for i in {1..12}; do " + gate.Curl(r) + " > par$i.out & done; wait\n" +
			"grep -lx 429 par*.out > /dev/null && echo '3g pass' || echo '3g inconclusive (the answers came too fast to overlap)'\n"
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		key, err := env.NewKey(ctx, `"max_parallel_requests":1`)
		if err != nil {
			return unmade(key, err)
		}
		return judgeParallel(together(ctx, env, key, 12))
	}
	return c
}

// together sends n chats at once to one target.
func together(ctx context.Context, env *gate.Env, key *gate.Object, n int) []gate.Answer {
	answers := make([]gate.Answer, n)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			answers[i] = env.Send(ctx, slowChat(env.Targets()[0], key.As()))
		})
	}
	wg.Wait()
	return answers
}

// slowChat is a chat that the built-in provider takes its time for.
func slowChat(to gate.Target, as string) gate.Request {
	return gate.Request{To: to, Path: "/v1/chat/completions", As: as, Body: gate.ChatBody("{model}", "sluice-gate-slow")}
}

func judgeParallel(answers []gate.Answer) gate.Result {
	served, throttled := 0, 0
	var total, longest time.Duration
	for _, a := range answers {
		switch {
		case a.Admitted():
			served++
		case a.Kind == gate.Throttled:
			throttled++
		default:
			return gate.Unknown("a chat was neither served nor limited: " + a.String() + ": " + a.Why())
		}
		total += a.Took
		longest = max(longest, a.Took)
	}
	switch {
	case throttled > 0:
		return gate.Passed(fmt.Sprintf("Limit 1 at a time: of %d at once %d were served and %d got 429", len(answers), served, throttled))
	case longest < time.Second:
		return gate.Skip("the model answers too fast for requests to overlap; --provider-mock has a slow one")
	}
	return gate.Failed(fmt.Sprintf("limit 1 at a time: %d requests at once, up to %.1f s each, all served", served, longest.Seconds()))
}

func teamBudget(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity, c.Control, c.Slow = "3h", "Team over its budget → 4xx error", record.SeverityHigh, controlBudget, true
	c.Verified = "A team's key is refused when the team's budget is spent"
	c.Remedy = "Check that spend reaches the database, and give keys budgets of their own."
	c.Sends = []string{"POST /v1/chat/completions", "GET /team/info?team_id={poorteam.id}"}
	c.Curl = func(gate.Plan) string { return curlUntilBudget("3h", "poorteamkey") }
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		return exceed(ctx, env, "poorteamkey", "/team/info?team_id={poorteam.id}", "team_info")
	}
	return c
}

func userBudget(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity, c.Control, c.Slow = "3i", "User over their budget → 4xx error", record.SeverityHigh, controlBudget, true
	c.Verified = "A user's key is refused when the user's budget is spent"
	c.Remedy = "Check that spend reaches the database, and give keys budgets of their own."
	c.Sends = []string{"POST /v1/chat/completions", "GET /user/info?user_id={pooruser.id}"}
	c.Curl = func(gate.Plan) string { return curlUntilBudget("3i", "pooruserkey") }
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		return exceed(ctx, env, "pooruserkey", "/user/info?user_id={pooruser.id}", "user_info")
	}
	return c
}

func budgetReset(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity, c.Control = "3j", "Budget of a day has its reset within a day", record.SeverityLow, controlBudgetCreation
	c.Needs = gate.NeedMaster
	c.Verified = "A budget with a duration is stored with the time of its reset"
	c.Remedy = "Upgrade the gateway: a budget without a reset is spent once and for all."
	read := gate.Request{Path: "/key/info?key={renewed.hash}", As: "master"}
	c.Sends = []string{"POST /key/generate", read.Line()}
	c.Curl = func(gate.Plan) string {
		return gate.ShellObjects(Blueprints(), read) + gate.Curl(read) + " |\n  want 3j has '\"budget_reset_at\": *\"20'\n"
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		a := env.Send(ctx, read)
		if a.Kind != gate.Served {
			return gate.Unknown("the budget could not be read back: " + a.String())
		}
		at, err := time.Parse(time.RFC3339Nano, a.Text("info", "budget_reset_at"))
		if err != nil {
			return gate.Failed("a budget of a day has no time of reset")
		}
		if in := time.Until(at); in < -10*time.Minute || in > 25*time.Hour {
			return gate.Failed(fmt.Sprintf("a budget of a day is reset in %v", in.Round(time.Minute)))
		}
		return gate.Passed("The budget of a day is reset at " + at.UTC().Format(time.RFC3339))
	}
	return c
}
