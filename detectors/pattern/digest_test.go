package pattern

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// Words of text tell the same of hex digits as an expression does of each.
func TestDigestsByWords(t *testing.T) {
	run, id := regexp.MustCompile(`^[0-9a-f]*`), regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	both := 0
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.OneOf(
			rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`),
			rapid.StringMatching(`[0-9a-f]{0,140}`),
		).Draw(t, "text"))
		for range rapid.IntRange(0, 2).Draw(t, "changes") {
			if len(text) > 0 {
				text[rapid.IntRange(0, len(text)-1).Draw(t, "at")] = rapid.OneOf(rapid.SampledFrom([]byte("/09:`afgAF-\xb0\xe1")), rapid.Byte()).Draw(t, "byte")
			}
		}
		if want, got := len(run.Find(text)), digestEnd(text, 0); got != want {
			t.Fatalf("%q has %d digits, not %d", text, want, got)
		}
		if isUUID(text) != id.Match(text) {
			t.Fatalf("%q is a UUID: %v", text, isUUID(text))
		}
		if id.Match(text) {
			both++
		}
	})
	if both == 0 {
		t.Fatal("no UUID was tried")
	}
}
