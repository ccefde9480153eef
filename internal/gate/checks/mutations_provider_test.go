package checks_test

import (
	"strings"
	"sync/atomic"

	"sluice/internal/gateway/fake"
)

// providerMutations are those of a gateway that has the built-in provider
// behind it.
func providerMutations() []mutation {
	// given is what team 2 gets of what team 1 made, at a path that begins so.
	given := func(method, path string) func(*rig) fake.Change {
		return answer(200, `{"id":"given"}`, func(e *fake.Exchange) bool {
			return e.Request.Method == method && strings.HasPrefix(e.Request.URL.Path, path) && e.Asks("-team2key")
		})
	}
	store := func(search bool) func(*rig) fake.Change {
		return answer(200, `{"id":"given"}`, func(e *fake.Exchange) bool {
			path, isStore := strings.CutPrefix(e.Request.URL.Path, "/v1/vector_stores/")
			return isStore && strings.HasSuffix(path, "/search") == search && e.Asks("-team2key")
		})
	}
	list := []mutation{
		{name: "client's key sent to the provider", check: "2k", change: func(*rig) fake.Change {
			return fake.Change{Options: func(o *fake.Options) { o.ForwardKey = true }}
		}},
		{name: "parallel requests not limited", check: "3g", change: forget("-3g-", func(k *fake.Key) { k.Parallel = nil })},
		{name: "each replica counts what is under way by itself", check: "3n", change: countedByReplica("-3n-")},
		{name: "response given to another team", check: "4q", change: given("GET", "/v1/responses/")},
		{name: "response deleted by another team", check: "4q", change: given("DELETE", "/v1/responses/")},
		{name: "file given to another team", check: "4r", change: given("GET", "/v1/files/")},
		{name: "file deleted by another team", check: "4r", change: given("DELETE", "/v1/files/")},
		{name: "batch given to another team", check: "4t", change: given("GET", "/v1/batches/")},
		{name: "batch cancelled by another team", check: "4t", change: given("POST", "/v1/batches/")},
		{name: "vector store searched by another team", check: "4u", change: store(true)},
		{name: "vector store changed by another team", check: "4u", change: store(false)},
		{name: "what a provider refused in the log", check: "5f", also: []string{"5"}, change: printed(body("sluice-gate-refuse"), requestBody)},
		{name: "provider's refusal repeated", check: "5f", change: after(func(e *fake.Exchange) {
			if strings.Contains(string(e.Body), "sluice-gate-refuse") {
				e.Answer = append(e.Answer, e.Body...)
			}
		})},
		{name: "request to a provider that hangs up in the log", check: "5f", also: []string{"5"},
			change: printed(body("sluice-gate-hangup"), requestBody)},
		{name: "request to a provider that is too slow in the log", check: "5f", also: []string{"5"},
			change: printed(all(body("sluice-gate-slow"), body("sk-")), requestBody)},
		{name: "request to a provider that is down in the log", check: "5f", also: []string{"5"}, change: secondTime("sluice-gate-away")},
		{name: "request to a provider without an address repeated", check: "5f", change: after(func(e *fake.Exchange) {
			if strings.Contains(string(e.Body), "sluice-mock-lost") {
				e.Answer = append(e.Answer, e.Body...)
			}
		})},
	}
	for i := range list {
		list[i].provider = true
	}
	return list
}

// secondTime prints the second request with a text: the first has the provider
// go away, and nobody is there for the second.
func secondTime(text string) func(*rig) fake.Change {
	var seen atomic.Int64
	return printed(func(e *fake.Exchange) bool {
		return e.Replica >= 0 && strings.Contains(string(e.Body), text) && seen.Add(1) == 2
	}, requestBody)
}
