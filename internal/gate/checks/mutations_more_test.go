package checks_test

import (
	"strings"
	"sync"

	"sluice/internal/gateway/fake"
)

func tenantMutations() []mutation {
	team := func(alias string, edit func(map[string]any)) func(*rig) fake.Change {
		return after(func(e *fake.Exchange) {
			if e.Is("GET", "/team/info") && strings.HasSuffix(e.Request.URL.Query().Get("team_id"), alias) {
				e.Edit(func(v map[string]any) {
					if info, ok := v["team_info"].(map[string]any); ok {
						edit(info)
					}
				})
			}
		})
	}
	otherAlias := func(info map[string]any) { info["team_alias"] = "another" }
	noTeam := func(info map[string]any) { info["team_id"] = nil }
	byTeam1 := asks("-team1key")
	return []mutation{
		{name: "team 1 stored otherwise", check: "4a", change: team("-team1", otherAlias)},
		{name: "team 2 stored otherwise", check: "4b", change: team("-team2", otherAlias)},
		{name: "key of team 1 without its team", check: "4c", change: inRecord("-team1key", noTeam)},
		{name: "key of team 2 without its team", check: "4d", change: inRecord("-team2key", noTeam)},
		{name: "key of team 2 does not work", check: "4e", change: refuseKey("-team2key", `"Hello"`, -1)},
		{name: "models of a team ignored", check: "4f", change: answer(200, `{"id":"served"}`, func(e *fake.Exchange) bool {
			return e.Is("POST", chatPath) && e.Asks("-team1key") && !strings.Contains(string(e.Body), "claude-3-haiku")
		})},
		{name: "other team's record shown", check: "4g", change: as(all(get("/team/info"), byTeam1))},
		{name: "any key's record shown", check: "4h", change: answer(200, `{"info":{}}`, all(get("/key/info"), byTeam1))},
		{name: "any key's record shown in bulk", check: "4i", change: answer(200, `{"info":[{}]}`, all(post("/v2/key/info"), byTeam1))},
		{name: "all aliases listed", check: "4j", change: as(all(get("/key/aliases"), byTeam1))},
		{name: "spend by tag shown", check: "4k", change: as(all(get("/spend/tags"), byTeam1))},
		{name: "everybody's activity shown", check: "4l", change: as(all(get("/user/daily/activity"), byTeam1))},
		{name: "other team's key changed", check: "4m", change: as(all(post("/key/update"), byTeam1))},
		{name: "other team's key deleted silently", check: "4m", change: func(*rig) fake.Change {
			return fake.Change{Before: func(e *fake.Exchange) bool {
				if !e.Is("POST", "/key/delete") || !e.Asks("-team1key") {
					return false
				}
				for _, k := range e.Gateway.Keys() {
					if strings.HasSuffix(k.Alias, "-team2key") {
						e.Alter(k.Token, func(k *fake.Key) { k.Routes = []string{chatPath} })
					}
				}
				return false
			}}
		}},
		{name: "other team changed", check: "4n", change: as(all(post("/team/member_add"), byTeam1))},
		{name: "other user's record shown", check: "4o", change: as(all(get("/user/info"), byTeam1))},
		{name: "hashes told apart", check: "4p", change: answer(403, `{"error":{"message":"not yours","type":"auth_error"}}`, func(e *fake.Exchange) bool {
			_, exists := e.Key(e.Request.URL.Query().Get("key"))
			return e.Is("GET", "/key/info") && e.Asks("-team1key") && exists
		})},
		{name: "one cache for all teams", check: "4s", change: cached},
	}
}

// cached answers the same chat from memory, whoever asks.
func cached(*rig) fake.Change {
	var mu sync.Mutex
	answers := map[string][]byte{}
	return fake.Change{
		Before: func(e *fake.Exchange) bool {
			mu.Lock()
			defer mu.Unlock()
			if text := answers[string(e.Body)]; text != nil && e.Is("POST", chatPath) && e.Asks("key") {
				e.Status, e.Answer = 200, text
				return true
			}
			return false
		},
		After: func(e *fake.Exchange) {
			mu.Lock()
			defer mu.Unlock()
			if e.Is("POST", chatPath) && e.Status == 200 && strings.Contains(string(e.Body), "-cache-") {
				answers[string(e.Body)] = e.Answer
			}
		},
	}
}

func logMutations() []mutation {
	path := func(part string) func(*fake.Exchange) bool {
		return func(e *fake.Exchange) bool { return strings.Contains(e.Request.RequestURI, part) }
	}
	return []mutation{
		{name: "master key in the log", check: "5", change: printed(get("/health/liveliness"), func(e *fake.Exchange) string { return "master_key: " + e.Gateway.MasterKey })},
		{name: "keys in the log when they are made", check: "5", change: func(r *rig) fake.Change {
			return fake.Change{After: func(e *fake.Exchange) {
				if e.Is("POST", "/key/generate") {
					_, _ = r.raw[e.Replica].Write(append(e.Answer, '\n'))
				}
			}}
		}},
		{name: "headers in the log", check: "5a", also: []string{"5"}, change: printed(header("X-Secret", "gsk_"), func(e *fake.Exchange) string { return e.Request.Header.Get("X-Secret") })},
		{name: "header repeated in the refusal", check: "5a", change: after(func(e *fake.Exchange) {
			if s := e.Request.Header.Get("X-Secret"); s != "" {
				e.Answer = append(e.Answer, s...)
			}
		})},
		{name: "queries in the log", check: "5b", also: []string{"5"}, change: printed(path("?access_token=sk-"), requestLine)},
		{name: "query repeated in the refusal", check: "5b", change: after(func(e *fake.Exchange) {
			if e.Is("GET", "/v1/models") && e.Request.URL.Query().Get("q") != "" {
				e.Answer = append(e.Answer, e.Request.URL.RawQuery...)
			}
		})},
		{name: "paths in the log", check: "5c", also: []string{"5"}, change: printed(all(path("/sluice-gate-nope/gsk_")), requestLine)},
		{name: "prompts in the log", check: "5d", also: []string{"5"}, change: printed(all(post(chatPath), body("My key is sk-")), requestBody)},
		{name: "broken JSON in the log", check: "5e", also: []string{"5"}, change: printed(all(post(chatPath), body(`"api_key":"sk-`), asks("-plain"), func(e *fake.Exchange) bool {
			return strings.HasSuffix(string(e.Body), ",")
		}), requestBody)},
		{name: "streamed prompts in the log", check: "5e", also: []string{"5"}, change: printed(all(post(chatPath), body(`"stream":true`)), requestBody)},
		{name: "admin requests in the log", check: "5g", also: []string{"5"}, change: printed(all(post("/key/generate"), body("gsk_")), requestBody)},
	}
}

