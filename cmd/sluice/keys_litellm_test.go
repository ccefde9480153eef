package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"sluice/internal/gateway/fake"
)

// realEnv is the env file of a running LiteLLM's stack.
func realEnv(t *testing.T) map[string]string {
	t.Helper()
	path := os.Getenv("SLUICE_TEST_LITELLM")
	if path == "" {
		if strings.Contains(os.Getenv("SLUICE_REQUIRE"), "litellm") {
			t.Fatal("SLUICE_REQUIRE wants litellm, and SLUICE_TEST_LITELLM is not set")
		}
		t.Skip("SLUICE_TEST_LITELLM is not set: no real gateway to ask")
	}
	secrets, err := readEnvFile(path)
	if err != nil {
		t.Fatal(err)
	}
	env := make(map[string]string)
	for _, s := range secrets {
		env[s.name] = s.value.Reveal()
	}
	return env
}

// askAdmin posts to the gateway as the master key.
func askAdmin(t *testing.T, env map[string]string, path string, body map[string]any) map[string]any {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, env["GATEWAY_URL"]+path, bytes.NewReader(text)) // clean-up outlives the test's context
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+env["LITELLM_MASTER_KEY"])
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer any
	raw, err := io.ReadAll(res.Body)
	if err != nil || json.Unmarshal(raw, &answer) != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("POST %s: HTTP %d, %v", path, res.StatusCode, err)
	}
	object, _ := answer.(map[string]any) // /user/delete answers a number
	return object
}

// keys list, export and check against a real LiteLLM, as a viewer.
func TestKeysRealLiteLLM(t *testing.T) {
	real := realEnv(t)
	name := "test-" + fake.NewKey()[3:11]
	team := askAdmin(t, real, "/team/new", map[string]any{"team_alias": name + "-team"})["team_id"].(string)
	made := make(map[string]string)
	for what, body := range map[string]map[string]any{
		"live": {"team_id": team, "user_id": name, "duration": "1h"}, "blocked": {"team_id": team}, "deleted": {"team_id": team},
	} {
		body["key_alias"] = name + "-" + what
		made[what] = askAdmin(t, real, "/key/generate", body)["key"].(string)
	}
	user := askAdmin(t, real, "/user/new", map[string]any{"user_role": "proxy_admin_viewer"})
	t.Cleanup(func() {
		askAdmin(t, real, "/user/delete", map[string]any{"user_ids": []any{user["user_id"]}})
		askAdmin(t, real, "/team/delete", map[string]any{"team_ids": []string{team}})
	})
	askAdmin(t, real, "/key/block", map[string]any{"key": made["blocked"]})
	askAdmin(t, real, "/key/delete", map[string]any{"keys": []string{made["deleted"]}})

	env := map[string]string{"SLUICE_GATEWAY": real["GATEWAY_URL"], "SLUICE_GATEWAY_KEY": user["key"].(string)}
	listed := runApp(t, env, "", "keys", "list")
	list := listed.stdout
	if listed.code != exitClean || listed.stderr != "" {
		t.Fatalf("keys list: exit code %d, %s", listed.code, listed.stderr)
	}
	for _, want := range []string{
		name + `-live +sk-\.\.\..{4} +` + name + `-team +` + name + ` +live `,
		name + `-blocked +.* blocked `,
		name + `-deleted +.* deleted .* deleted 20`,
	} {
		if !regexp.MustCompile(`(?m)^` + want).MatchString(list) {
			t.Errorf("keys list has no line like %s", want)
		}
	}
	snapshot := t.TempDir() + "/keys.json"
	if got := runApp(t, env, "", "keys", "export", "-o", snapshot); got.code != exitClean || got.stdout != "" {
		t.Fatalf("keys export: exit code %d, %s", got.code, got.stderr)
	}
	for what, key := range made {
		want := map[bool]int{true: exitFound, false: exitClean}[what == "live"]
		for _, from := range [][]string{{"keys", "check"}, {"keys", "check", "--gateway", "", "--keys", snapshot}} {
			got := runApp(t, env, key+"\n", from...)
			if got.code != want || !strings.HasPrefix(got.stdout, what+": "+name+"-"+what) || strings.Contains(got.stdout+got.stderr, key) {
				t.Errorf("%v of the %s key: exit code %d, want %d, %q %q", from, what, got.code, want, got.stdout, got.stderr)
			}
		}
		if strings.Contains(list, key) {
			t.Errorf("keys list shows the %s key", what)
		}
	}
}
