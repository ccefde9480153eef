package gateway

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice/detectors/virtualkey"
	"sluice/internal/gateway/fake"
	"sluice/internal/record"
)

// The interfaces that a snapshot and a client are used as.
var (
	_ virtualkey.Keys = (*Snapshot)(nil)
	_ Fetcher         = (*Client)(nil)
	_ Asker           = (*Client)(nil)
)

var versions = []fake.Version{fake.V1_81, fake.V1_106}

// startFake runs a gateway; tb is a *testing.T or a *rapid.T.
func startFake(tb interface {
	Fatal(...any)
	Cleanup(func())
}, opts fake.Options) *fake.Gateway {
	g, err := fake.Start(opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = g.Close() })
	return g
}

func client(tb interface {
	Fatal(...any)
	Cleanup(func())
}, url, credential string) *Client {
	c, err := New(Config{URL: url, Credential: record.NewSecret(credential), Version: "test"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

func lookup(t *testing.T, s *Snapshot, key string) *record.KeyInfo {
	t.Helper()
	k, ok := s.Lookup(HashKey(record.NewSecret(key)))
	if !ok {
		t.Fatal("a key that was made is not in the snapshot")
	}
	return k
}

// States, owners and teams come out as they were made, for a viewer as well.
func TestFetchStates(t *testing.T) {
	for _, v := range versions {
		t.Run(string(v), func(t *testing.T) {
			g := startFake(t, fake.Options{Version: v})
			past, yes := time.Now().Add(-time.Hour), true
			open := g.AddTeam(fake.Team{Alias: "team a"})
			shut := g.AddTeam(fake.Team{Alias: "team b", Blocked: true})
			live := g.AddKey(fake.Key{Alias: "ci", TeamID: open, UserID: "anna", Expires: time.Now().Add(time.Hour)})
			blocked := g.AddKey(fake.Key{Blocked: &yes})
			teamBlocked := g.AddKey(fake.Key{TeamID: shut})
			expired := g.AddKey(fake.Key{Expires: past})
			deleted := g.AddKey(fake.Key{Alias: "gone"})
			g.DeleteKey(fake.HashKey(deleted))

			s, err := client(t, g.URL, g.AddUser(fake.RoleViewer)).Fetch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				key   string
				state record.KeyState
			}{
				{live, record.KeyLive}, {blocked, record.KeyBlocked}, {teamBlocked, record.KeyBlocked},
				{expired, record.KeyExpired}, {deleted, record.KeyDeleted},
			} {
				if k := lookup(t, s, c.key); k.State != c.state || k.Gateway != g.URL {
					t.Errorf("state %s at %s, want %s", k.State, k.Gateway, c.state)
				}
				if !s.Suffix([4]byte([]byte(c.key[len(c.key)-4:]))) {
					t.Error("the end of a key is not among the suffixes")
				}
			}
			k := lookup(t, s, live)
			if k.Alias != "ci" || k.TeamID != open || k.TeamAlias != "team a" || k.UserID != "anna" || k.Name != "sk-..."+live[21:] {
				t.Errorf("got %+v", *k)
			}
			if k.Created.IsZero() || k.Expires.IsZero() || lookup(t, s, deleted).Deleted.IsZero() {
				t.Error("a time is missing")
			}
		})
	}
}

// Whatever is made and deleted between two requests, every key that was there
// during the whole of the fetch is in its result as not deleted, and none twice.
func TestFetchWhileKeysChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := startFake(t, fake.Options{Version: rapid.SampledFrom(versions).Draw(t, "version"), Replicas: 1})
		n := rapid.SampledFrom([]int{0, 1, 99, 100, 101, 137, 260, 520}).Draw(t, "keys")
		g.Fill(n)
		there := make(map[string]bool)
		for _, k := range g.Keys() {
			there[k.Token] = true
		}
		most := rapid.IntRange(0, 30).Draw(t, "most changes")
		g.OnRequest(func(r *http.Request) {
			if r.URL.Path != "/key/list" {
				return
			}
			for range rapid.IntRange(0, most).Draw(t, "changes") {
				if keys := g.Keys(); len(keys) > 0 && rapid.Bool().Draw(t, "delete") {
					token := keys[rapid.IntRange(0, len(keys)-1).Draw(t, "which")].Token
					g.DeleteKey(token)
					delete(there, token)
					continue
				}
				g.AddKey(fake.Key{})
			}
		})
		s, err := client(t, g.URL, g.MasterKey).Fetch(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for token := range there {
			hash, _ := ParseHash(token)
			if k, ok := s.Lookup(hash); !ok || k.State != record.KeyLive {
				t.Fatalf("%d keys were there all the time, one of them is missing", len(there))
			}
		}
		seen := make(map[[32]byte]bool)
		for hash := range s.All() {
			if seen[hash] {
				t.Fatal("a key is there twice")
			}
			seen[hash] = true
		}
	})
}

