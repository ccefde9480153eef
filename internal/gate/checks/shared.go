package checks

import (
	"context"
	"fmt"

	"sluice/internal/gate"
	"sluice/internal/record"
)

// Vector stores are left out: LiteLLM does not choose their provider by a model's
// name, so the built-in provider cannot stand in, and a check would make
// them in a real account.
const controlSharedAccount = "Objects under one provider account"

// otherResponse makes a response as one team and reads it as the other.
func otherResponse(c gate.Check) gate.Check {
	c.ID, c.Title, c.Control = "4q", "Other team's stored response → refused", controlSharedAccount
	c.Needs |= gate.NeedModel | gate.NeedProvider
	c.Verified = "A response stored at the provider is not given to another team"
	c.Remedy = "Upgrade the gateway: the provider knows one account, so the gateway has to keep the teams apart."
	c.Sends = []string{"POST /v1/responses", "GET /v1/responses/RESPONSE"}
	c.Curl = func(gate.Plan) string {
		r := gate.Request{Path: "/v1/responses", As: "team1key", Body: `{"model":"{model}","input":"Hello"}`}
		other := gate.Request{Path: "/v1/responses/", As: "team2key"}
		return gate.ShellObjects(Blueprints(), r, other) + gate.Curl(r) + " > response.out\n" +
			"id=$(member id response.out)\n" +
			`curl -s --max-time 20 -w '\n%{http_code}' "$GATEWAY/v1/responses/$id" -H @team2key.h |` + "\n  want 4q unserved\n"
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		return readAsOther(ctx, env, gate.Request{Path: "/v1/responses", As: "team1key", Body: `{"model":"{model}","input":"Hello"}`}, "/v1/responses/")
	}
	return c
}

// batchLine is the smallest file that a gateway takes for a batch.
const batchLine = `{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"{model}","messages":[{"role":"user","content":"Hello"}],"max_tokens":5}}`

// otherFiles uploads a file as one team and reads it as the other.
func otherFiles(c gate.Check) gate.Check {
	c.ID, c.Title, c.Control = "4r", "Other team's file and batch → refused", controlSharedAccount
	c.Needs |= gate.NeedModel | gate.NeedProvider
	c.Verified = "A file stored at the provider is not given to another team"
	c.Remedy = "Upgrade the gateway, or close /v1/files and /v1/batches: the provider knows one account."
	upload := gate.Request{Path: "/v1/files", As: "team1key", Method: "POST",
		Headers: []gate.Header{{Name: "Content-Type", Value: "multipart/form-data; boundary=sluicegate"}},
		Body: "--sluicegate\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n" +
			"--sluicegate\r\nContent-Disposition: form-data; name=\"target_model_names\"\r\n\r\n{model}\r\n" +
			"--sluicegate\r\nContent-Disposition: form-data; name=\"file\"; filename=\"sluice-gate.jsonl\"\r\nContent-Type: application/jsonl\r\n\r\n" +
			batchLine + "\r\n--sluicegate--\r\n"}
	c.Sends = []string{"POST /v1/files", "GET /v1/files/FILE", "GET /v1/files/FILE/content"}
	c.Curl = func(gate.Plan) string {
		return gate.ShellObjects(Blueprints(), upload, gate.Request{As: "team2key"}) +
			"printf '%s\\n' " + gate.ShellWord(batchLine) + " > batch.jsonl\n" +
			`curl -s --max-time 20 "$GATEWAY/v1/files" -H @team1key.h -F purpose=batch -F "target_model_names=$MODEL" -F file=@batch.jsonl > file.out` + "\n" +
			"id=$(member id file.out)\n" +
			`curl -s --max-time 20 -w '\n%{http_code}' "$GATEWAY/v1/files/$id" -H @team2key.h |` + "\n  want 4r unserved\n"
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		return readAsOther(ctx, env, upload, "/v1/files/")
	}
	return c
}

// readAsOther makes something as team 1 and reads it as team 2.
func readAsOther(ctx context.Context, env *gate.Env, r gate.Request, at string) gate.Result {
	made := env.Send(ctx, r)
	id := made.Text("id")
	if made.Kind != gate.Served || id == "" {
		return gate.Skip("the gateway does not offer it here: " + made.String() + ": " + made.Why())
	}
	env.Undo(at+" at the provider", func(ctx context.Context) error {
		env.Send(ctx, gate.Request{Method: "DELETE", Path: at + id, As: "team1key"})
		return nil // the built-in provider forgets everything anyway
	})
	if own := env.Send(ctx, gate.Request{Path: at + id, As: "team1key"}); own.Kind != gate.Served {
		return gate.Skip("the gateway does not give it back to its owner either: " + own.String())
	}
	other := env.Send(ctx, gate.Request{Path: at + id, As: "team2key"})
	if other.Silent() || other.Status >= 500 {
		return gate.Unknown("no answer to judge: " + other.String())
	}
	if other.Kind == gate.Served {
		return gate.Failed("team 2's key reads what team 1 made at " + at)
	}
	return gate.Passed("Team 1 reads its own, team 2 got " + other.String())
}

// sharedCache sends one question twice, as two teams.
func sharedCache(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity = "4s", "Cached answer not given to another team", record.SeverityMedium
	c.Needs |= gate.NeedModel
	c.Verified = "An answer given to one team is not given to the other from a cache"
	c.Remedy = "Give the response cache a namespace for each team, or turn it off."
	c.Sends = []string{"POST /v1/chat/completions"}
	c.Curl = func(gate.Plan) string {
		ask := func(as string) gate.Request {
			return gate.Request{Path: "/v1/chat/completions", As: as, Body: gate.ChatBody("{model}", "{run}-cache")}
		}
		return gate.ShellObjects(Blueprints(), ask("team1key"), ask("team2key")) +
			gate.Curl(ask("team1key")) + " > cached.out; sleep 1\n" +
			gate.Curl(ask("team2key")) + " |\n  want 4s lacks \"$(member id cached.out | grep . || echo none)\"\n"
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		body := gate.ChatBody("{model}", env.Name("cache-"+gate.Random(8)))
		ask := func(as string) gate.Answer {
			return env.Send(ctx, gate.Request{Path: "/v1/chat/completions", As: as, Body: body})
		}
		first := ask("team1key")
		if err := env.Wait(ctx, askEvery); err != nil {
			return gate.Unknown("the run ended first")
		}
		second := ask("team2key")
		for _, a := range []gate.Answer{first, second} {
			if a.Kind == gate.ProviderError {
				return gate.Result{Verdict: gate.Inconclusive, Provider: a.String() + ": " + a.Why(),
					Evidence: "The provider fails, so there is nothing to be cached (use a mock model or --provider-mock)"}
			}
		}
		if first.Kind != gate.Served || second.Kind != gate.Served {
			return gate.Unknown(fmt.Sprintf("the chats were not both served: %s and %s", first, second))
		}
		if id := first.Text("id"); id != "" && id == second.Text("id") {
			return gate.Failed("team 2 was given the answer that team 1 got, from the cache")
		}
		return gate.Passed("The same question of two teams got two answers")
	}
	return c
}
