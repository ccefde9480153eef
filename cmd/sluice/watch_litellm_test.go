//go:build unix

package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sluice/internal/gateway/fake"
)

// Both replicas of a real LiteLLM are followed while keys are made, used in a
// query string and deleted: each leak has its owner within the time of a
// question, long before the next refresh of all keys, and the canary comes back.
func TestWatchRealLiteLLM(t *testing.T) {
	real := realEnv(t)
	logs := fields(real["REPLICA_LOGS"])
	if len(logs) == 0 {
		t.Fatal("the env file names no REPLICA_LOGS")
	}
	own := filepath.Join(t.TempDir(), "client.log") // 1.106.2 takes keys out of its access lines
	logs = append(logs, own)
	name := "watch-" + fake.NewKey()[3:11]
	env := []string{"LITELLM_MASTER_KEY=" + real["LITELLM_MASTER_KEY"]}
	args := append([]string{"--gateway", real["GATEWAY_URL"], "--canary", "1m", "--listen", "127.0.0.1:0", "--log-level", "debug", "--backlog", "none"}, logs...)
	w := watch(t, env, args...)
	w.says("the canary is back")
	w.waitReady(http.StatusOK, "ready")
	for _, replica := range fields(real["REPLICA_URLS"]) {
		for _, state := range []string{"live", "deleted"} {
			alias := name + "-" + state + "-" + replica[len(replica)-1:]
			key := askAdmin(t, real, "/key/generate", map[string]any{"key_alias": alias, "duration": "1h"})["key"].(string)
			t.Cleanup(func() {
				if state == "live" {
					askAdmin(t, real, "/key/delete", map[string]any{"keys": []string{key}})
				}
			})
			if state == "deleted" {
				askAdmin(t, real, "/key/delete", map[string]any{"keys": []string{key}})
			}
			resp, err := http.Get(replica + "/v1/models?key=" + url.QueryEscape(key))
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			write(t, own, os.O_APPEND, "used key "+key+"\n")
			w.until(alias, func() bool {
				for _, f := range w.findings {
					// 1.81.0 forgets a deleted key, and then nobody can name it.
					if f.Key.Alias == alias && f.Key.State == state || state == "deleted" && f.Key.State == "unknown" && real["LITELLM_VERSION"] == "1.81.0" {
						return true
					}
				}
				return false
			})
			checkSecrecy(t, "what it said", w.said.String(), map[string]string{alias: key})
		}
	}
	if code := w.stop(syscall.SIGTERM); code != exitClean {
		t.Errorf("exit %d", code)
	}
}

// fields are the words of a value that a shell has escaped the blanks of.
func fields(text string) []string { return strings.Fields(strings.ReplaceAll(text, `\ `, " ")) }
