package checks

import (
	"context"
	"fmt"
	"strings"

	"sluice/internal/gate"
	"sluice/internal/record"
)

const (
	controlLimitsOfKeys = "Restrictions of a key"
	controlSpoofing     = "Spoofing by clients"
)

// keyRules is what system 2 has beyond the original report.
func keyRules() []gate.Check {
	base := gate.Check{System: "virtual-keys", Needs: gate.NeedMaster, Aspect: gate.Security, Severity: record.SeverityHigh, Control: controlLimitsOfKeys}
	return []gate.Check{
		keyModels(base), entropy(base), keyNeverShown(base), shortKey(base), overwrittenKey(base),
		clientMock(base), clientAddress(base), keyRoutes(base), providerSeesNoKey(base), spendSpoof(base), tagSpoof(base),
	}
}

func keyModels(c gate.Check) gate.Check {
	c.ID, c.Title = "2c", "Key restricted to a model → others refused"
	c.Needs |= gate.NeedModel | gate.NeedModels
	c.Verified = "A key's list of models is enforced"
	c.Remedy = "Upgrade the gateway, and restrict models by team as well."
	return stepped(c,
		step{label: "other model", Request: gate.ChatRequest(0, "limited", "{other}"), want: refused},
		step{label: "its own model", Request: gate.ChatRequest(0, "limited", "{model}"), want: admitted})
}

func keyRoutes(c gate.Check) gate.Check {
	c.ID, c.Title = "2j", "Key restricted to a route → others refused"
	c.Needs |= gate.NeedModel
	c.Verified = "A key's list of routes is enforced"
	c.Remedy = "Upgrade the gateway, or let the proxy in front restrict routes."
	return stepped(c,
		step{label: "chat", Request: gate.ChatRequest(0, "routed", "{model}"), want: refused},
		step{label: "its own route", Request: gate.Request{Path: "/v1/models", As: "routed"}, want: served})
}

// keyNeverShown looks for a key in what an administrator reads of it.
func keyNeverShown(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity = "2e", "Key not readable after creation", record.SeverityCritical
	c.Verified = "A key is shown once, when it is made; its records hold a hash and four characters"
	c.Remedy = "Upgrade the gateway, and rotate every key that its API shows."
	reads := []gate.Request{
		{Path: "/key/info?key={plain.hash}", As: "master"},
		{Path: "/key/info", As: "plain"},
		{Path: "/key/list?return_full_object=true&size=100&sort_by=created_at&sort_order=desc", As: "master"},
		{Path: "/v2/key/info", As: "master", Body: `{"keys":["{plain.hash}"]}`},
	}
	for _, r := range reads {
		c.Sends = append(c.Sends, r.Line())
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		key, err := env.Shared(ctx, "plain")
		if err != nil {
			return unmade(key, err)
		}
		body := strings.TrimPrefix(key.Key.Reveal(), "sk-")
		var shown []string
		for _, r := range reads {
			a := env.Send(ctx, r)
			if a.Silent() {
				return gate.Unknown(r.Path + ": " + a.String())
			}
			for n := len(body); n > shownTail; n-- {
				if strings.Contains(string(a.Body), body[len(body)-n:]) || strings.Contains(string(a.Body), body[:n]) {
					shown = append(shown, fmt.Sprintf("%s shows %d of %d characters", strings.SplitN(r.Path, "?", 2)[0], n, len(body)))
					break
				}
			}
		}
		if len(shown) > 0 {
			return gate.Failed(sentence(shown))
		}
		return gate.Passed(fmt.Sprintf("%d records read, none shows more than %d characters", len(reads), shownTail))
	}
	c.Curl = func(gate.Plan) string {
		b := gate.ShellObjects(Blueprints(), reads...)
		for _, r := range reads {
			b += gate.Curl(r) + " |\n  want 2e lacks \"${plain_key:3:-4}\"\n"
		}
		return b
	}
	return c
}

// shownTail is how much of a key its masked name shows.
const shownTail = 4

// shortKey asks for a key of eight characters, 40 bits: what a person can type
// a machine can guess.
func shortKey(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity = "2f", "Short custom key → refused", record.SeverityMedium
	c.Verified = "Custom keys that can be guessed are refused"
	c.Remedy = "Upgrade to a version with a minimum length, or do not hand out the right to choose keys."
	return stepped(c, step{Request: gate.Request{Path: "/key/generate", As: "master",
		Body: `{"key":"{short.key}","key_alias":"{run}-2f","duration":"1h"}`}, want: unserved})
}

