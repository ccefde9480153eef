package checks

import (
	"context"
	"fmt"
	"time"

	"sluice/internal/gate"
	"sluice/internal/record"
)

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
		// One more than two minutes allow: the burst may begin in one and end in
		// the next.
		served, throttled, odd := burst(ctx, env, key, []gate.Target{at}, 2*rpmLimit+1)
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

// overReplicas is what the checks have in common that sum a limit up.
func overReplicas(c gate.Check, id, limit string) gate.Check {
	c.ID, c.Title = id, limit+" holds over all replicas together"
	c.Needs |= gate.NeedReplicas
	c.Remedy = "Give the replicas a Redis (`litellm_settings.cache` and `router_settings.redis_*`): without one each counts by itself, and n replicas allow n times the limit."
	c.Sends = []string{"POST /key/generate", "POST /v1/chat/completions"}
	return c
}

func rpmSum(c gate.Check) gate.Check {
	c = overReplicas(c, "3e", "rpm_limit")
	c.Verified = "The sum of what all replicas let through stays within a key's limit"
	c.Curl = func(p gate.Plan) string {
		b := "key sum '{\"duration\":\"1h\",\"rpm_limit\":2,\"key_alias\":\"'\"$RUN\"'-3e\"}'\nserved=0\n"
		for i := range p.Replicas {
			r := gate.ChatRequest(gate.Target(i+1), "sum", "{model}")
			b += "for i in 1 2 3; do answer=$(" + gate.Curl(r) + "); [[ ${answer##*$'\\n'} == 200 ]] && served=$((served + 1)); done\n"
		}
		return b + `[ $served -le 2 ] && echo "3e pass ($served served)" || echo "3e FAIL ($served served, limit 2)"` + "\n"
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		for {
			key, err := env.NewKey(ctx, fmt.Sprintf(`"rpm_limit":%d`, rpmLimit))
			if err != nil {
				return unmade(key, err)
			}
			minute := time.Now().Minute()
			served, throttled, odd := burst(ctx, env, key, env.Targets(), rpmLimit+1)
			evidence := fmt.Sprintf("limit %d a minute: %d served and %d refused by %d replicas together", rpmLimit, served, throttled, len(env.Replicas))
			switch {
			case odd != "":
				return gate.Unknown(odd)
			case served <= rpmLimit:
				return gate.Passed(evidence)
			case time.Now().Minute() == minute || served > 2*rpmLimit:
				return gate.Failed(evidence + ": each replica counts by itself")
			}
			// A new minute began meanwhile, which may have let the rest through.
		}
	}
	return c
}

// burstTime is what a burst may take: limits count by the minute.
const burstTime = 50 * time.Second

