package checks

import (
	"context"
	"fmt"

	"sluice/internal/gate"
	"sluice/internal/record"
)

const controlSharedAccount = "Objects under one provider account"

// shelf is a place at the provider where a team keeps what it makes there, all
// of it under the one account that the gateway has.
type shelf struct {
	make  []making
	own   gate.Request   // by which the team reads it back
	asks  []step         // by which another team tries
	after []gate.Request // removes it
	// unset is what the gateway lacks if what was made did not reach the
	// built-in provider; "" if it has to.
	unset string
}

// making is a request of team 1 whose answer has the id {name.made}.
type making struct {
	name string
	gate.Request
	shell string // instead of Request, where curl has a way of its own
}

// kept makes a check of a shelf.
func (s shelf) check(c gate.Check) gate.Check {
	c.Control = controlSharedAccount
	c.Needs |= gate.NeedModel | gate.NeedProvider
	for _, m := range s.make {
		c.Sends = append(c.Sends, m.Line())
	}
	for _, a := range s.asks {
		c.Sends = append(c.Sends, a.Line())
	}
	for _, r := range append([]gate.Request{s.own}, s.after...) {
		c.Sends = append(c.Sends, r.Line())
	}
	c.Curl = func(gate.Plan) string { return s.byHand(c.ID) }
	c.Run = s.run
	return c
}

func (s shelf) byHand(id string) string {
	requests := []gate.Request{s.own}
	for _, a := range s.asks {
		requests = append(requests, a.Request)
	}
	b := gate.ShellObjects(Blueprints(), requests...)
	last := ""
	for _, m := range s.make {
		shell := m.shell
		if shell == "" {
			shell = gate.Curl(m.Request)
		}
		last = m.name + "_made"
		b += shell + " > " + m.name + ".out; " + last + "=$(member id " + m.name + ".out)\n"
	}
	b += `if [ -z "$` + last + `" ]; then echo "` + id + ` inconclusive (the gateway does not offer it)"; else` + "\n"
	for _, a := range s.asks {
		b += gate.Curl(a.Request) + " |\n  want " + id + " " + a.want.shell + "\n"
	}
	return b + "fi\n"
}

func (s shelf) run(ctx context.Context, env *gate.Env) gate.Result {
	env.Undo("objects at the provider", func(ctx context.Context) error {
		for _, r := range s.after {
			env.Send(ctx, r) // the built-in provider forgets everything anyway
		}
		return nil
	})
	for _, m := range s.make {
		made := env.Send(ctx, m.Request)
		id := made.Text("id")
		reached, _ := env.Provider().Received(env.Name(m.name))
		switch {
		case made.Silent():
			return gate.Unknown("no answer to judge: " + made.String())
		case s.unset != "" && reached == 0:
			return gate.Skip("the gateway is not set up for it: " + s.unset)
		case made.Kind == gate.ProviderError:
			return gate.Result{Verdict: gate.Inconclusive, Provider: made.Full(), Evidence: "The provider failed, so there is nothing to be read"}
		case made.Kind != gate.Served || id == "":
			return gate.Skip("the gateway does not offer it here: " + made.Full())
		}
		env.Tell(m.name, id)
	}
	if own := env.Send(ctx, s.own); own.Kind != gate.Served {
		return gate.Skip("the gateway does not give it back to its owner either: " + own.String())
	}
	return runSteps(ctx, env, s.asks)
}

// byTeam2 is what team 2 must not be served.
func byTeam2(label string, r gate.Request) step {
	r.As = "team2key"
	return step{label: "team 2 " + label, Request: r, want: unserved}
}

// otherResponse makes a response as one team and reads it as the other.
func otherResponse(c gate.Check) gate.Check {
	c.ID, c.Title = "4q", "Other team's stored response → refused"
	c.Verified = "A response stored at the provider is not given to another team"
	c.Remedy = "Upgrade the gateway: the provider knows one account, so the gateway has to keep the teams apart."
	at := gate.Request{Path: "/v1/responses/{response.made}"}
	own, remove := at, at
	own.As, remove.As, remove.Method = "team1key", "team1key", "DELETE"
	return shelf{
		make: []making{{name: "response", Request: gate.Request{Path: "/v1/responses", As: "team1key", Body: `{"model":"{model}","input":"Hello"}`}}},
		own:  own, asks: []step{byTeam2("reads it", at), byTeam2("deletes it", gate.Request{Path: at.Path, Method: "DELETE"})}, after: []gate.Request{remove},
	}.check(c)
}

// batchLine is the smallest file that a gateway takes for a batch.
const batchLine = `{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"{model}","messages":[{"role":"user","content":"Hello"}],"max_tokens":5}}`