// overwrittenKey makes a custom key a second time, with a larger budget.
func overwrittenKey(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity = "2g", "Existing key made again → not overwritten", record.SeverityLow
	c.Verified = "Making a key that exists does not change it"
	c.Remedy = "Let the gateway choose keys: a custom one that exists is overwritten with new limits, silently."
	body := `{"key":"{custom.key}","key_alias":"{run}-2g%d","duration":"1h","max_budget":%d}`
	first := gate.Request{Path: "/key/generate", As: "master", Body: fmt.Sprintf(body, 1, 1)}
	again := gate.Request{Path: "/key/generate", As: "master", Body: fmt.Sprintf(body, 2, 2)}
	return stepped(c, step{label: "first", Request: first, want: served}, step{label: "again", Request: again, want: unserved})
}

// clientMock sends an answer along for the gateway to give.
func clientMock(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity, c.Control = "2h", "Client cannot put words into the model's mouth", record.SeverityMedium, controlSpoofing
	c.Needs |= gate.NeedModel
	c.Verified = "A mock_response in a client's request is not used"
	c.Remedy = "Upgrade the gateway: any client can make it answer and account for what no model said."
	return stepped(c, step{Request: gate.Request{Path: "/v1/chat/completions", As: "plain",
		Body: `{"model":"{model}","messages":[{"role":"user","content":"Hello"}],"max_tokens":5,"mock_response":"{run}-mocked"}`},
		want: lacks("sluice-gate-[a-z0-9]+-mocked", "the answer that the client sent along")})
}

// clientAddress asks the gateway to take its provider's key somewhere else.
func clientAddress(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity, c.Control = "2i", "Client cannot choose the provider's address", record.SeverityCritical, controlSpoofing
	c.Needs |= gate.NeedModel
	c.Verified = "api_base and base_url in a client's request are refused or ignored"
	c.Remedy = "Remove configurable_clientside_auth_params: a client that chooses the address is sent the provider's key."
	var steps []step
	for _, name := range []string{"api_base", "base_url"} {
		steps = append(steps, step{label: name, Request: gate.Request{Path: "/v1/chat/completions", As: "plain",
			Body: `{"model":"{model}","messages":[{"role":"user","content":"Hello"}],"max_tokens":5,"` + name + `":"http://127.0.0.1:9/sluice"}`},
			want: lacks(`127\.0\.0\.1:9|Connect call failed|Cannot connect`, "a request to the client's address")})
	}
	return stepped(c, steps...)
}

// providerSeesNoKey is about what the gateway passes on.
func providerSeesNoKey(c gate.Check) gate.Check {
	c.ID, c.Title, c.Control = "2k", "Provider never gets the gateway's key", "Secrets passed on"
	c.Needs |= gate.NeedModel | gate.NeedProvider
	c.Verified = "A client's gateway key does not reach the provider"
	c.Remedy = "Do not forward client headers to providers (forward_client_headers_to_llm_api)."
	c.Sends = []string{"POST /v1/chat/completions"}
	c.Curl = func(gate.Plan) string {
		// What the provider was sent it says itself, by hash: filters let that through.
		r := gate.Request{Path: "/v1/chat/completions", As: "plain", Body: gate.ChatBody("{model}", "sluice-gate-mirror")}
		return gate.ShellObjects(Blueprints(), r) + "answer=$(" + gate.Curl(r) + ")\n" +
			`if [[ $answer == *'Keys that came'* ]]; then want 2k lacks "$plain_hash" <<< "$answer"` + "\n" +
			"else echo '2k inconclusive (the built-in provider did not answer)'; fi\n"
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		key, err := env.Shared(ctx, "plain")
		if err != nil {
			return unmade(key, err)
		}
		tag := env.Name(gate.Random(8))
		a := env.Send(ctx, gate.Request{Path: "/v1/chat/completions", As: "plain", Body: gate.ChatBody("{model}", tag)})
		if n, _ := env.Provider().Received(tag); n == 0 {
			return gate.Unknown("the built-in provider got no request: the gateway's model does not point at it (" + a.String() + ")")
		}
		if n, where := env.Provider().Received(key.Key.Reveal()); n > 0 {
			return gate.Failed("the provider was sent the client's key: " + strings.Join(where, ", "))
		}
		return gate.Passed("The provider got the request and no gateway key with it")
	}
	return c
}
