package gate

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// No form and no part of a secret longer than the window survives, wherever it
// stands, and text without one is as it was.
func TestScrubberLeavesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := "sk-" + rapid.StringMatching(`[A-Za-z0-9_-]{21}[AQgw]`).Draw(t, "secret")
		var s Scrubber
		s.Add(secret)
		from := rapid.IntRange(0, len(secret)-window).Draw(t, "from")
		to := rapid.IntRange(from+window, len(secret)).Draw(t, "to")
		part := secret[from:to]
		form := rapid.SampledFrom([]func(string) string{
			func(p string) string { return p },
			func(p string) string { return hex.EncodeToString([]byte(p)) },
			func(p string) string { return strings.ToUpper(hex.EncodeToString([]byte(p))) },
			func(p string) string { return base64.StdEncoding.EncodeToString([]byte(secret)) },
			func(p string) string { return base64.URLEncoding.EncodeToString([]byte(":" + secret)) },
			func(p string) string { return base64.RawStdEncoding.EncodeToString([]byte("u:" + secret)) },
		}).Draw(t, "form")(part)
		text := rapid.StringMatching(`[ -~]{0,40}`).Draw(t, "before") + form + rapid.StringMatching(`[ -~]{0,40}`).Draw(t, "after")
		clean := s.Text(text)
		for i := 0; i+window <= len(clean); i++ {
			if _, shown := s.windows[clean[i:i+window]]; shown {
				t.Fatalf("%q still shows %q", clean, clean[i:i+window])
			}
		}
		if to-max(from, len("sk-")) >= window { // the public prefix is no part of a window
			if !strings.Contains(clean, scrubbed) {
				t.Fatalf("nothing was taken out of %q", text)
			}
		}
	})
}

func TestScrubberLeavesOtherTextAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Scrubber
		for range 50 {
			s.Add("sk-" + Random(22))
		}
		// Upper case: no key of Random has any.
		text := rapid.StringMatching(`[A-Z .,:{}"\n]{0,200}`).Draw(t, "text")
		if got := s.Text(text); got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

func TestScrubberIsIdempotentAndKeepsWhatIsAround(t *testing.T) {
	var s Scrubber
	key := "sk-" + Random(22)
	s.Add(key)
	got := s.Text("a " + key + " b sk-..." + key[len(key)-4:] + " c")
	if want := "a [secret] b sk-..." + key[len(key)-4:] + " c"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if s.Text(got) != got {
		t.Errorf("a second time: %q", s.Text(got))
	}
}

// A master key as people choose them is taken out whole.
func TestScrubberKnowsShortKeys(t *testing.T) {
	var s Scrubber
	s.Add("sk-1234")
	if got := s.Text("key sk-1234."); got != "key [secret]." {
		t.Errorf("%q", got)
	}
	s.Add("") // nothing to hide is nothing to replace
	if got := s.Text("abc"); got != "abc" {
		t.Errorf("%q", got)
	}
}

func FuzzScrubber(f *testing.F) {
	f.Add("sk-abcdefghijklmnop", "x sk-abcdefghijklmnop y")
	f.Add("sk-aaaaaaaaaaaaaaaaaa", strings.Repeat("a", 100))
	f.Fuzz(func(t *testing.T, secret, text string) {
		var s Scrubber
		s.Add(secret)
		body := strings.TrimPrefix(secret, "sk-")
		if clean := s.Text(text); len(body) >= window && strings.Contains(clean, body) && !strings.Contains(scrubbed, body) {
			t.Errorf("%q is still in %q", body, clean)
		}
	})
}

func BenchmarkScrubber(b *testing.B) {
	var s Scrubber
	for range 100 {
		s.Add("sk-" + Random(22))
	}
	text := strings.Repeat(fmt.Sprintf("the gateway answered 401 with the message %s\n", Random(40)), 1000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		s.Text(text)
	}
}
