package checks_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"sluice/internal/gateway/fake"
)

func lagOf(part string) func(*rig) fake.Change {
	return func(*rig) fake.Change {
		return fake.Change{Options: func(o *fake.Options) {
			// The replica that makes a change knows of it at once, the other does not.
			o.CacheFor = func(_ int, alias string) time.Duration {
				if strings.Contains(alias, part) {
					return 3 * tolerated
				}
				return 0
			}
		}}
	}
}

func keyMutations() []mutation {
	var made, keys atomic.Int64
	return []mutation{
		{name: "own record without a key", check: "1a", change: as(func(e *fake.Exchange) bool { return e.Request.RequestURI == "/key/info" && noKey(e) })},
		{name: "own record for any key", check: "1b", change: answer(200, `{"info":{}}`, func(e *fake.Exchange) bool {
			_, known := e.Caller()
			return e.Request.RequestURI == "/key/info" && strings.HasPrefix(e.Given(), "sk-") && !known
		})},
		{name: "master key makes no keys", check: "1c", change: answer(403, `{"error":{"message":"no","type":"auth_error"}}`, all(post("/key/generate"), body(`-1c"`)))},
		{name: "Basic credentials accepted", check: "1d", change: as(all(get("/v1/models"), header("Authorization", "Basic Og==")))},
		{name: "hash accepted as the key", check: "1e", change: before(func(e *fake.Exchange) bool {
			if k, ok := e.Key(strings.TrimPrefix(e.Request.Header.Get("Authorization"), "Bearer ")); ok {
				e.As(k)
			}
			return false
		})},
		{name: "key accepted in the query", check: "1f", change: as(func(e *fake.Exchange) bool {
			key := e.Request.URL.Query().Get("api_key")
			return e.Is("GET", "/v1/models") && key != "" && known(e, key)
		})},
		{name: "any x-goog-api-key accepted", check: "1g", change: as(all(get("/v1/models"), header("X-Goog-Api-Key", "sk-"), func(e *fake.Exchange) bool {
			return e.Request.Header.Get("X-Api-Key") == "" && e.Request.Header.Get("Ocp-Apim-Subscription-Key") == ""
		}))},
		{name: "second key rescues the first", check: "1h", change: as(func(e *fake.Exchange) bool {
			return e.Request.Header.Get("Authorization") != "" && known(e, e.Request.Header.Get("Api-Key"))
		})},
		{name: "virtual key reads the configuration", check: "1i", change: as(all(get("/config/list"), asks("-plain")))},
		{name: "model info without a key", check: "1j", change: as(all(get("/model/info"), noKey))},
		{name: "double slash past authentication", check: "1k", change: answer(200, `{"keys":[]}`, func(e *fake.Exchange) bool { return e.Request.RequestURI == "//key/list" })},
		{name: "teams made without a key", check: "1l", change: as(all(post("/team/new"), noKey))},
		{name: "a header is not read", check: "1m", change: answer(401, `{"error":{"message":"Authentication Error, No api key passed in.","type":"auth_error"}}`, func(e *fake.Exchange) bool {
			return known(e, e.Request.Header.Get("Ocp-Apim-Subscription-Key"))
		})},
		{name: "test messages for every key", check: "1n", change: answer(200, `{"status":"success"}`, all(get("/health/services"), asks("-plain")))},
		{name: "metadata lost", check: "2a", change: inRecord("-plain", func(info map[string]any) { info["metadata"] = map[string]any{} })},
		{name: "key made for an hour lives for ever", check: "2a", change: inRecord("-plain", func(info map[string]any) { info["expires"] = nil })},
		{name: "good key refused for chat", check: "2b", change: refuseKey("-plain", `"Hello"}],"max_tokens":5}`, -1)},
		{name: "models of a key ignored", check: "2c", change: forget("-limited", func(k *fake.Key) { k.Models = nil })},
		{name: "keys counted up", check: "2d", change: before(func(e *fake.Exchange) bool {
			if e.Is("POST", "/key/generate") && strings.Contains(string(e.Body), "-2d-") {
				e.Body = fmt.Appendf(nil, `{"key":"sk-QhT7mZp3XcVb9LkRw%05d",%s`, keys.Add(1), e.Body[1:])
			}
			return false
		})},
		{name: "keys of another length now and then", check: "2d", change: before(func(e *fake.Exchange) bool {
			if e.Is("POST", "/key/generate") && strings.Contains(string(e.Body), "-2d-") && made.Add(1) == 17 {
				e.Body = append([]byte(`{"key":"`+fake.NewKey()+`x",`), e.Body[1:]...)
			}
			return false
		})},
		{name: "key shown in its record", check: "2e", change: keyInRecord},
		{name: "short key accepted", check: "2f", change: shortKeyAccepted},
		{name: "existing key overwritten", check: "2g", change: answer(200, `{"key":"sk-overwritten-overwritten"}`, all(post("/key/generate"), body("-2g2")))},
		{name: "client's answer given", check: "2h", change: clientsAnswer},
		{name: "client's address asked", check: "2i", change: answer(500, `{"error":{"message":"litellm.InternalServerError: OpenAIException - Cannot connect to host 127.0.0.1:9","type":null}}`,
			all(post(chatPath), body(`"base_url"`)))},
		{name: "routes of a key ignored", check: "2j", change: forget("-routed", func(k *fake.Key) { k.Routes = nil })},
	}
}

