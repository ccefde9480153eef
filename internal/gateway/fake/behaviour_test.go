package fake

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// send sends a request and returns status and answer.
func send(t *testing.T, method, url, key string, body any) (int, map[string]any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	answer := make(map[string]any)
	_ = json.Unmarshal(raw, &answer) // "I'm alive!" is no object
	return res.StatusCode, answer
}

// chatStatus sends one chat request.
func chatStatus(t *testing.T, url, key, model string) int {
	t.Helper()
	status, _ := send(t, "POST", url+"/v1/chat/completions", key, object{"model": model, "messages": []any{object{"role": "user", "content": "hi"}}})
	return status
}

// A replica that has a key in its cache goes on with it for a minute after
// another one blocked or deleted it; the one that did it refuses at once.
func TestRevocationAcrossReplicas(t *testing.T) {
	for _, how := range []string{"/key/block", "/key/delete"} {
		g, clock := start(t, Options{Version: V1_106})
		one, two := g.ReplicaURLs()[0], g.ReplicaURLs()[1]
		key := g.AddKey(Key{})
		for _, url := range []string{one, two} {
			if s := chatStatus(t, url, key, "gpt-mock"); s != 200 {
				t.Fatalf("a new key: %d", s)
			}
		}
		if s, _ := send(t, "POST", one+how, g.MasterKey, object{"key": key, "keys": []string{key}}); s != 200 {
			t.Fatalf("%s: %d", how, s)
		}
		if s := chatStatus(t, one, key, "gpt-mock"); s != 401 {
			t.Errorf("%s: %d on the same replica", how, s)
		}
		clock.Advance(59 * time.Second)
		if s := chatStatus(t, two, key, "gpt-mock"); s != 200 {
			t.Errorf("%s: %d on the other replica within a minute", how, s)
		}
		clock.Advance(time.Second)
		if s := chatStatus(t, two, key, "gpt-mock"); s != 401 {
			t.Errorf("%s: %d on the other replica after a minute", how, s)
		}
	}
}

// Spend is written late, so a budget stops the key only after that; a model
// without a price costs nothing and never trips it.
func TestBudget(t *testing.T) {
	for v, status := range map[Version]int{V1_81: 400, V1_106: 422} {
		free := Model{Name: "free", Underlying: "x/free", Answer: "hi"}
		g, clock := start(t, Options{Version: v, Models: append(DefaultModels(), free)})
		one, two := g.ReplicaURLs()[0], g.ReplicaURLs()[1]
		budget := 1e-7
		key := g.AddKey(Key{Budget: &budget})
		for range 5 {
			if s := chatStatus(t, one, key, "free"); s != 200 {
				t.Fatalf("%s: a model that costs nothing: %d", v, s)
			}
		}
		if s := chatStatus(t, one, key, "gpt-mock"); s != 200 {
			t.Errorf("%s: the first request: %d", v, s)
		}
		if s := chatStatus(t, two, key, "gpt-mock"); s != 200 {
			t.Errorf("%s: the other replica before the spend is written: %d", v, s)
		}
		clock.Advance(2 * time.Second)
		for _, url := range []string{one, two} {
			if s := chatStatus(t, url, key, "gpt-mock"); s != status {
				t.Errorf("%s: over budget: %d, want %d", v, s, status)
			}
		}
		if k, _ := g.db.key(hashKey(key)); k.Spend < 2.69e-5 || k.Spend > 2.71e-5 {
			t.Errorf("%s: spend %g", v, k.Spend)
		}
	}
}

