package checks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice/internal/gate"
)

// spoofAgain is how long the spend of one request is waited for.
const spoofAgain = 15 * time.Second

// spoofRequest has the ways in which a client can say that it is
// somebody else.
func spoofRequest() gate.Request {
	return gate.Request{Path: "/v1/chat/completions", As: "spender", Headers: []gate.Header{
		{Name: "x-litellm-team-id", Value: "{victimteam.id}"},
		{Name: "x-litellm-key-alias", Value: "{victim.name}"},
		{Name: "x-litellm-metadata", Value: `{"user_api_key":"{victim.hash}","user_api_key_team_id":"{victimteam.id}"}`},
		{Name: "x-litellm-spend-logs-metadata", Value: `{"user_api_key":"{victim.hash}"}`},
	}, Body: `{"model":"{model}","messages":[{"role":"user","content":"Hello"}],"max_tokens":5,` +
		`"metadata":{"user_api_key":"{victim.hash}","user_api_key_hash":"{victim.hash}","user_api_key_team_id":"{victimteam.id}","user_api_key_alias":"{victim.name}"},` +
		`"litellm_metadata":{"user_api_key":"{victim.hash}","user_api_key_team_id":"{victimteam.id}"},"team_id":"{victimteam.id}","user":"{stranger.id}"}`}
}

// spendSpoof lets a key spend in the name of another and sees who pays.
func spendSpoof(c gate.Check) gate.Check {
	c.ID, c.Title, c.Control, c.Slow = "2l", "Client cannot spend in another's name", controlSpoofing, true
	c.Needs |= gate.NeedModel
	c.Verified = "What a request says in user, metadata or x-litellm headers does not change who pays"
	c.Remedy = "Upgrade the gateway, and strip x-litellm-* headers in front of it."
	read := []gate.Request{{Path: "/key/info?key={spender.hash}", As: "master"}, {Path: "/key/info?key={victim.hash}", As: "master"},
		{Path: "/team/info?team_id={victimteam.id}", As: "master"}, {Path: "/user/info?user_id={stranger.id}", As: "master"}}
	c.Sends = []string{spoofRequest().Line(), read[0].Line(), read[1].Line(), read[2].Line(), read[3].Line()}
	c.Curl = func(gate.Plan) string {
		wants := ""
		for _, r := range read[1:] {
			wants += gate.Curl(r) + " |\n  want 2l has '\"spend\": *0(\\.0)?[,}]'\n"
		}
		return gate.ShellObjects(Blueprints(), append(read, spoofRequest())...) + curlCharged("2l", spoofRequest(), wants)
	}
	c.Run = runSpoof
	return c
}

// curlCharged sends a request, and runs the commands that say who pays when its
// own key has been charged.
func curlCharged(id string, r gate.Request, wants string) string {
	return "answer=$(" + gate.Curl(r) + ")\n" +
		`if judge "${answer##*$'\n'}" "${answer%$'\n'*}" refused; then echo "` + id + ` pass (refused)"` + "\n" +
		"elif charged " + r.As + "; then     # spend is written late\n" + wants +
		"else echo '" + id + " inconclusive (nobody was charged)'; fi\n"
}

func runSpoof(ctx context.Context, env *gate.Env) gate.Result {
	// The gateway makes an end user of whom the field user names.
	env.Note(gate.CustomerObject, env.Expand(ctx, "{stranger.id}"))
	if result := unspent(env.Send(ctx, spoofRequest()), "names another key and team"); result.Verdict != "" {
		return result
	}
	begin, again := time.Now(), spoofAgain
	for {
		own, other, err := whoPays(ctx, env)
		switch {
		case err != nil:
			return gate.Unknown(err.Error())
		case other != "":
			return gate.Failed("another pays: " + other)
		case own > 0:
			return gate.Passed(fmt.Sprintf("The key that asked pays ($%.2g), the one it named does not", own))
		case time.Since(begin) > env.SpendDeadline:
			return gate.Unknown(fmt.Sprintf("nobody was charged in %v: model %s has no price at this gateway", env.SpendDeadline, env.Model))
		}
		// A replica under load was seen to lose the spend of a request.
		if time.Since(begin) > again {
			env.Send(ctx, spoofRequest())
			again += spoofAgain
		}
		if err := env.Wait(ctx, askEvery); err != nil {
			return gate.Unknown("the run ended first")
		}
	}
}

// unspent is the result of a request that spends nothing, none if it was
// served: one that is refused spends in nobody's name.
func unspent(a gate.Answer, does string) (result gate.Result) {
	switch a.Kind {
	case gate.Served:
	case gate.Refused, gate.Invalid:
		result = gate.Passed("A request that " + does + " was refused: " + a.String())
	case gate.ProviderError:
		result = gate.Result{Verdict: gate.Inconclusive, Provider: a.Full(),
			Evidence: "The provider fails, so nothing is spent (use a mock model or --provider-mock)"}
	default:
		result = gate.Unknown("the request was not served: " + a.Full())
	}
	return result
}

// whoPays reads what the key that asked has spent, and then what those it named
// have: "" for nothing. The order and the pause matter: LiteLLM writes the
// spend of users, keys and teams one after another, so that only what stands
// there after the asking key was charged is the whole of it.
func whoPays(ctx context.Context, env *gate.Env) (own float64, other string, err error) {
	if own, err = spend(ctx, env, "/key/info?key={spender.hash}", "info"); err != nil {
		return 0, "", err
	}
	for n := 1; ; n++ {
		if other, err = namedPays(ctx, env); err != nil || other != "" || own == 0 || n == writtenLate {
			return own, other, err
		}
		if env.Wait(ctx, askEvery) != nil {
			return 0, "", errors.New("the run ended first")
		}
	}
}

// namedPays says which of those that the request named were charged.
func namedPays(ctx context.Context, env *gate.Env) (string, error) {
	for _, named := range []struct{ what, path, member string }{
		{"its key", "/key/info?key={victim.hash}", "info"},
		{"its team", "/team/info?team_id={victimteam.id}", "team_info"},
		{"its user", "/user/info?user_id={stranger.id}", "user_info"},
	} {
		paid, err := spend(ctx, env, named.path, named.member)
		if err != nil {
			return "", err
		}
		if paid > 0 {
			return fmt.Sprintf("$%.2g on %s", paid, named.what), nil
		}
	}
	return "", nil
}

// spend reads what a record at path has spent, in dollars.
func spend(ctx context.Context, env *gate.Env, path, member string) (float64, error) {
	a := env.Send(ctx, gate.Request{Path: path, As: "master"})
	if a.Kind != gate.Served {
		return 0, fmt.Errorf("the spend could not be read: %s", a)
	}
	return a.Number(member, "spend"), nil
}
