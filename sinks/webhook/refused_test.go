package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// refuseWord refuses bodies that hold a word.
func refuseWord(word string, code int) func(int, http.ResponseWriter, *http.Request) bool {
	return func(_ int, w http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		if bytes.Contains(body, []byte(word)) {
			w.WriteHeader(code)
			return false
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		return true
	}
}

func checkLetters(t *testing.T, dir, context string, code int) {
	t.Helper()
	path := filepath.Join(dir, "refused.jsonl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var l letter
	if err := json.Unmarshal(text, &l); err != nil || l.Finding.Context != context || l.Status != code {
		t.Errorf("%s, %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// Without a spool nobody else knows of a finding: Write says that it was
// refused, and the same leak is not taken for told.
func TestRefusedWithoutSpool(t *testing.T) {
	inBubble(t, func(t *testing.T, r *receiver) {
		r.answer = refuseWord("secret 1", http.StatusUnprocessableEntity)
		s := r.open(nil)
		for range 2 {
			if err := s.Write(t.Context(), leaked(1)); !errors.Is(err, ErrRefused) {
				t.Errorf("%v", err)
			}
		}
		write(t, s, 2)
		closeSink(t, s)
	})
}

// Where refused findings have no room, they wait: nothing is let go of
// unseen.
func TestFullLetters(t *testing.T) {
	inBubble(t, func(t *testing.T, r *receiver) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "refused.jsonl"), make([]byte, minSpoolBytes), 0o600); err != nil {
			t.Fatal(err)
		}
		r.answer = refuseWord("secret 1", http.StatusBadRequest)
		s := r.open(func(c *Config) { c.Spool, c.SpoolBytes = dir, minSpoolBytes })
		write(t, s, 1)
		pass(10 * time.Minute)
		if st := s.Stats(); st.Refused != 0 || st.Waiting != 1 {
			t.Errorf("%+v", st)
		}
		if err := os.Remove(filepath.Join(dir, "refused.jsonl")); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if st := s.Stats(); st.Refused != 1 || st.Waiting != 0 {
			t.Errorf("%+v", st)
		}
		closeSink(t, s)
		checkLetters(t, dir, "secret 1", http.StatusBadRequest)
	})
}

// A code that the list names is tried again for ever; one it does not name is
// a refusal.
func TestRetryCodes(t *testing.T) {
	inBubble(t, func(t *testing.T, r *receiver) {
		codes, err := ParseCodes("400")
		if err != nil {
			t.Fatal(err)
		}
		r.answer = func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n < 5 {
				w.WriteHeader(http.StatusBadRequest)
			} else if n == 6 {
				w.WriteHeader(http.StatusInternalServerError)
			}
			return n == 5
		}
		s := r.open(func(c *Config) { c.Retry = codes })
		write(t, s, 1)
		if err := s.Write(t.Context(), leaked(2)); !errors.Is(err, ErrRefused) {
			t.Errorf("%v", err)
		}
		closeSink(t, s)
	})
}
