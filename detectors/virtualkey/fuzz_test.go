package virtualkey

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"sluice/internal/record"
)

// FuzzDetect: whatever the text, spans lie in it behind the lead, a key that
// stands in it is reported or withheld, and what is called live is.
func FuzzDetect(f *testing.F) {
	r := random()
	live, hidden := defaultKey(r), "sk-"+defaultKey(r)[10:]
	plain, both := newFakeKeys(live), newFakeKeys(live)
	both.hide(hidden)
	for _, seed := range []string{
		"", "sk-", live, hidden, live + "...", live[:20] + "...", live[:20] + "…" + live[21:], "sk-" + live, live + hidden, `"\n` + live + `\u0041`,
		"sk-sk-sk-", "sk-mxf5****7-kQ", "\x1b[0m" + live, "sk-aaaaaaaa[truncated]", "sk-\x80\xff…", "é" + live + "é",
	} {
		f.Add([]byte(seed), uint16(0))
		f.Add([]byte(seed), uint16(len(seed)/2))
	}
	f.Fuzz(func(t *testing.T, text []byte, lead uint16) {
		for _, keys := range []*fakeKeys{plain, both} {
			b := expanded(string(text))
			b.Lead = min(int(lead), len(text))
			ms := newDetector(t, keys).Detect(nil, b)
			for _, m := range ms {
				checkMatch(t, b, m, keys)
			}
			for _, key := range []string{live, hidden} {
				if _, known := keys.Lookup(sha256.Sum256([]byte(key))); !known {
					continue
				}
				at := bytes.LastIndex(text, []byte(key))
				if at >= 0 && at+len(key) > b.Lead && !reported(ms, at, at+len(key)) {
					t.Fatalf("lead %d: key at %d neither reported nor withheld", b.Lead, at)
				}
			}
		}
	})
}

func checkMatch(t *testing.T, b *record.Batch, m record.Match, keys *fakeKeys) {
	t.Helper()
	end := 0
	for _, s := range m.Spans {
		if s.Start < end || s.End <= s.Start || s.End > len(b.Text) {
			t.Fatalf("%s: spans %v of %d bytes", m.Rule, m.Spans, len(b.Text))
		}
		end = s.End
	}
	if end <= b.Lead {
		t.Fatalf("%s: spans %v within the lead of %d", m.Rule, m.Spans, b.Lead)
	}
	if m.Withhold || m.Rule == RulePartial {
		return
	}
	if _, live := keys.Lookup(m.Hash); !live && m.Severity != record.SeverityNone {
		t.Fatalf("%s: a severity of its own, the owner decides it", m.Rule)
	}
	if m.Rule != RuleHash && m.Hash != sha256.Sum256(m.Secret) {
		t.Fatalf("%s: the hash is not the secret's", m.Rule)
	}
}

func reported(ms []record.Match, start, end int) bool {
	for _, m := range ms {
		for _, s := range m.Spans {
			if s.Start <= start && s.End >= end {
				return true
			}
		}
	}
	return false
}
