package webhook

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func signingKey(name string) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(name, 24/len(name))))
}

func verifier(t *testing.T, key string) *webhooks.Webhook {
	t.Helper()
	v, err := webhooks.NewWebhook(key)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// keyFile writes a key, as a mounted secret is: with a line end.
func keyFile(t *testing.T, path, key string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// While a key is changed the sender signs with the old and the new: receivers
// that have either accept, by the reference library, and those with another
// don't.
func TestSignaturesAreTheReferenceLibrarys(t *testing.T) {
	inBubble(t, func(t *testing.T, r *receiver) {
		older, newer := verifier(t, signingKey("old ")), verifier(t, signingKey("new "))
		other := verifier(t, signingKey("else"))
		r.verify = func(h http.Header, body []byte) error {
			if other.Verify(body, h) == nil {
				t.Error("another key accepts")
			}
			if older.Verify(append([]byte(" "), body...), h) == nil {
				t.Error("another body is accepted")
			}
			if err := older.Verify(body, h); err != nil {
				return err
			}
			return newer.Verify(body, h)
		}
		dir := t.TempDir()
		keyFile(t, filepath.Join(dir, "old"), signingKey("old "))
		s := r.open(func(c *Config) {
			c.SigningKeys = []Value{{File: filepath.Join(dir, "old")}, {Env: "NEW_KEY"}}
			c.Getenv = func(name string) string { return map[string]string{"NEW_KEY": signingKey("new ")}[name] }
			c.Gzip = true
		})
		for i := range 3 {
			write(t, s, i)
		}
		closeSink(t, s)
		each(t, r, 3)
	})
}

// A key file is read again for each request; while it can't be, nothing goes
// out unsigned and nothing is given up.
func TestKeyFileRotates(t *testing.T) {
	inBubble(t, func(t *testing.T, r *receiver) {
		path := filepath.Join(t.TempDir(), "key")
		keyFile(t, path, signingKey("old "))
		accepts := verifier(t, signingKey("old "))
		r.verify = func(h http.Header, body []byte) error { return accepts.Verify(body, h) }
		s := r.open(func(c *Config) { c.SigningKeys, c.Spool = []Value{{File: path}}, t.TempDir() })
		write(t, s, 0)
		pass(10 * time.Second)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		write(t, s, 1)
		pass(5 * time.Minute)
		if st := s.Stats(); st.Waiting != 1 || st.Refused != 0 {
			t.Errorf("without its key: %+v", st)
		}
		accepts = verifier(t, signingKey("new "))
		keyFile(t, path, signingKey("new "))
		pass(time.Minute)
		closeSink(t, s)
		each(t, r, 2)
	})
}

// A receiver whose clock is not ours refuses what it takes for a replay; its
// answers say what time it has, and the next request is signed for that.
func TestClockOfTheReceiver(t *testing.T) {
	for _, off := range []time.Duration{-3 * time.Hour, 2 * time.Hour} {
		for _, code := range []int{400, 401, 403, 422} {
			inBubble(t, func(t *testing.T, r *receiver) {
				v := verifier(t, signingKey("key "))
				r.verify = func(h http.Header, body []byte) error { return v.Verify(body, h) }
				refused := 0
				r.answer = func(_ int, w http.ResponseWriter, req *http.Request) bool {
					w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat)) // its clock is right, ours is not
					if stampAge(t, req).Abs() <= 5*time.Minute {
						return true
					}
					refused++
					w.WriteHeader(code)
					return false
				}
				s := r.open(func(c *Config) {
					c.SigningKeys = []Value{literal(signingKey("key "))}
					c.Now = func() time.Time { return time.Now().Add(off) }
				})
				for i := range 5 {
					write(t, s, i)
				}
				if st := s.Stats(); st.Refused != 0 || st.Delivered != 5 {
					t.Errorf("%+v", st)
				}
				closeSink(t, s)
				each(t, r, 5)
				if refused != 1 {
					t.Errorf("%d requests had our time", refused)
				}
			})
		}
	}
}

// A receiver that refuses a message for itself is believed, whatever its clock.
func TestClockIsNoExcuse(t *testing.T) {
	inBubble(t, func(t *testing.T, r *receiver) {
		r.answer = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Date", time.Now().AddDate(1, 0, 0).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusBadRequest)
			return false
		}
		s := r.open(func(c *Config) { c.SigningKeys, c.Spool = []Value{literal(signingKey("key "))}, t.TempDir() })
		write(t, s, 1)
		pass(time.Minute)
		if st := s.Stats(); st.Refused != 1 || st.Failed != 2 {
			t.Errorf("%+v", st)
		}
		closeSink(t, s)
	})
}

// stampAge is how old a request calls itself, by the receiver's clock.
func stampAge(t *testing.T, req *http.Request) time.Duration {
	at, err := time.ParseDuration(req.Header.Get(webhooks.HeaderWebhookTimestamp) + "s")
	if err != nil {
		t.Error(err)
	}
	return time.Since(time.Unix(0, int64(at)))
}
