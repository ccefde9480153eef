package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"sluice/internal/record"
)

// realGateway is a running LiteLLM, as the env file of its stack describes it.
type realGateway struct {
	t           *testing.T
	url, master string
	name        string // part of every alias, unique to this run
}

func startReal(t *testing.T) *realGateway {
	t.Helper()
	path := os.Getenv("SLUICE_TEST_LITELLM")
	if path == "" {
		if strings.Contains(os.Getenv("SLUICE_REQUIRE"), "litellm") {
			t.Fatal("SLUICE_REQUIRE wants litellm, and SLUICE_TEST_LITELLM is not set")
		}
		t.Skip("SLUICE_TEST_LITELLM is not set: no real gateway to ask")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	env := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if ok {
			env[name] = strings.Trim(value, "'")
		}
	}
	return &realGateway{t: t, url: env["GATEWAY_URL"], master: env["LITELLM_MASTER_KEY"], name: "test-" + newKey(t)[3:11]}
}

// post calls an admin endpoint and returns its answer.
func (g *realGateway) post(path string, body map[string]any) map[string]any {
	g.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		g.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, g.url+path, bytes.NewReader(text)) // also after the test's context ended
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+g.master)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer any
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != http.StatusOK {
		g.t.Fatalf("POST %s: HTTP %d, %v", path, res.StatusCode, err)
	}
	object, _ := answer.(map[string]any) // /user/delete answers a number
	return object
}

// key makes a key that is gone when the test ends.
func (g *realGateway) key(path string, body map[string]any) string {
	g.t.Helper()
	answer := g.post(path, body)
	key, _ := answer["key"].(string)
	if path == "/user/new" { // with the user goes the key
		g.t.Cleanup(func() { g.post("/user/delete", map[string]any{"user_ids": []any{answer["user_id"]}}) })
		return key
	}
	hash := HashKey(record.NewSecret(key))
	g.t.Cleanup(func() {
		c := client(g.t, g.url, g.master)
		if k, ok, err := c.KeyInfo(g.t.Context(), hash); err == nil && (!ok || k.State == record.KeyDeleted) {
			return
		}
		g.post("/key/delete", map[string]any{"keys": []string{key}})
	})
	return key
}

func TestRealLiteLLM(t *testing.T) {
	g := startReal(t)
	open := g.post("/team/new", map[string]any{"team_alias": g.name + "-a"})["team_id"].(string)
	shut := g.post("/team/new", map[string]any{"team_alias": g.name + "-b"})["team_id"].(string)
	t.Cleanup(func() { g.post("/team/delete", map[string]any{"team_ids": []string{open, shut}}) })
	viewer := g.key("/user/new", map[string]any{"user_role": "proxy_admin_viewer"})
	user := g.key("/user/new", map[string]any{"user_role": "internal_user"})
	live := g.key("/key/generate", map[string]any{"key_alias": g.name + "-live", "team_id": open, "duration": "1h", "user_id": g.name})
	blocked := g.key("/key/generate", map[string]any{"key_alias": g.name + "-blocked"})
	g.post("/key/block", map[string]any{"key": blocked})
	expiring := g.key("/key/generate", map[string]any{"duration": "1s"})
	inTeam, _ := g.post("/key/generate", map[string]any{"team_id": shut})["key"].(string)
	g.post("/team/block", map[string]any{"team_id": shut})
	deleted, _ := g.post("/key/generate", map[string]any{"key_alias": g.name + "-deleted"})["key"].(string)
	g.post("/key/delete", map[string]any{"keys": []string{deleted}})

	for name, credential := range map[string]string{"master key": g.master, "viewer": viewer} {
		s, err := client(t, g.url, credential).Fetch(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for key, want := range map[string]record.KeyState{
			live: record.KeyLive, blocked: record.KeyBlocked, inTeam: record.KeyBlocked,
			deleted: record.KeyDeleted, viewer: record.KeyLive, user: record.KeyLive,
		} {
			if k := lookup(t, s, key); k.State != want || k.Name != "sk-..."+key[len(key)-4:] {
				t.Errorf("%s: %s is %s, want %s", name, k.Name, k.State, want)
			}
		}
		k := lookup(t, s, live)
		if k.Alias != g.name+"-live" || k.TeamID != open || k.TeamAlias != g.name+"-a" || k.UserID != g.name {
			t.Errorf("%s: whose key it is: %+v", name, *k)
		}
		if ttl := k.Expires.Sub(k.Created); ttl < 59*time.Minute || ttl > 61*time.Minute {
			t.Errorf("%s: made %v, expires %v", name, k.Created, k.Expires)
		}
		if k := lookup(t, s, expiring); StateAt(k, k.Expires) != record.KeyExpired || k.Expires.Sub(k.Created) > 2*time.Second {
			t.Errorf("%s: the expiring key: %+v", name, *k)
		}
		if k := lookup(t, s, deleted); k.Deleted.Before(k.Created) || k.Alias != g.name+"-deleted" {
			t.Errorf("%s: the deleted key: %+v", name, *k)
		}
		if s.Skipped() != 0 || s.HidesNames() {
			t.Errorf("%s: %d rows skipped, names hidden %v", name, s.Skipped(), s.HidesNames())
		}
	}
	g.single(viewer, live, deleted)
	_, err := client(t, g.url, user).Fetch(t.Context())
	wantKind(t, "internal user", err, KindForbidden, user)
	_, err = client(t, g.url, live).Fetch(t.Context())
	wantKind(t, "a key", err, KindForbidden, live)
	unknown := newKey(t)
	_, err = client(t, g.url, unknown).Fetch(t.Context())
	wantKind(t, "an unknown key", err, KindUnauthorized, unknown)
	_, err = client(t, g.url, "no-"+unknown).Fetch(t.Context())
	wantKind(t, "not a key", err, KindUnauthorized, unknown)
}

// single looks keys up one by one.
func (g *realGateway) single(viewer, live, deleted string) {
	c := client(g.t, g.url, viewer)
	for key, want := range map[string]record.KeyState{live: record.KeyLive, deleted: record.KeyDeleted, newKey(g.t): record.KeyUnknown} {
		k, ok, err := c.Find(g.t.Context(), HashKey(record.NewSecret(key)))
		if err != nil || ok != (want != record.KeyUnknown) || ok && k.State != want {
			g.t.Errorf("Find: %v, %v, want %s", k, err, want)
		}
	}
	k, ok, err := NewResolver(ResolverConfig{Gateways: []Asker{c}}).Resolve(g.t.Context(), HashKey(record.NewSecret(live)))
	if err != nil || !ok || k.Alias != g.name+"-live" || k.TeamAlias != g.name+"-a" {
		g.t.Errorf("Resolve: %v, %v", k, err)
	}
}
