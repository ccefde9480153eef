package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/gateway/fake"
)

// The README's two commands, run as they stand, make a key that reads all keys
// and can call no model.
func TestReadmeViewerKeyRealLiteLLM(t *testing.T) {
	real := realEnv(t)
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	header := filepath.Join(t.TempDir(), "admin.header")
	if err := os.WriteFile(header, []byte("Authorization: Bearer "+real["LITELLM_MASTER_KEY"]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	user := "sluice-" + fake.NewKey()[3:11] // so that two runs don't meet
	var key string
	commands := 0
	for _, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, `curl -s "$GATEWAY/`) {
			continue
		}
		commands++
		cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(line, `"sluice"`, `"`+user+`"`))
		cmd.Dir, cmd.Env = filepath.Dir(header), append(os.Environ(), "GATEWAY="+real["GATEWAY_URL"])
		out, err := cmd.Output()
		var answer struct{ Key string }
		if err != nil || json.Unmarshal(out, &answer) != nil {
			t.Fatalf("%s: %v", line, err)
		}
		key = answer.Key
	}
	if commands != 2 || key == "" {
		t.Fatalf("%d commands, a key: %v", commands, key != "")
	}
	t.Cleanup(func() { askAdmin(t, real, "/user/delete", map[string]any{"user_ids": []string{user}}) })
	got := runApp(t, map[string]string{"SLUICE_GATEWAY": real["GATEWAY_URL"], "SLUICE_GATEWAY_KEY": key}, "", "keys", "list")
	if got.code != exitClean || !strings.Contains(got.stdout, user) {
		t.Errorf("keys list: exit %d, %s", got.code, got.stderr)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, real["GATEWAY_URL"]+"/v1/chat/completions", strings.NewReader(`{"model":"gpt-mock","messages":[{"role":"user","content":"hello"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden {
		t.Errorf("the key calls a model: HTTP %d", resp.StatusCode)
	}
}