// upload is a file of team 1. A gateway takes the account to put it in from a
// header (LiteLLM since 1.80), or, with its hook for files, from a field.
func upload(name string) making {
	part := func(head, body string) string {
		return "--sluicegate\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n"
	}
	model := gate.Header{Name: "x-litellm-model", Value: "{model}"}
	return making{name: name, Request: gate.Request{Path: "/v1/files", As: "team1key", Method: "POST",
		Headers: []gate.Header{{Name: "Content-Type", Value: "multipart/form-data; boundary=sluicegate"}, model},
		Body: part(`name="purpose"`, "batch") + part(`name="target_model_names"`, "{model}") +
			part(`name="file"; filename="sluice-gate.jsonl"`+"\r\nContent-Type: application/jsonl", batchLine) + "--sluicegate--\r\n"},
		shell: "printf '%s\\n' " + gate.ShellWord(batchLine) + " > batch.jsonl\n" +
			`curl -s --max-time 20 "$GATEWAY/v1/files" -H @team1key.h -H "x-litellm-model: $MODEL" -F purpose=batch -F "target_model_names=$MODEL" -F file=@batch.jsonl`}
}

// otherFiles uploads a file as one team and reads it as the other.
func otherFiles(c gate.Check) gate.Check {
	c.ID, c.Title = "4r", "Other team's file → refused"
	c.Verified = "A file stored at the provider is not given to another team"
	c.Remedy = "Close /v1/files to virtual keys in the proxy in front, or use LiteLLM's managed files, which know whose they are: " +
		"the provider knows one account, and whoever has the id of a file reads it."
	at := gate.Request{Path: "/v1/files/{file.made}"}
	own, remove := at, at
	own.As, remove.As, remove.Method = "team1key", "team1key", "DELETE"
	return shelf{
		make: []making{upload("file")}, own: own, after: []gate.Request{remove},
		asks: []step{byTeam2("reads it", at), byTeam2("reads what is in it", gate.Request{Path: at.Path + "/content"}),
			byTeam2("deletes it", gate.Request{Path: at.Path, Method: "DELETE"})},
	}.check(c)
}

// otherBatch makes a batch of a file as one team and reads it as the other.
func otherBatch(c gate.Check) gate.Check {
	c.ID, c.Title = "4t", "Other team's batch → refused"
	c.Verified = "A batch at the provider is neither shown to another team nor cancelled by it"
	c.Remedy = "Close /v1/batches to virtual keys in the proxy in front, or use LiteLLM's managed batches, which know whose they are: " +
		"the provider knows one account, and whoever has the id of a batch reads it."
	at := gate.Request{Path: "/v1/batches/{batch.made}"}
	own := at
	own.As = "team1key"
	make := gate.Request{Path: "/v1/batches", As: "team1key", Body: `{"input_file_id":"{batchfile.made}","endpoint":"/v1/chat/completions","completion_window":"24h"}`}
	return shelf{
		make: []making{upload("batchfile"), {name: "batch", Request: make}}, own: own,
		after: []gate.Request{{Path: "/v1/files/{batchfile.made}", Method: "DELETE", As: "team1key"}},
		asks:  []step{byTeam2("reads it", at), byTeam2("cancels it", gate.Request{Path: at.Path + "/cancel", Method: "POST", Body: "{}"})},
	}.check(c)
}

// otherVectorStore makes a vector store as one team and searches and changes it
// as the other. LiteLLM sends what concerns vector stores to the address of the
// kind of store that the request names, whatever the model: pg_vector is the
// kind whose address a configuration can set without moving anything else.
// Reading, listing and deleting always go to api.openai.com, so they are left
// out: a check does not ask a stranger.
func otherVectorStore(c gate.Check) gate.Check {
	c.ID, c.Title = "4u", "Other team's vector store → refused"
	c.Verified = "A vector store is neither searched nor changed by another team"
	c.Remedy = "Close /v1/vector_stores to virtual keys in the proxy in front, or register each store with the team that it belongs to: " +
		"of a store that it does not know LiteLLM lets every key search and change what the one account holds."
	body := func(more string) string { return `{"custom_llm_provider":"pg_vector",` + more + `}` }
	at := gate.Request{Path: "/v1/vector_stores/{store.made}/search", Body: body(`"query":"Hello"`)}
	own := at
	own.As = "team1key"
	return shelf{
		make: []making{{name: "store", Request: gate.Request{Path: "/v1/vector_stores", As: "team1key", Body: body(`"name":"{run}-4u-store"`)}}},
		own:  own, asks: []step{byTeam2("searches it", at), byTeam2("changes it", gate.Request{Path: "/v1/vector_stores/{store.made}", Body: body(`"name":"{run}-4u-store"`)})},
		unset: "PG_VECTOR_API_BASE of the gateway does not point at the built-in provider",
	}.check(c)
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
				return gate.Result{Verdict: gate.Inconclusive, Provider: a.Full(),
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
