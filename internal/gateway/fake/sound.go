package fake

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Sound takes LiteLLM's weaknesses away: what is left keeps every promise that
// the gate knows, so that a test can break one at a time. The version is 1.106.2,
// which has fewer to begin with.
func Sound() []Change {
	return []Change{
		{Options: func(o *Options) {
			o.Version = V1_106
			o.SharedLimits = func(string) bool { return true }
			o.CacheFor = func(int, string) time.Duration { return 0 }
			o.SpendDelay, o.ThinkTime, o.ResetEvery = 20*time.Millisecond, 1200*time.Millisecond, time.Second
		}},
		{After: quiet},
		{Before: ownKeyOnly},
		{Before: noOverwriting},
		{Before: noRedirect},
		{Before: noClientTags},
		{Before: noServiceTests},
		ownObjects(),
	}
}

// credentials are the forms that keys of tests have.
var credentials = regexp.MustCompile(`(sk-|gsk_|tok_|X?sk-)[A-Za-z0-9_-]{9,}`)

// quiet takes credentials out of refusals.
func quiet(e *Exchange) {
	if e.Status >= 300 {
		e.Answer = credentials.ReplaceAll(e.Answer, []byte("REDACTED"))
	}
}

// ownKeyOnly shows a virtual key its own record, and of any other hash says the
// same as of one that does not exist.
func ownKeyOnly(e *Exchange) bool {
	k, virtual := e.Caller()
	if !virtual || k.UserID != "" {
		return false
	}
	asked := e.Request.URL.Query().Get("key")
	switch {
	case e.Is("GET", "/key/info") && asked != "" && hashKey(asked) != k.Token:
		e.Refuse(http.StatusNotFound, "Key not found in database", "not_found_error")
	case e.Is("POST", "/v2/key/info"):
		e.Refuse(http.StatusForbidden, "only an administrator may", "auth_error")
	default:
		return false
	}
	return true
}

func noOverwriting(e *Exchange) bool {
	if !e.Is("POST", "/key/generate") {
		return false
	}
	m := regexp.MustCompile(`"key": ?"(sk-[^"]*)"`).FindSubmatch(e.Body)
	if m == nil {
		return false
	}
	if _, exists := e.Key(hashKey(string(m[1]))); !exists {
		return false
	}
	e.Refuse(http.StatusBadRequest, "the key exists", "bad_request_error")
	return true
}

// noServiceTests lets administrators alone have test messages sent.
func noServiceTests(e *Exchange) bool {
	if _, virtual := e.Caller(); !virtual || !e.Is("GET", "/health/services") {
		return false
	}
	e.Refuse(http.StatusForbidden, "only an administrator may", "auth_error")
	return true
}

func noRedirect(e *Exchange) bool {
	path := e.Request.URL.Path
	if len(path) > 1 && strings.HasSuffix(path, "/") || strings.HasPrefix(path, "//") {
		e.Reply(http.StatusNotFound, object{"detail": "Not Found"})
		return true
	}
	return false
}

// ownObjects lets the team alone that made a file, a batch or a vector store do
// anything with it.
func ownObjects() Change {
	type owned struct {
		gateway *Gateway
		id      string
	}
	kept := []string{"files", "batches", "vector_stores"}
	var mu sync.Mutex
	owners := map[owned]string{}
	return Change{
		Before: func(e *Exchange) bool {
			segments := strings.Split(e.Request.URL.Path, "/")
			if len(segments) < 4 || !slices.Contains(kept, segments[2]) {
				return false
			}
			k, _ := e.Caller()
			mu.Lock()
			owner, known := owners[owned{e.Gateway, segments[3]}]
			mu.Unlock()
			if known && owner != k.TeamID {
				e.Refuse(http.StatusForbidden, "the object is another team's", "auth_error")
			}
			return known && owner != k.TeamID
		},
		After: func(e *Exchange) {
			var made struct{ ID string }
			kind, isKind := strings.CutPrefix(e.Request.URL.Path, "/v1/")
			if isKind && e.Request.Method == "POST" && slices.Contains(kept, kind) && e.Status == 200 && json.Unmarshal(e.Answer, &made) == nil {
				k, _ := e.Caller()
				mu.Lock()
				owners[owned{e.Gateway, made.ID}] = k.TeamID
				mu.Unlock()
			}
		},
	}
}
