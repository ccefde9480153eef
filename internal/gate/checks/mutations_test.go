package checks_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/internal/gate"
	"sluice/internal/gate/checks"
	"sluice/internal/gate/gatetest"
	"sluice/internal/gateway/fake"
)

// mutation is one promise broken on purpose. check is the one that has to
// fail; also are those that fail with it by their meaning (5 is about
// everything in the logs, so each leak into a log fails it too).
type mutation struct {
	name, check string
	also        []string
	provider    bool // with the built-in provider behind the gateway
	change      func(r *rig) fake.Change
}

// before and after are changes that need nothing of the rig.
func before(f func(*fake.Exchange) bool) func(*rig) fake.Change {
	return func(*rig) fake.Change { return fake.Change{Before: f} }
}

func after(f func(*fake.Exchange)) func(*rig) fake.Change {
	return func(*rig) fake.Change { return fake.Change{After: f} }
}

// as lets a request through as the master key, where when says so.
func as(when func(*fake.Exchange) bool) func(*rig) fake.Change {
	return before(func(e *fake.Exchange) bool {
		if when(e) {
			e.As(fake.Key{})
		}
		return false
	})
}

// answer replies where when says so.
func answer(status int, body string, when func(*fake.Exchange) bool) func(*rig) fake.Change {
	return before(func(e *fake.Exchange) bool {
		if !when(e) {
			return false
		}
		e.Status, e.Answer = status, []byte(body)
		return true
	})
}

func get(path string) func(*fake.Exchange) bool {
	return func(e *fake.Exchange) bool { return e.Is("GET", path) }
}

func post(path string) func(*fake.Exchange) bool {
	return func(e *fake.Exchange) bool { return e.Is("POST", path) }
}

func all(conditions ...func(*fake.Exchange) bool) func(*fake.Exchange) bool {
	return func(e *fake.Exchange) bool {
		return !slices.ContainsFunc(conditions, func(c func(*fake.Exchange) bool) bool { return !c(e) })
	}
}

func asks(suffix string) func(*fake.Exchange) bool {
	return func(e *fake.Exchange) bool { return e.Asks(suffix) }
}

func header(name, value string) func(*fake.Exchange) bool {
	return func(e *fake.Exchange) bool {
		return strings.HasPrefix(e.Request.Header.Get(name), value) && value != ""
	}
}

func body(text string) func(*fake.Exchange) bool {
	return func(e *fake.Exchange) bool { return bytes.Contains(e.Body, []byte(text)) }
}

func noKey(e *fake.Exchange) bool { return e.Given() == "" }

const chatPath = "/v1/chat/completions"

// refuseKey refuses chats of one key on one replica, or on all for -1.
func refuseKey(suffix, text string, replica int) func(*rig) fake.Change {
	return answer(401, `{"error":{"message":"no","type":"auth_error","code":"401"}}`, func(e *fake.Exchange) bool {
		return e.Is("POST", chatPath) && e.Asks(suffix) && bytes.Contains(e.Body, []byte(text)) && (replica < 0 || e.Replica == replica)
	})
}

// forget makes replicas forget a restriction of a key when it asks.
func forget(suffix string, edit func(*fake.Key)) func(*rig) fake.Change {
	return before(func(e *fake.Exchange) bool {
		if k, ok := e.Caller(); ok && strings.Contains(k.Alias, suffix) {
			e.Alter(k.Token, edit)
		}
		return false
	})
}

// inRecord changes what /key/info shows of a key.
func inRecord(suffix string, edit func(map[string]any)) func(*rig) fake.Change {
	return after(func(e *fake.Exchange) {
		if !e.Is("GET", "/key/info") {
			return
		}
		e.Edit(func(v map[string]any) {
			info, _ := v["info"].(map[string]any)
			if alias, _ := info["key_alias"].(string); strings.HasSuffix(alias, suffix) {
				edit(info)
			}
		})
	})
}

// lag makes replica 2 remember the key of one check for longer than allowed.
func lag(check string) func(*rig) fake.Change { return lagOf("-" + check + "-") }

// printed writes what when catches into the raw log of the replica.
func printed(when func(*fake.Exchange) bool, text func(*fake.Exchange) string) func(*rig) fake.Change {
	return func(r *rig) fake.Change {
		return fake.Change{Before: func(e *fake.Exchange) bool {
			if when(e) {
				fmt.Fprintf(r.raw[e.Replica], "ERROR: %s\n", text(e))
			}
			return false
		}}
	}
}

func requestLine(e *fake.Exchange) string { return e.Request.RequestURI }

func requestBody(e *fake.Exchange) string { return string(e.Body) }

// Each broken promise is seen by the check that is meant for it, and by that
// one only.
func TestMutations(t *testing.T) {
	t.Parallel()
	list := mutations()
	if len(list) < 40 {
		t.Errorf("%d mutations, want 40 or more", len(list))
	}
	for i, m := range list {
		if spared(i) {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, m.test)
		})
	}
}

func mutations() []mutation {
	return slices.Concat(keyMutations(), spoofMutations(), limitMutations(), tenantMutations(), logMutations(), replicaMutations(), exposureMutations(), providerMutations())
}

// Each check has a mutation that it finds.
func TestEveryCheckHasAMutation(t *testing.T) {
	t.Parallel()
	broken := map[string]bool{}
	for _, m := range mutations() {
		broken[m.check] = true
	}
	for _, c := range checks.All(2) {
		if !broken[c.ID] {
			t.Errorf("no mutation is meant for %s", c.ID)
		}
	}
}

// test tests a sound gateway with the mutation made.
func (m mutation) test(t *testing.T) {
	r := &rig{network: gatetest.NewNetwork()}
	if m.provider {
		if err := r.withProvider(); err != nil {
			t.Fatal(err)
		}
	}
	change := m.change(r)
	changes := append(append([]fake.Change{{Before: change.Before, After: change.After}}, fake.Sound()...), fake.Change{Options: change.Options})
	if err := r.start(fake.Options{}.With(changes...)); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	m.judge(t, run(t, r.config()))
}

func (m mutation) judge(t *testing.T, report *gate.Report) {
	t.Logf("%d requests in %v", report.Requests, report.Took)
	failed, lines := with(report, gate.Fail)
	want := append([]string{m.check}, m.also...)
	slices.Sort(want)
	slices.Sort(failed)
	if !slices.Equal(failed, want) {
		_, open := with(report, gate.Inconclusive)
		t.Errorf("failed %v, want %v: %q; inconclusive: %q", failed, want, lines, open)
	}
}
