package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"sluice/internal/gateway/fake"
)

// A log with a real gateway's keys in all forms is attributed key by key; a
// blocked and a deleted key are named as such, by a viewer's credential.
func TestScanRealLiteLLM(t *testing.T) {
	real := realEnv(t)
	name := "scan-" + fake.NewKey()[3:11]
	team := askAdmin(t, real, "/team/new", map[string]any{"team_alias": name + "-team"})["team_id"].(string)
	t.Cleanup(func() { askAdmin(t, real, "/team/delete", map[string]any{"team_ids": []string{team}}) })
	made := map[string]string{}
	for _, state := range []string{"live", "blocked", "deleted"} {
		body := map[string]any{"key_alias": name + "-" + state, "team_id": team, "duration": "1h"}
		made[state] = askAdmin(t, real, "/key/generate", body)["key"].(string)
	}
	askAdmin(t, real, "/key/block", map[string]any{"key": made["blocked"]})
	askAdmin(t, real, "/key/delete", map[string]any{"keys": []string{made["deleted"]}})
	var log strings.Builder
	lines := 0
	for _, state := range []string{"live", "blocked", "deleted"} {
		for _, text := range keyForms(made[state]) {
			log.WriteString(text + "\n")
			lines++
		}
	}
	log.WriteString("Created key: " + made["live"][:20] + "...\n")
	env := map[string]string{"SLUICE_GATEWAY": real["GATEWAY_URL"], "LITELLM_MASTER_KEY": real["LITELLM_MASTER_KEY"]}
	got := runApp(t, env, log.String(), "scan", "-", "--format", "jsonl")
	if got.code != exitFound {
		t.Fatalf("exit %d: %s", got.code, got.stderr)
	}
	checkSecrecy(t, "the report", got.stdout+got.stderr, made)
	perLine := map[int]string{}
	for _, line := range strings.Split(strings.TrimSpace(got.stdout), "\n") {
		var f struct {
			Rule     string
			Position struct{ Line int }
			Key      struct {
				Alias, State string
				TeamAlias    string `json:"team_alias"`
			}
		}
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		perLine[f.Position.Line] += fmt.Sprintf("%s %s %s %s;", f.Rule, f.Key.Alias, f.Key.State, f.Key.TeamAlias)
	}
	for i, state := range []string{"live", "blocked", "deleted"} {
		want := fmt.Sprintf("litellm-virtual-key %s-%s %s %s-team;", name, state, state, name)
		for j := range lines / 3 {
			if n := i*lines/3 + j + 1; perLine[n] != want {
				t.Errorf("line %d (%s key): %q, want %q", n, state, perLine[n], want)
			}
		}
	}
	if want := fmt.Sprintf("litellm-virtual-key-partial %s-live live", name); !strings.HasPrefix(perLine[lines+1], want) {
		t.Errorf("the cut key: %q, want %q", perLine[lines+1], want)
	}
}

// keyForms are the ways in which gateways print a key.
func keyForms(key string) []string {
	return []string{
		fmt.Sprintf(`INFO:     127.0.0.1:39176 - "GET /v1/models?key=%s HTTP/1.1" 401 Unauthorized`, key),
		fmt.Sprintf(`INFO:     127.0.0.1:39176 - "GET /v1/models?key=%s HTTP/1.1" 401 Unauthorized`, strings.ReplaceAll(url.QueryEscape(key), "-", "%2D")),
		fmt.Sprintf(`headers: {'authorization': 'Bearer %s', 'accept': '*/*'}`, key),
		fmt.Sprintf(`{"message": "key is\n%s\n", "level": "ERROR"}`, key),
		fmt.Sprintf(`{"log":"{\"message\": \"\\n%s\"}\n","stream":"stderr"}`, key),
		"\x1b[92m09:14:03 - LiteLLM Proxy:ERROR\x1b[0m: \x1b[31m" + key + "\x1b[0m, refused",
		"Illegal header value b'Bearer " + key + `\r\n'`,
		"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+key)),
		"/key/" + key + "/regenerate.",
	}
}