func TestRateLimitIsPerReplica(t *testing.T) {
	g, clock := start(t, Options{})
	limit := 1
	key := g.AddKey(Key{RPM: &limit})
	var got []int
	for _, url := range append(g.ReplicaURLs(), g.ReplicaURLs()...) {
		got = append(got, chatStatus(t, url, key, "gpt-mock"))
	}
	clock.Advance(time.Minute)
	got = append(got, chatStatus(t, g.ReplicaURLs()[0], key, "gpt-mock"))
	if want := []int{200, 200, 429, 429, 200}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Every line of the tables of who may do what.
func TestRoles(t *testing.T) {
	for _, v := range []Version{V1_81, V1_106} {
		g, _ := start(t, Options{Version: v})
		viewer, user, plain := g.AddUser(RoleViewer), g.AddUser(RoleUser), g.AddKey(Key{})
		spend := map[Version]int{V1_81: 403, V1_106: 200}[v]
		for _, c := range []struct {
			method, path, key string
			want              int
		}{
			{"GET", "/key/list", g.MasterKey, 200}, {"GET", "/key/list", viewer, 200},
			{"GET", "/key/list", user, 200}, {"GET", "/key/list", plain, 403},
			{"GET", "/team/list", viewer, 200}, {"GET", "/team/list", user, 401}, {"GET", "/v2/team/list", plain, 401},
			{"GET", "/spend/keys", viewer, spend}, {"GET", "/spend/keys", plain, 401},
			{"GET", "/user/list", viewer, 200}, {"GET", "/health", plain, 200}, {"GET", "/model/info", plain, 200},
			{"POST", "/key/generate", viewer, 403}, {"POST", "/key/generate", user, 401}, {"POST", "/key/generate", plain, 401},
			{"GET", "/health/liveliness", "", 200}, {"GET", "/health", "", 401}, {"GET", "/metrics", "", 404},
			{"GET", "/nope", g.MasterKey, 404}, {"PUT", "/key/list", g.MasterKey, 405},
		} {
			if got, _ := send(t, c.method, g.URL+c.path, c.key, nil); got != c.want {
				t.Errorf("%s: %s %s: %d, want %d", v, c.method, c.path, got, c.want)
			}
		}
		if _, a := send(t, "GET", g.URL+"/key/list", user, nil); a["total_count"] != 1.0 {
			t.Errorf("%s: an internal user sees %v keys, want its own", v, a["total_count"])
		}
	}
}

// A replica that is down is passed over; with none left the balancer says 502.
func TestBalancer(t *testing.T) {
	g, _ := start(t, Options{})
	g.Replicas()[0].SetFault(Fault{Down: true})
	for range 4 {
		if s, _ := send(t, "GET", g.URL+"/health/liveliness", "", nil); s != 200 {
			t.Fatalf("one of two is down: %d", s)
		}
	}
	g.Replicas()[1].SetFault(Fault{Down: true})
	if s, _ := send(t, "GET", g.URL+"/health/liveliness", "", nil); s != 502 {
		t.Fatalf("both are down: %d", s)
	}
}

// logs collects what a gateway prints.
type logs struct {
	mu  sync.Mutex
	out map[string]*strings.Builder
}

type stream struct {
	l    *logs
	name string
}

func (s stream) Write(p []byte) (int, error) {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	if s.l.out[s.name] == nil {
		s.l.out[s.name] = new(strings.Builder)
	}
	return s.l.out[s.name].Write(p)
}

func (l *logs) text(name string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.out[name]; b != nil {
		return b.String()
	}
	return ""
}

func startLogged(t *testing.T, v Version, mode LogMode) (*Gateway, *logs) {
	l := &logs{out: make(map[string]*strings.Builder)}
	g, _ := start(t, Options{
		Version: v, LogMode: mode, Replicas: 1, BalancerLog: stream{l, "balancer"},
		Logs: func(int) (io.Writer, io.Writer) { return stream{l, "stdout"}, stream{l, "stderr"} },
	})
	return g, l
}

// What leaks is what leaked in the real versions: everything in 1.81.0, and in
// 1.106.2 what its filter does not know.
func TestLogs(t *testing.T) {
	for _, c := range []struct {
		version            Version
		mode               LogMode
		query, echo, debug bool // leaks: ?key= in access lines, the provider's key, headers and the master key
	}{
		{V1_81, LogPlain, true, true, false},
		{V1_81, LogJSON, false, true, false},
		{V1_81, LogDebug, true, true, true},
		{V1_106, LogPlain, false, true, false},
		{V1_106, LogJSON, false, true, false},
		{V1_106, LogDebug, false, true, false},
	} {
		name := string(c.version) + " " + string(c.mode)
		g, l := startLogged(t, c.version, c.mode)
		key := g.AddKey(Key{})
		send(t, "GET", g.URL+"/v1/models?key="+key, "", nil)
		chatStatus(t, g.URL, key, "echo-401")
		send(t, "GET", g.URL+"/v1/models", "not-a-key-0123456789", nil)
		echoed := g.opts.Models[4].APIKey
		all := l.text("stdout") + l.text("stderr")
		for what, leak := range map[string]struct {
			text string
			want bool
		}{
			"the key in an access line":   {"?key=" + key, c.query},
			"the provider's key":          {echoed, c.echo},
			"the key in a header":         {"'authorization': 'Bearer " + key, c.debug},
			"the master key":              {g.MasterKey, c.debug},
			"a bearer that is no key":     {"Received=not-a-key-0123456789", c.version == V1_81},
			"the database's password":     {g.opts.DatabaseURL, c.debug},
			"the hash of a key in a line": {hashKey(key), false},
		} {
			if got := strings.Contains(all, leak.text); got != leak.want {
				t.Errorf("%s: %s: leaks %v, want %v", name, what, got, leak.want)
			}
		}
		if !strings.Contains(l.text("balancer"), "?key="+key) {
			t.Errorf("%s: the balancer's log has no key", name)
		}
		if ansi := strings.Contains(l.text("stderr"), "\x1b[92m"); ansi != (c.version == V1_81 && c.mode != LogJSON) {
			t.Errorf("%s: colours %v", name, ansi)
		}
		if c.mode == LogJSON {
			checkJSONLog(t, name, l.text("stderr"))
		}
	}
}

// checkJSONLog wants every line to be JSON or part of the banner.
func checkJSONLog(t *testing.T, name, text string) {
	t.Helper()
	records := 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "INFO:") {
			continue
		}
		var r struct{ Message, Level, Timestamp string }
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Message == "" || r.Level != "ERROR" || r.Timestamp == "" {
			t.Errorf("%s: not a record: %v", name, err)
		}
		records++
	}
	if records < 2 {
		t.Errorf("%s: %d records", name, records)
	}
}