// spoofMutations let a client spend in another's name.
func spoofMutations() []mutation {
	return []mutation{
		{name: "named tag pays", check: "2m", change: before(func(e *fake.Exchange) bool {
			if tag := e.Request.Header.Get("x-litellm-tags"); tag != "" {
				k, _ := e.Caller()
				e.Charge(k.Token, 0.01, tag)
			}
			return false
		})},
		{name: "named key pays", check: "2l", change: namedKeyPays(0)},
		// Was seen by chance only: after who asked, and after the first look.
		{name: "named key pays, written later", check: "2l", change: namedKeyPays(1500 * time.Millisecond)},
	}
}

// namedKeyPays charges the key that a request names, some time after it.
func namedKeyPays(late time.Duration) func(*rig) fake.Change {
	return before(func(e *fake.Exchange) bool {
		var req struct {
			Metadata struct {
				Key string `json:"user_api_key"`
			}
		}
		if e.Is("POST", chatPath) && json.Unmarshal(e.Body, &req) == nil && req.Metadata.Key != "" {
			time.AfterFunc(late, func() { e.Charge(req.Metadata.Key, 0.01) })
		}
		return false
	})
}

// known says that a key is one of the gateway's.
func known(e *fake.Exchange, key string) bool {
	_, ok := e.Key(fake.HashKey(key))
	return ok && strings.HasPrefix(key, "sk-")
}

// keyInRecord remembers the key of 2a when it is made.
func keyInRecord(*rig) fake.Change {
	var key atomic.Pointer[string]
	return fake.Change{After: func(e *fake.Exchange) {
		var v struct {
			Key   string
			Alias string `json:"key_alias"`
		}
		switch {
		case e.Is("POST", "/key/generate") && json.Unmarshal(e.Answer, &v) == nil && strings.HasSuffix(v.Alias, "-plain"):
			key.Store(&v.Key)
		case e.Is("GET", "/key/list") && key.Load() != nil:
			e.Answer = append(e.Answer, fmt.Sprintf(` {"comment":"%s"}`, (*key.Load())[:14])...)
		}
	}}
}

func shortKeyAccepted(*rig) fake.Change {
	return fake.Change{Before: func(e *fake.Exchange) bool {
		if !e.Is("POST", "/key/generate") || !strings.Contains(string(e.Body), `-2f"`) {
			return false
		}
		e.Reply(200, map[string]any{"key": "sk-accepted-accepted"})
		return true
	}}
}

func clientsAnswer(*rig) fake.Change {
	return fake.Change{After: func(e *fake.Exchange) {
		var req struct {
			Mock string `json:"mock_response"`
		}
		if e.Is("POST", chatPath) && json.Unmarshal(e.Body, &req) == nil && req.Mock != "" {
			e.Answer = []byte(strings.Replace(string(e.Answer), "hello from the mock", req.Mock, 1))
		}
	}}
}

func limitMutations() []mutation {
	return []mutation{
		{name: "budget not stored", check: "3a", change: inRecord("-tiny", func(info map[string]any) { info["max_budget"] = nil })},
		{name: "budget of a key ignored", check: "3b", change: refusedAs(func(e *fake.Exchange) bool { return e.Asks("-tiny") && e.Is("POST", chatPath) })},
		{name: "readiness needs a key", check: "3c", change: answer(401, `{"error":{"message":"no","type":"auth_error"}}`, all(get("/health/readiness"), noKey))},
		{name: "requests not limited", check: "3d", change: forget("-3d-", func(k *fake.Key) { k.RPM = nil })},
		{name: "each replica counts requests by itself", check: "3e", change: countedByReplica("-3e-")},
		{name: "each replica counts tokens by itself", check: "3m", change: countedByReplica("-3m-")},
		{name: "each replica counts what is under way by itself", check: "3n", change: countedByReplica("-3n-")},
		{name: "tokens not limited", check: "3f", change: forget("-3f-", func(k *fake.Key) { k.TPM = nil })},
		{name: "parallel requests not limited", check: "3g", change: forget("-3g-", func(k *fake.Key) { k.Parallel = nil })},
		{name: "budget of a team ignored", check: "3h", change: refusedAs(func(e *fake.Exchange) bool { return e.Asks("-poorteamkey") && e.Is("POST", chatPath) })},
		{name: "budget of a user ignored", check: "3i", change: refusedAs(func(e *fake.Exchange) bool { return e.Asks("-pooruserkey") && e.Is("POST", chatPath) })},
		{name: "budget of a tag ignored", check: "3k", change: refusedAs(func(e *fake.Exchange) bool { return e.Asks("-poortagkey") && e.Is("POST", chatPath) })},
		{name: "budgets stay spent", check: "3l", change: func(*rig) fake.Change {
			return fake.Change{Options: func(o *fake.Options) { o.ResetEvery = time.Hour }}
		}},
		{name: "budget without a time of reset", check: "3j", change: inRecord("-renewed", func(info map[string]any) { info["budget_reset_at"] = nil })},
	}
}

// countedByReplica makes the replicas count the limits of one check's keys each
// by itself.
func countedByReplica(part string) func(*rig) fake.Change {
	return func(*rig) fake.Change {
		return fake.Change{Options: func(o *fake.Options) {
			o.SharedLimits = func(alias string) bool { return !strings.Contains(alias, part) }
		}}
	}
}

// refusedAs serves what would be refused for its budget: the money is booked
// and the chat is answered.
func refusedAs(when func(*fake.Exchange) bool) func(*rig) fake.Change {
	return before(func(e *fake.Exchange) bool {
		if !when(e) {
			return false
		}
		k, _ := e.Caller()
		e.Charge(k.Token, 0.001)
		e.Reply(200, map[string]any{"id": "served"})
		return true
	})
}

// expiredFor says that a key has expired, not longer than that ago.
func expiredFor(k fake.Key, most time.Duration) bool {
	since := time.Since(k.Expires)
	return since >= 0 && since < most
}