func replicaMutations() []mutation {
	list := []mutation{
		{name: "no key through the balancer", check: "6a", change: answer(400, `{"error":{"message":"no","type":"bad_request_error"}}`, all(post("/key/generate"), body(`-ha"`)))},
		{name: "replica 1 refuses a new key", check: "6b", change: refuseKey("-ha", "", 0)},
		{name: "replica 2 refuses a new key", check: "6c", change: refuseKey("-ha", "", 1)},
	}
	for _, check := range []string{"7a", "7b", "7d", "7e", "7f", "7g"} {
		list = append(list, mutation{name: "replica 2 lags behind " + check, check: check, change: lag(check)})
	}
	return append(list, mutation{name: "replica 2 serves expired keys", check: "7c", change: as(func(e *fake.Exchange) bool {
		k, ok := e.Caller()
		return ok && e.Replica == 1 && strings.Contains(k.Alias, "-7c-") && expiredFor(k, 3*tolerated)
	})})
}

// page repeats its query.
func page(path string) func(*rig) fake.Change {
	return before(func(e *fake.Exchange) bool {
		if e.Request.URL.Path != path || e.Request.URL.RawQuery == "" {
			return false
		}
		e.Status, e.Answer = 200, []byte("<html>"+e.Request.URL.RawQuery+"</html>")
		return true
	})
}

func exposureMutations() []mutation {
	shows := func(path, text string, when func(*fake.Exchange) bool) func(*rig) fake.Change {
		return after(func(e *fake.Exchange) {
			if e.Is("GET", path) && when(e) {
				e.Answer = append(e.Answer, text...)
			}
		})
	}
	headers := func(when func(*fake.Exchange) bool, set map[string]string) func(*rig) fake.Change {
		return after(func(e *fake.Exchange) {
			if when(e) {
				for name, value := range set {
					e.Header.Set(name, value)
				}
			}
		})
	}
	foreign := func(e *fake.Exchange) bool { return e.Request.Header.Get("Origin") != "" }
	return []mutation{
		{name: "health open to all", check: "8a", change: as(func(e *fake.Exchange) bool { return e.Request.RequestURI == "/health" && noKey(e) && e.Replica == 1 })},
		{name: "readiness tells the version", check: "8b", change: shows("/health/readiness", `{"litellm_version":"1"}`, noKey)},
		{name: "health tells addresses", check: "8c", change: shows("/health", `{"api_base":"http://10.0.0.1"}`, asks("-plain"))},
		{name: "model info tells addresses", check: "8d", change: shows("/v1/model/info", `{"api_base":"http://10.0.0.1"}`, asks("-plain"))},
		{name: "metrics open to all", check: "8e", change: answer(200, "litellm_requests_total 1\n", get("/metrics"))},
		{name: "page repeats its query", check: "8f", change: page("/redoc")},
		{name: "refusal repeats the key", check: "8g", change: after(func(e *fake.Exchange) {
			if k := e.Request.Header.Get("Authorization"); e.Is("GET", "/v1/models") && strings.HasPrefix(k, "Bearer tok_sk-") {
				e.Answer = append(e.Answer, k...)
			}
		})},
		{name: "errors with tracebacks", check: "8h", change: after(func(e *fake.Exchange) {
			if e.Status == 405 {
				e.Answer = append(e.Answer, "Traceback (most recent call last)"...)
			}
		})},
		{name: "redirect to the client's host", check: "8i", change: before(func(e *fake.Exchange) bool {
			if e.Request.URL.Path != "/key/info/" {
				return false
			}
			e.Header.Set("Location", "http://"+e.Request.Host+"/key/info")
			e.Status = 307
			return true
		})},
		{name: "any origin with credentials", check: "8j", change: headers(foreign, map[string]string{
			"Access-Control-Allow-Origin": "https://sluice-gate.invalid", "Access-Control-Allow-Credentials": "true"})},
		{name: "debugging open to keys", check: "8k", change: as(all(get("/otel-spans"), asks("-plain")))},
		{name: "slow clients take every worker", check: "8m", change: func(*rig) fake.Change {
			return fake.Change{Options: func(o *fake.Options) { o.Workers = 10 }}
		}},
		{name: "large request served", check: "8l", change: answer(200, `{"id":"served"}`, func(e *fake.Exchange) bool { return len(e.Body) > 4<<20 })},
	}
}