// A sixth more requests than pages, no more.
func TestFetchManyKeys(t *testing.T) {
	const keys = 20_000
	g := startFake(t, fake.Options{Replicas: 1})
	g.Fill(keys)
	s, err := client(t, g.URL, g.MasterKey).Fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Len() != keys {
		t.Fatalf("%d keys of %d", s.Len(), keys)
	}
	if n := g.Replicas()[0].Requests(); n > keys/pageSize*6/5+5 {
		t.Fatalf("%d requests for %d pages", n, keys/pageSize)
	}
}

// A credential that sees a part of the keys must not pass for one that sees all.
func TestFetchWantsToSeeAll(t *testing.T) {
	for _, v := range versions {
		g := startFake(t, fake.Options{Version: v})
		for name, credential := range map[string]string{
			"internal user": g.AddUser(fake.RoleUser),
			"no user":       g.AddKey(fake.Key{}),
		} {
			_, err := client(t, g.URL, credential).Fetch(t.Context())
			wantKind(t, name, err, KindForbidden, credential)
		}
	}
}

func wantKind(t *testing.T, name string, err error, kind Kind, secrets ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Errorf("%s: %v, want an error of the kind %q", name, err, kind)
		return
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, err), e.Hint()} {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s: the error holds the credential", name)
			}
		}
		if strings.Contains(text, "Received=") {
			t.Errorf("%s: the error holds a body", name)
		}
	}
	if kind != KindTooLarge && kind != KindRefused && HintFor(err) == "" {
		t.Errorf("%s: no hint", name)
	}
}

func TestErrors(t *testing.T) {
	const old = "sk-000-old-key-0123456789"
	for _, c := range []struct {
		name       string
		fault      fake.Fault
		credential string // "": the master key
		kind       Kind
	}{
		{"down", fake.Fault{Down: true}, "", KindUnreachable},
		{"cut", fake.Fault{Cut: 50}, "", KindUnreachable},
		{"a web page", fake.Fault{HTML: true}, "", KindNotGateway},
		{"no JSON", fake.Fault{Body: "ok"}, "", KindNotGateway},
		{"another JSON", fake.Fault{Body: `{"items":[]}`}, "", KindShape},
		{"another type", fake.Fault{Body: `{"teams":"Received=` + old + `"}`}, "", KindShape},
		{"redirect", fake.Fault{Location: "http://127.0.0.2:1/"}, "", KindRedirect},
		{"too much", fake.Fault{Flood: maxBody + 1}, "", KindTooLarge},
		{"failing", fake.Fault{Status: 500}, "", KindServer},
		{"busy", fake.Fault{Status: 429}, "", KindBusy},
		{"401 that repeats the key", fake.Fault{Status: 401}, "", KindUnauthorized},
		{"403", fake.Fault{Status: 403}, "", KindForbidden},
		{"unknown key", fake.Fault{}, old, KindUnauthorized},
		{"no key at all", fake.Fault{}, "not-a-key-0123456789", KindUnauthorized},
	} {
		g := startFake(t, fake.Options{Version: fake.V1_81, Replicas: 1})
		g.SetFault(c.fault)
		credential := c.credential
		if credential == "" {
			credential = g.MasterKey
		}
		_, err := client(t, g.URL, credential).Fetch(t.Context())
		wantKind(t, c.name, err, c.kind, credential, old)
	}
}

func TestErrorsOfOtherPlaces(t *testing.T) {
	g := startFake(t, fake.Options{NoDatabase: true})
	_, err := client(t, g.URL, g.MasterKey).Fetch(t.Context())
	wantKind(t, "no database, master key", err, KindNoDatabase)
	_, err = client(t, g.URL, "sk-some-key-0123456789").Fetch(t.Context())
	wantKind(t, "no database, a key", err, KindNoDatabase)
	_, err = client(t, g.URL+"/v1", g.MasterKey).Fetch(t.Context())
	wantKind(t, "another path", err, KindNotGateway)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = client(t, g.URL, g.MasterKey).Fetch(t.Context())
	wantKind(t, "nobody listens", err, KindUnreachable)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("stopped by the test"))
	if _, err = client(t, g.URL, g.MasterKey).Fetch(ctx); err == nil || err.Error() != "stopped by the test" {
		t.Errorf("cancelled: %v", err)
	}
}

