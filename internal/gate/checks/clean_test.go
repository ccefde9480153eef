package checks_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"sluice/internal/gate"
	"sluice/internal/gateway/fake"
)

// inhabit fills a gateway with what belongs to others; a key of theirs has a
// name that looks like ours and is not.
func inhabit(r *rig) {
	r.Fill(150)
	team := r.AddTeam(fake.Team{Alias: "theirs"})
	for i := range 120 {
		r.AddTeam(fake.Team{ID: fmt.Sprintf("team-%03d", i), Alias: "theirs"})
		r.AddUser(fake.RoleUser)
	}
	r.AddKey(fake.Key{Alias: "prod", TeamID: team})
	r.AddKey(fake.Key{Alias: "my-sluice-gate-key", TeamID: team})
	r.AddKey(fake.Key{Alias: "sluicegate", TeamID: team})
}

// census is everything at the gateway, as its administrator reads it.
func census(t *testing.T, r *rig) string {
	t.Helper()
	var all strings.Builder
	transport := &http.Transport{DialContext: r.network.Dial}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for _, path := range []string{"/key/list?return_full_object=true&sort_by=token&sort_order=asc&size=100&page=%d",
		"/v2/team/list?page_size=100&page=%d", "/user/list?page_size=100&page=%d", "/customer/list?page=%d", "/budget/list?page=%d"} {
		for page := 1; page <= 3; page++ {
			req, err := http.NewRequestWithContext(t.Context(), "GET", r.URL+fmt.Sprintf(path, page), nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+r.MasterKey)
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != 200 {
				t.Fatalf("%s: %d, %v", path, resp.StatusCode, err)
			}
			all.Write(text)
		}
	}
	return all.String()
}

// Runs one after another and at the same time leave a gateway as it was, and
// other people's keys, teams and users untouched. The budget of a tag was left.
func TestRunsLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	bubble(t, runsLeaveNothingBehind)
}

func runsLeaveNothingBehind(t *testing.T) {
	r := newRig(t, fake.Sound()...)
	inhabit(r)
	before := census(t, r)
	for range 2 {
		if report := run(t, r.config()); len(report.Leftovers) > 0 {
			t.Errorf("left %q", report.Leftovers)
		}
	}
	if after := census(t, r); after != before {
		t.Errorf("two runs changed the gateway:\n%s\n%s", before, after)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			report, err := gate.Run(t.Context(), r.config())
			if err != nil {
				t.Error(err)
				return
			}
			if failed, lines := with(report, gate.Fail, gate.Inconclusive); len(failed) > 0 {
				t.Errorf("beside others: %q", lines)
			}
			if len(report.Leftovers) > 0 {
				t.Errorf("left %q", report.Leftovers)
			}
		})
	}
	wg.Wait()
	if after := census(t, r); after != before {
		t.Error("three runs at the same time changed the gateway")
	}
}

// A run that is cut off at any request, without its clean-up, leaves what clean
// then removes; clean takes nothing of others, and with a run's id nothing of
// other runs.
func TestCleanAfterAnyEnd(t *testing.T) {
	t.Parallel()
	for range 6 {
		at := 10 + rand.Int64N(200)
		t.Run(fmt.Sprint("request ", at), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) { cleanAfterEndAt(t, at) })
		})
	}
}

func cleanAfterEndAt(t *testing.T, at int64) {
	r := newRig(t, fake.Sound()...)
	inhabit(r)
	before := census(t, r)
	cfg := r.config()
	cfg.Skip, cfg.RunID = []string{"5*", "7*", "3b", "3h", "3i"}, "killed"
	cfg.Sent = nth(at, func() { r.SetFault(fake.Fault{Down: true}) })
	run(t, cfg)
	r.SetFault(fake.Fault{})
	other := r.AddKey(fake.Key{Alias: "sluice-gate-other-plain"})
	if done, err := gate.Clean(t.Context(), cfg, "killed"); err != nil || len(done.Left) > 0 {
		t.Fatalf("clean: %v, left %q", err, done.Left)
	}
	if !strings.Contains(census(t, r), "sluice-gate-other-plain") {
		t.Error("the key of another run is gone")
	}
	done, err := gate.Clean(t.Context(), cfg, "")
	if err != nil || len(done.Left) > 0 || len(done.Found) != 1 {
		t.Fatalf("clean: %v, found %q, left %q", err, done.Found, done.Left)
	}
	r.DeleteKey(fake.HashKey(other))
	if after := census(t, r); after != before {
		t.Errorf("killed and cleaned, the gateway is not as it was")
	}
}

// Clean says so when it cannot look, or cannot remove.
func TestCleanThatFails(t *testing.T) {
	t.Parallel()
	bubble(t, cleanThatFails)
}

func cleanThatFails(t *testing.T) {
	stubborn := fake.Change{Before: func(e *fake.Exchange) bool {
		if !e.Is("POST", "/key/delete") {
			return false
		}
		e.Refuse(500, "not today", "internal_server_error")
		return true
	}}
	r := newRig(t, append([]fake.Change{stubborn}, fake.Sound()...)...)
	r.AddKey(fake.Key{Alias: "sluice-gate-old-plain"})
	done, err := gate.Clean(t.Context(), r.config(), "")
	if err != nil || len(done.Left) != 1 {
		t.Errorf("error %v, left %q, want one key", err, done.Left)
	}
	r.SetFault(fake.Fault{HTML: true})
	if _, err := gate.Clean(t.Context(), r.config(), ""); err == nil {
		t.Error("a web page was taken for an empty list")
	}
}