// burst sends n chats to each target, one after another, and counts. A
// provider's failure counts as served: the limit let it through.
func burst(ctx context.Context, env *gate.Env, key *gate.Object, targets []gate.Target, n int) (served, throttled int, odd string) {
	begin := time.Now()
	defer func() {
		if took := time.Since(begin); odd == "" && took > burstTime {
			odd = fmt.Sprintf("%d chats took %.0f s: the gateway is too slow for a limit by the minute to be seen", served+throttled, took.Seconds())
		}
	}()
	for _, t := range targets {
		for range n {
			switch a := env.Chat(ctx, t, key.As()); {
			case a.Admitted():
				served++
			case a.Kind == gate.Throttled:
				throttled++
			default:
				return served, throttled, "a chat was neither served nor limited: " + a.Full()
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

// tpmLimit is less than one answer: the second request at the latest is over it.
const tpmLimit = `"tpm_limit":6`

// firstTarget is replica 1, or the gateway if no replica was named.
func firstTarget(p gate.Plan) gate.Target { return gate.Target(min(len(p.Replicas), 1)) }

func tpm(c gate.Check) gate.Check {
	c.ID, c.Title = "3f", "Tokens over tpm_limit → 429"
	c.Verified = "A replica enforces a key's limit of tokens a minute"
	c.Remedy = "Upgrade the gateway; limit requests as well as tokens."
	c.Sends = []string{"POST /key/generate", "POST /v1/chat/completions"}
	c.Curl = curlBurst("3f", `"tpm_limit":6`, 12)
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		key, err := env.NewKey(ctx, tpmLimit)
		if err != nil {
			return unmade(key, err)
		}
		n, result := useUp(ctx, env, key)
		if result.Verdict == "" {
			result = gate.Passed(fmt.Sprintf("Limit 6 tokens a minute: request %d got 429", n))
		}
		return result
	}
	return c
}

// useUp chats at the first target until the key's tokens of the minute are used
// up; result is set if that did not come about.
func useUp(ctx context.Context, env *gate.Env, key *gate.Object) (n int, result gate.Result) {
	at := env.Targets()[0]
	begin := time.Now()
	for n = 1; n <= 12; n++ {
		a := env.Chat(ctx, at, key.As())
		switch {
		case a.Kind == gate.Throttled:
			return n, gate.Result{}
		case a.Kind == gate.ProviderError:
			return n, gate.Result{Verdict: gate.Inconclusive, Provider: a.Full(),
				Evidence: "The provider fails, so no tokens are used (use a mock model or --provider-mock)"}
		case a.Kind != gate.Served:
			return n, gate.Unknown("a chat was neither served nor limited: " + a.Full())
		}
		if err := env.Wait(ctx, askEvery/2); err != nil {
			return n, gate.Unknown("the run ended first")
		}
	}
	if took := time.Since(begin); took > burstTime {
		return n, gate.Unknown(fmt.Sprintf("12 chats took %.0f s: the gateway is too slow for a limit by the minute to be seen", took.Seconds()))
	}
	return n, gate.Failed("limit 6 tokens a minute: 12 chats within a minute, none refused by " + place(at))
}

// sumTries is how often 3m begins anew when the minute ends under it.
const sumTries = 3

// tpmSum uses a key's tokens up at one replica and asks the others.
func tpmSum(c gate.Check) gate.Check {
	c = overReplicas(c, "3m", "tpm_limit")
	c.Verified = "Tokens that one replica has counted count at the others"
	c.Curl = func(p gate.Plan) string {
		b := "key tokens '{\"duration\":\"1h\"," + tpmLimit + ",\"key_alias\":\"'\"$RUN\"'-3m\"}'\n" +
			"for i in {1..12}; do answer=$(" + gate.Curl(gate.ChatRequest(1, "tokens", "{model}")) + ")\n  [[ ${answer##*$'\\n'} == 429 ]] && break; done\n"
		for i := 1; i < len(p.Replicas); i++ {
			b += gate.Curl(gate.ChatRequest(gate.Target(i+1), "tokens", "{model}")) + " |\n  want 3m status 429\n"
		}
		return b
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		for range sumTries {
			if result, again := sumOnce(ctx, env); !again {
				return result
			}
		}
		return gate.Unknown("the minute ended each time before the other replicas were asked: the gateway is too slow")
	}
	return c
}

// sumOnce says again if the minute had ended before the others were asked: then
// the first replica serves too.
func sumOnce(ctx context.Context, env *gate.Env) (result gate.Result, again bool) {
	key, err := env.NewKey(ctx, tpmLimit)
	if err != nil {
		return unmade(key, err), false
	}
	if _, result := useUp(ctx, env, key); result.Verdict != "" {
		return result, false
	}
	first, others := env.Targets()[0], env.Targets()[1:]
	for _, t := range others {
		a := env.Chat(ctx, t, key.As())
		if a.Kind == gate.Throttled {
			continue
		}
		if !a.Admitted() {
			return gate.Unknown("a chat was neither served nor limited: " + a.Full()), false
		}
		if still := env.Chat(ctx, first, key.As()); still.Kind != gate.Throttled {
			return result, true
		}
		return gate.Failed(fmt.Sprintf("limit 6 tokens a minute: used up at %s, %s still served: each replica counts by itself", place(first), place(t))), false
	}
	return gate.Passed(fmt.Sprintf("Limit 6 tokens a minute: used up at %s, refused by %d others too", place(first), len(others))), false
}