// A gateway whose pages never join up is told apart from one that is slow.
func TestPagesThatDoNotJoin(t *testing.T) {
	g := startFake(t, fake.Options{Replicas: 1})
	g.Fill(300)
	g.OnRequest(func(r *http.Request) {
		if r.URL.Path == "/key/list" { // everything is new each time
			for _, k := range g.Keys() {
				g.DeleteKey(k.Token)
			}
			for range 300 {
				g.AddKey(fake.Key{})
			}
		}
	})
	_, err := client(t, g.URL, g.MasterKey).Fetch(t.Context())
	wantKind(t, "pages", err, KindShape)
}

func TestKeyInfoAndFind(t *testing.T) {
	for _, v := range versions {
		g := startFake(t, fake.Options{Version: v})
		team := g.AddTeam(fake.Team{Alias: "team a"})
		live, deleted := g.AddKey(fake.Key{TeamID: team}), g.AddKey(fake.Key{Alias: "gone"})
		g.DeleteKey(fake.HashKey(deleted))
		var urls []string
		g.OnRequest(func(r *http.Request) { urls = append(urls, r.URL.String()) })
		c := client(t, g.URL, g.AddUser(fake.RoleViewer))
		find := func(key string) (*record.KeyInfo, bool) {
			k, ok, err := c.Find(t.Context(), HashKey(record.NewSecret(key)))
			if err != nil {
				t.Fatal(err)
			}
			return k, ok
		}
		if k, ok := find(live); !ok || k.State != record.KeyLive || k.TeamAlias != "team a" {
			t.Errorf("%s: a live key: %v", v, k)
		}
		if k, ok := find(deleted); !ok || k.State != record.KeyDeleted || k.Deleted.IsZero() || k.Alias != "gone" {
			t.Errorf("%s: a deleted key: %v", v, k)
		}
		if k, ok := find(newKey(t)); ok {
			t.Errorf("%s: nobody's key: %v", v, k)
		}
		if _, ok, err := c.KeyInfo(t.Context(), [32]byte{}); ok || err != nil {
			t.Errorf("%s: an unknown hash: %v", v, err)
		}
		if all := strings.Join(urls, "\n"); strings.Contains(all, live) || !strings.Contains(all, fake.HashKey(live)) {
			t.Errorf("%s: the key itself was sent, or its hash was not", v)
		}
	}
}

// The row of an old version that stored the key itself, and odd tokens.
func TestOddTokens(t *testing.T) {
	g := startFake(t, fake.Options{Version: fake.V1_81})
	plain := newKey(t)
	g.AddKey(fake.Key{Token: plain, Name: plain})
	g.AddKey(fake.Key{Token: "odd"})
	s, err := client(t, g.URL, g.MasterKey).Fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if k := lookup(t, s, plain); k.Name != "sk-..."+plain[21:] {
		t.Error("the name is not masked")
	}
	if s.Skipped() != 1 {
		t.Errorf("%d rows skipped, want 1", s.Skipped())
	}
	var file strings.Builder
	if err := s.Encode(&file); err != nil || strings.Contains(file.String(), plain) {
		t.Error("the snapshot holds a key")
	}
}

func TestNew(t *testing.T) {
	key := record.NewSecret(newKey(t))
	for url, want := range map[string]string{
		"":                            "want http",
		"gateway:4000":                "want http",
		"ftp://gateway":               "want http",
		"http://":                     "no host",
		"http://:4000":                "no host",
		"http://u:secretpart@gateway": "user or password",
		"http://gateway/?key=1":       "only",
		"http://%zz":                  "not a URL",
	} {
		_, err := New(Config{URL: url, Credential: key})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secretpart") {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := New(Config{URL: "http://g"}); !errors.Is(err, ErrNoCredential) || HintFor(err) == "" {
		t.Error(err)
	}
	for _, bad := range []string{"sk-a\nb", "sk-ä", "sk a"} {
		if _, err := New(Config{URL: "http://g", Credential: record.NewSecret(bad)}); err == nil || strings.Contains(err.Error(), bad) {
			t.Error(err)
		}
	}
	if c, err := New(Config{URL: "http://g/path/", Credential: key}); err != nil || c.Base() != "http://g/path" {
		t.Error(c.Base(), err)
	}
	if _, err := New(Config{URL: "http://g", Credential: key, CAFile: "none"}); err == nil {
		t.Error("a CA file that is not there was accepted")
	}
	c, err := New(Config{URL: "http://g", Credential: key})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{Config{Credential: key}, &Config{Credential: key}, c, []*Client{c}, NewStore(StoreConfig{Gateways: []Fetcher{c}})} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if got := fmt.Sprintf(verb, v); strings.Contains(got, key.Reveal()) || strings.Contains(got, hex.EncodeToString([]byte(key.Reveal()))) {
				t.Errorf("%s of a %T shows the credential", verb, v)
			}
		}
	}
	if hash := HashKey(key); hex.EncodeToString(hash[:]) != fake.HashKey(key.Reveal()) {
		t.Error("our hash is not the gateway's")
	}
}
