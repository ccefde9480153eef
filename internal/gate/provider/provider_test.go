package provider_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/gate/gatetest"
	"sluice/internal/gate/provider"
)

func start(t *testing.T) *provider.Provider {
	t.Helper()
	p, err := provider.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer provider-key")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, "cut: " + err.Error()
	}
	return resp.StatusCode, string(text)
}

func TestAnswers(t *testing.T) {
	p := start(t)
	for path, member := range map[string]string{"/v1/chat/completions": "choices", "/v1/messages": "content", "/v1/responses": "output", "/v1/files": "filename", "/v1/batches": "endpoint",
		"/v1/vector_stores": "file_counts"} {
		status, text := post(t, p.URL+path, `{"model":"m","messages":[]}`)
		var v map[string]any
		if status != 200 || json.Unmarshal([]byte(text), &v) != nil || v[member] == nil {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

func TestStreamEndsWithDone(t *testing.T) {
	_, text := post(t, start(t).URL+"/v1/chat/completions", `{"model":"m","stream":true}`)
	if !strings.HasSuffix(text, "data: [DONE]\n\n") || !strings.Contains(text, `"finish_reason":"stop"`) {
		t.Errorf("%s", text)
	}
}

func TestFailuresOnRequest(t *testing.T) {
	p := start(t)
	if status, text := post(t, p.URL+"/v1/chat/completions", `"sluice-gate-refuse canary"`); status != 401 || !strings.Contains(text, "provider-key") || !strings.Contains(text, "canary") {
		t.Errorf("refused: %d %s", status, text)
	}
	if resp, err := http.Post(p.URL+"/v1/chat/completions", "application/json", strings.NewReader(`"sluice-gate-hangup"`)); err == nil {
		resp.Body.Close()
		t.Errorf("not hung up on: %d", resp.StatusCode)
	}
	if _, text := post(t, p.URL+"/v1/chat/completions", `"sluice-gate-cut"`); !strings.HasPrefix(text, "cut: ") {
		t.Errorf("not cut: %s", text)
	}
}

// A provider that was told to go refuses connections, and comes back by itself.
func TestGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := gatetest.NewNetwork()
		l, err := network.Listen()
		if err != nil {
			t.Fatal(err)
		}
		p := provider.Serve(l)
		defer p.Close()
		transport := &http.Transport{DialContext: network.Dial, DisableKeepAlives: true}
		ask := func() error {
			resp, err := (&http.Client{Transport: transport}).Post(p.URL+"/v1/chat/completions", "application/json", strings.NewReader(`"sluice-gate-away"`))
			if err == nil {
				resp.Body.Close()
			}
			return err
		}
		if err := ask(); err == nil || errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("told to go: %v, want to be hung up on", err)
		}
		synctest.Wait()
		if err := ask(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("away: %v, want a connection refused", err)
		}
		time.Sleep(2 * provider.AwayTime)
		if err := ask(); err == nil || errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("back: %v, want to be hung up on", err)
		}
	})
}

// On the system's network it comes back to the same address, and Close while it
// is away ends it at once.
func TestCloseWhileAway(t *testing.T) {
	p := start(t)
	if resp, err := http.Post(p.URL+"/v1/chat/completions", "application/json", strings.NewReader(`"sluice-gate-away"`)); err == nil {
		resp.Body.Close()
		t.Errorf("answered %d", resp.StatusCode)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get(p.URL); err == nil {
		t.Error("still there")
	}
}

func TestVectorStores(t *testing.T) {
	p := start(t)
	_, text := post(t, p.URL+"/v1/vector_stores", `{"name":"x"}`)
	var made struct{ ID, Name string }
	if err := json.Unmarshal([]byte(text), &made); err != nil || made.Name != "x" {
		t.Fatalf("%v: %s", err, text)
	}
	for path, want := range map[string]int{"": 200, "/search": 200, "none": 404, "none/search": 404} {
		if status, text := post(t, p.URL+"/v1/vector_stores/"+made.ID+path, `{"query":"Hello"}`); status != want {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

func TestMirrorNamesKeysByHash(t *testing.T) {
	p := start(t)
	const key = "sk-abcdefghijkl"
	status, text := post(t, p.URL+"/v1/chat/completions", `{"messages":"sluice-gate-mirror `+key+`"}`)
	if want := fmt.Sprintf("body %x.", sha256.Sum256([]byte(key))); status != 200 || !strings.Contains(text, want) || strings.Contains(text, key) {
		t.Errorf("%d %s, want %s", status, text, want)
	}
	if _, text = post(t, p.URL+"/v1/chat/completions", `{"messages":"sluice-gate-mirror"}`); !strings.Contains(text, "request: none.") {
		t.Errorf("of a request without a key: %s", text)
	}
}

func TestReceivedNamesThePlace(t *testing.T) {
	p := start(t)
	post(t, p.URL+"/v1/chat/completions?in=path", `{"in":"body"}`)
	for text, want := range map[string]string{"in=path": "the path", `"in":"body"`: "the body", "provider-key": "a header"} {
		if n, where := p.Received(text); n != 1 || len(where) != 1 || where[0] != want {
			t.Errorf("%s: %d in %v, want once in %s", text, n, where, want)
		}
	}
	if n, _ := p.Received("never sent"); n != 0 {
		t.Errorf("%d requests with what was never sent", n)
	}
}

func TestOnlyLoopback(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "example.org:0", "nonsense"} {
		if p, err := provider.Start(address); err == nil {
			_ = p.Close()
			t.Errorf("listens on %s", address)
		}
	}
}

// What the README tells to write into a configuration is what the command prints.
func TestReadmeHasTheConfiguration(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(provider.Config(provider.DefaultAddress)) {
		if line = strings.TrimSuffix(line, "\n"); !strings.Contains(string(text), "\n"+line) {
			t.Errorf("the README lacks %s", line)
		}
	}
}
