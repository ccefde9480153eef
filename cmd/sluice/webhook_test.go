package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A scan tells its receiver before it ends; one that refuses makes it incomplete.
func TestScanTellsAReceiver(t *testing.T) {
	for status, want := range map[int]int{http.StatusNoContent: exitFound, http.StatusBadRequest: exitIncomplete} {
		bodies := make(chan string, 8)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body) // half a body fails the test as well
			bodies <- r.Header.Get("webhook-id") + " " + string(body)
			w.WriteHeader(status)
		}))
		got := runApp(t, nil, "token "+githubToken+"\n", "scan", "-", "--sink", "webhook:"+server.URL)
		server.Close()
		close(bodies)
		if got.code != want {
			t.Errorf("a receiver that answers %d: exit %d, %s", status, got.code, got.stderr)
		}
		n := 0
		for body := range bodies {
			n++
			if !strings.Contains(body, `"rule":"github-pat"`) || strings.Contains(body, githubToken) || strings.HasPrefix(body, " ") {
				t.Errorf("it was told %s", body)
			}
		}
		if n != 1 {
			t.Errorf("a receiver that answers %d was told %d times", status, n)
		}
	}
}
