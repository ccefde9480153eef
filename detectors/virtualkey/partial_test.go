package virtualkey

import (
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"sluice/internal/record"
)

func TestCutKey(t *testing.T) {
	keys, _ := many(10)
	d := newDetector(t, keys)
	for _, c := range []struct {
		before, found, behind string
		shown, bits           int
		severity              record.Severity
		hint                  string
	}{
		{"Created key: ", "sk-mxf5vupvaQ0sFsvRt", "...\n", 17, 26, record.SeverityCritical, ""},
		{"", "sk-mxf5vupvaQ0sFsvRt", "…", 17, 26, record.SeverityCritical, ""},
		{"'", "sk-mxf5vupvaQ0sFsvRt", "*", 17, 26, record.SeverityCritical, ""},
		{"'", "sk-mxf5vupvaQ0sFsvRt", "*****'", 17, 26, record.SeverityCritical, ""},
		{"'", "sk-mxf5vupvaQ0s", "•••'", 12, 56, record.SeverityHigh, ""},
		{"'", "sk-mxf5vupvaQ0", " [truncated]", 0, 0, 0, ""},
		{"'", "sk-mxf5vupvaQ0", "[truncated]", 11, 62, record.SeverityHigh, ""},
		{"'", "sk-mxf5vupvaQ0", "<REDACTED>", 11, 62, record.SeverityHigh, ""},
		{"'", "sk-mxf5vupvaQ0", "[...]", 11, 62, record.SeverityHigh, ""},
		{"=", "sk-mxf5vu", "...&x=1", 6, 92, record.SeverityInfo, ""},
		{"=", "sk-mxf5vupvaQ", "...", 10, 68, record.SeverityInfo, ""},
		{"=", "sk-mxf5vu...7-kQ", "\"", 10, 72, record.SeverityInfo, "7-kQ"},
		{"=", "sk-mxf5****7-kQ", "\"", 8, 84, record.SeverityInfo, "7-kQ"},
		{"=", "sk-mxf5vupvaQ...7-kQ", "\"", 14, 48, record.SeverityHigh, "7-kQ"},
		{"=", "sk-mxf5vupvaQ0s…7-kQ", "\"", 16, 36, record.SeverityCritical, "7-kQ"},
		{"=", "sk-mxf5vupvaQ0sFsvR...kQ", "\"", 18, 24, record.SeverityCritical, ""},
		{"=", "sk-...aQ0sFsvRtq37-kQ", " ", 15, 42, record.SeverityHigh, "7-kQ"},
		{"=", "sk-mxf5vupvaQ0sFsvRt...see", " below", 17, 26, record.SeverityCritical, ""}, // a word, taken out all the same
		{"=", "sk-mxf5vupvaQ0sFsvRtq3vv", "...", 21, 2, record.SeverityCritical, ""},
		{"=", "sk-mxf5vupvaQ0sFsvRtq3vvABCDEFGH", "...", 29, 0, record.SeverityHigh, ""},
		{"=", "sk-mxf5vupvaQ0sFsvRt", "", 17, 26, record.SeverityCritical, ""},
		{"=", "sk-mxf5vupvaQ0sFsvRt", "\"", 17, 26, record.SeverityCritical, ""},
		{"=", "sk-mxf5vupvaQ0sFsvRt", `\nbPeg`, 17, 26, record.SeverityCritical, ""},
		{"=", "sk-mxf5vupvaQ0sFsvRt", ". Next", 17, 26, record.SeverityCritical, ""},
		{"=", "sk-mxf5vupvaQ0sFsvRt", ".com", 0, 0, 0, ""},
		{"=", "sk-mxf5vupvaQ0sFsvRt", "/x", 0, 0, 0, ""},
		{"=", "sk-mxf5vupvaQ0sFs", " ", 0, 0, 0, ""},
		{"a", "sk-mxf5vupvaQ0sFsvRt", "...", 0, 0, 0, ""},
	} {
		text := c.before + c.found + c.behind
		ms := d.Detect(nil, batch(text))
		if c.shown == 0 {
			if len(ms) > 0 {
				t.Errorf("%q: %v, want nothing", text, hits(ms))
			}
			continue
		}
		if len(ms) != 1 {
			t.Errorf("%q: %v, want one", text, hits(ms))
			continue
		}
		m := ms[0]
		if m.Rule != RulePartial || string(m.Secret) != c.found || m.Whole || m.Hash != ([32]byte{}) ||
			m.Shown != c.shown || m.BitsLeft != c.bits || m.Severity != c.severity || m.Hint != c.hint {
			t.Errorf("%q: rule %s, secret %q, shown %d, bits %d, severity %v, hint %q", text, m.Rule, m.Secret, m.Shown, m.BitsLeft, m.Severity, m.Hint)
		}
	}
}

func TestCutKeysInARow(t *testing.T) {
	d := newDetector(t, nil)
	got := hits(d.Detect(nil, batch("sk-mxf5vupvaQ0sF...sk-7Yx2bnUhRZdsw...sk-9Kq")))
	if want := []hit{{RulePartial, 0, 16}, {RulePartial, 19, 35}}; !gocmp.Equal(got, want, compareHits) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestCutAtEveryLength: of a random key cut at any length from six to 21
// characters, every character that shows is covered.
func TestCutAtEveryLength(t *testing.T) {
	r := random()
	d := newDetector(t, nil)
	for range 2000 {
		key := defaultKey(r)
		head := len(DefaultPrefix) + minHead + r.IntN(formLen-minHead)
		tail := r.IntN(min(len(key)-head, 6) + 1)
		mark := []string{"...", "…", "*", "********", "....", "***...", "•"}[r.IntN(7)]
		if isForeign([]byte(key[3:head])) || placeholder([]byte(key[3:head])) {
			continue
		}
		text := " '" + key[:head] + mark + key[len(key)-tail:]
		if tail == 0 {
			text = " '" + key[:head] + mark
		}
		for _, behind := range []string{"", "'", "\n", " ", ",", `\n`} {
			ms := d.Detect(nil, batch(text+behind))
			if len(ms) != 1 || ms[0].Rule != RulePartial {
				t.Fatalf("%q: %v", text+behind, hits(ms))
			}
			m, shown := ms[0], head-len(DefaultPrefix)+tail
			covered := strings.TrimRight(text, ".…*•")
			if m.Spans[0].Start != 2 || m.Spans[0].End != len(covered) || m.Shown != min(shown, formLen) && shown < formLen {
				t.Fatalf("%q: %v, shown %d, want to cover %q", text+behind, hits(ms), m.Shown, covered)
			}
			if want := bitsLeft(shown-tail, tail); shown < formLen && m.BitsLeft != want {
				t.Fatalf("%q: %d bits left, want %d", text+behind, m.BitsLeft, want)
			}
		}
	}
}

func TestCutLiveKeyIsLive(t *testing.T) {
	key := defaultKey(random())
	d := newDetector(t, newFakeKeys(key))
	for _, behind := range []string{"...", "*", "…", "...abcQ", "***7-kQ"} {
		if got := hits(d.Detect(nil, batch(key+behind))); len(got) != 1 || got[0] != (hit{RuleVirtual, 0, len(key)}) {
			t.Errorf("behind it %q: %v", behind, got)
		}
	}
}
