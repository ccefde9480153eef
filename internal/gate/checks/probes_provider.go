package checks

import (
	"context"
	"strings"
	"time"

	"sluice/internal/gate"
	"sluice/internal/gate/provider"
)

const (
	// restTime is how long LiteLLM leaves a provider alone that refused a key or
	// was too slow (router_settings.cooldown_time, 5 s).
	restTime = 6 * time.Second
	// restTries is how often a probe waits for that.
	restTries = 5
)

// resting is what the gateway says instead of asking a provider.
const resting = "No deployments available"

var (
	refusing  = regexpOf(`AuthenticationError`)
	tooSlow   = regexpOf(`Timeout`)
	noConnect = regexpOf(`(?i)connect|InternalServerError`)
)

// providerProbes are the ways in which a provider fails. Those after which the
// gateway does not ask for a while stand first: each waits until it asks again.
// The last two tell the provider to go: the first request is hung up on, and
// where nobody listens each further try is refused a connection.
func providerProbes() []probe {
	fails := func(id, label, message string) probe {
		p := said(id, label, `{"model":"{model}","max_tokens":5,"messages":[{"role":"user","content":"`+message+` {canary`+id+`.key}"}]}`)
		p.fails = noConnect
		return p
	}
	refuse := fails("f1", "provider refuses", "sluice-gate-refuse")
	refuse.fails, refuse.rests = refusing, true
	slow := fails("f4", "provider too slow", "sluice-gate-slow")
	slow.fails, slow.rests = tooSlow, true
	slow.request.Body = strings.Replace(slow.request.Body, `{"model"`, `{"timeout":0.5,"model"`, 1)
	slow.lacking = "the gateway does not let a request set its timeout"
	lost := fails("f5", "provider without an address", "Hello")
	lost.request.Body = strings.Replace(lost.request.Body, "{model}", provider.LostModelName, 1)
	lost.lacking = "the gateway has no model " + provider.LostModelName
	return []probe{refuse, slow, fails("f3", "provider hangs up", "sluice-gate-hangup"), fails("f2", "provider breaks off", "sluice-gate-cut"),
		lost, fails("f6", "provider goes away", "sluice-gate-away"), fails("f7", "provider down", "sluice-gate-away")}
}

// send sends a probe, and again while the gateway only says that it does not
// ask the provider.
func (p probe) send(ctx context.Context, env *gate.Env) gate.Answer {
	for try := 1; ; try++ {
		a := env.Send(ctx, p.request)
		if p.fails == nil || !strings.Contains(a.Message, resting) || try == restTries || env.Wait(ctx, restTime) != nil {
			return a
		}
	}
}
