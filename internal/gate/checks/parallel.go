package checks

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"sluice/internal/gate"
)

// parallelLimit lets a key ask one thing at a time.
const parallelLimit = `"max_parallel_requests":1`

// parallel asks many at once of a key that may ask one at a time.
func parallel(c gate.Check) gate.Check {
	c.ID, c.Title = "3g", "Parallel requests over max_parallel_requests → 429"
	c.Verified = "A replica enforces a key's limit of parallel requests"
	c.Remedy = "Upgrade the gateway; limit requests a minute as well."
	c.Sends = []string{"POST /key/generate", "POST /v1/chat/completions"}
	c.Curl = func(p gate.Plan) string {
		r := slowChat(firstTarget(p), "k3g")
		return "key k3g '{\"duration\":\"1h\"," + parallelLimit + ",\"key_alias\":\"'\"$RUN\"'-3g\"}'\n" +
			"for i in {1..12}; do " + gate.Curl(r) + " > par$i.out & done; wait\n" +
			"grep -lx 429 par*.out > /dev/null && echo '3g pass' || echo '3g inconclusive (the answers came too fast to overlap)'\n"
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		at := env.Targets()[0]
		return atOnce(ctx, env, slices.Repeat([]gate.Target{at}, 12), func(served, throttled int) gate.Result {
			if throttled > 0 {
				return gate.Passed(fmt.Sprintf("Limit 1 at a time: of %d at once %d were served and %d got 429", served+throttled, served, throttled))
			}
			return gate.Failed(fmt.Sprintf("limit 1 at a time: %d requests at once, all served by %s", served, place(at)))
		})
	}
	return c
}

// parallelSum asks every replica at the same time.
func parallelSum(c gate.Check) gate.Check {
	c = overReplicas(c, "3n", "max_parallel_requests")
	c.Verified = "What all replicas serve at a time stays within a key's limit"
	c.Curl = func(p gate.Plan) string {
		b := "key atonce '{\"duration\":\"1h\"," + parallelLimit + ",\"key_alias\":\"'\"$RUN\"'-3n\"}'\nSECONDS=0\n"
		for i := range p.Replicas {
			b += gate.Curl(slowChat(gate.Target(i+1), "atonce")) + fmt.Sprintf(" > sum%d.out &\n", i+1)
		}
		return b + "wait\nif grep -lx 429 sum*.out > /dev/null; then echo '3n pass'\n" +
			"elif [ $SECONDS -lt 1 ]; then echo '3n inconclusive (the answers came too fast to overlap)'\nelse echo '3n FAIL (all were served)'; fi\n"
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		return atOnce(ctx, env, env.Targets(), func(served, throttled int) gate.Result {
			evidence := fmt.Sprintf("limit 1 at a time: of one request to each of %d replicas at once %d were served and %d got 429", served+throttled, served, throttled)
			if served > 1 {
				return gate.Failed(evidence + ": each replica counts by itself")
			}
			return gate.Passed(evidence)
		})
	}
	return c
}

// slowChat is a chat that the built-in provider takes its time for.
func slowChat(to gate.Target, as string) gate.Request {
	return gate.Request{To: to, Path: "/v1/chat/completions", As: as, Body: gate.ChatBody("{model}", "sluice-gate-slow")}
}

// tooFast is what a model answers in whose requests do not overlap.
const tooFast = time.Second

// crowdTries is how often requests are sent at once on a busy machine.
const crowdTries = 3

// atOnce sends a slow chat to each target at once, as a key that may ask one at
// a time, and has the counts judged if the requests can be shown to have been
// under way together: had they been served one after another, they would
// have taken as long as that many alone.
func atOnce(ctx context.Context, env *gate.Env, targets []gate.Target, judge func(served, throttled int) gate.Result) gate.Result {
	key, err := env.NewKey(ctx, parallelLimit)
	if err != nil {
		return unmade(key, err)
	}
	var result gate.Result
	for range crowdTries {
		alone, odd := timed(ctx, env, key, targets[:1])
		if odd != "" {
			return gate.Unknown(odd)
		}
		if alone.took < tooFast {
			return gate.Skip("the model answers too fast for requests to overlap; --provider-mock has a slow one")
		}
		if env.Wait(ctx, askEvery) != nil { // the place is given back late
			return gate.Unknown("the run ended first")
		}
		all, odd := timed(ctx, env, key, targets)
		if odd != "" {
			return gate.Unknown(odd)
		}
		result = judge(all.served, all.throttled)
		if result.Verdict != gate.Fail || all.took <= time.Duration(all.served)*alone.took*3/4 {
			return result
		}
		result = gate.Unknown(fmt.Sprintf("%d of %d requests were served in %.1f s, one alone in %.1f s: they may have been served one after another",
			all.served, len(targets), all.took.Seconds(), alone.took.Seconds()))
	}
	return result
}

// crowd is what came of chats that were sent at once.
type crowd struct {
	served, throttled int
	took              time.Duration // all of them together
}

func timed(ctx context.Context, env *gate.Env, key *gate.Object, targets []gate.Target) (c crowd, odd string) {
	answers := make([]gate.Answer, len(targets))
	begin := time.Now()
	var wg sync.WaitGroup
	for i, t := range targets {
		wg.Go(func() { answers[i] = env.Send(ctx, slowChat(t, key.As())) })
	}
	wg.Wait()
	c.took = time.Since(begin)
	for _, a := range answers {
		switch {
		case a.Admitted():
			c.served++
		case a.Kind == gate.Throttled:
			c.throttled++
		default:
			return c, "a chat was neither served nor limited: " + a.Full()
		}
	}
	return c, ""
}
