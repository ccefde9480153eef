package gate

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"sync"
)

// Scrubber takes every secret it was told out of text, whole or in part: any
// run of window bytes of a secret, or of its base64 or hex form, is the
// beginning of a stretch that is replaced. It is safe for concurrent use.
type Scrubber struct {
	mu      sync.RWMutex
	windows map[string]struct{} // window bytes each
	short   []string            // secrets below the window, replaced whole
}

const (
	// window is how much of a secret may be shown at most, plus one: 8
	// characters of a generated key leave 78 of its 126 bits.
	window = 9
	// tooShort is below what can be told from ordinary text.
	tooShort = 4
	scrubbed = "[secret]"
)

// Add tells a secret. Its public prefix is no secret.
func (s *Scrubber) Add(secret string) {
	body := strings.TrimPrefix(secret, "sk-")
	if len(body) < tooShort {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.windows == nil {
		s.windows = make(map[string]struct{})
	}
	if len(body) < window {
		s.short = append(s.short, secret)
		return
	}
	for _, form := range forms(secret, body) {
		for i := 0; i+window <= len(form); i++ {
			s.windows[form[i:i+window]] = struct{}{}
		}
	}
}

// forms is a secret as it can stand in text: raw, percent-encoded, hex, and
// base64 in its three alignments, without the characters that neighbours share.
func forms(secret, body string) []string {
	all := []string{body, url.QueryEscape(body), hex.EncodeToString([]byte(body)), strings.ToUpper(hex.EncodeToString([]byte(body)))}
	for shift := range 3 {
		padded := strings.Repeat("\x00", shift) + secret
		whole := padded[:len(padded)/3*3]
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			// The first group holds the padding, or the public prefix alone.
			if text := enc.EncodeToString([]byte(whole)); len(text) > 4+window {
				all = append(all, text[4:])
			}
		}
	}
	return all
}

// Text returns the text without secrets.
func (s *Scrubber) Text(text string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, secret := range s.short {
		text = strings.ReplaceAll(text, secret, scrubbed)
	}
	if len(s.windows) == 0 {
		return text
	}
	var out strings.Builder
	done := 0
	for i := 0; i+window <= len(text); {
		if !s.shown(text, i) {
			i++
			continue
		}
		end := i + window
		for j := i + 1; j <= end && j+window <= len(text); j++ {
			if s.shown(text, j) {
				end = j + window
			}
		}
		out.WriteString(text[done:startOf(text, done, i)])
		out.WriteString(scrubbed)
		done, i = end, end
	}
	out.WriteString(text[done:])
	return out.String()
}

// shown says that the window at i is part of a secret.
func (s *Scrubber) shown(text string, i int) bool {
	_, hit := s.windows[text[i:i+window]]
	return hit
}

// startOf moves a stretch's start back over the public prefix.
func startOf(text string, done, i int) int {
	if i-3 >= done && text[i-3:i] == "sk-" {
		return i - 3
	}
	return i
}

// Bytes is Text for bytes.
func (s *Scrubber) Bytes(text []byte) []byte { return []byte(s.Text(string(text))) }
