package virtualkey

import (
	"crypto/sha256"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"sluice/internal/record"
)

func TestUnknownKey(t *testing.T) {
	r := random()
	d := newDetector(t, newFakeKeys(defaultKey(r)))
	for range 500 {
		key := defaultKey(r)
		for _, context := range []string{"%", "Bearer %\n", `"%"`, "=%&", "/%/", "é%…", "%...", "%*", "%.", "<%>", "%%20", "sk_sk %"} {
			text := strings.Replace(context, "%", key, 1)
			at := strings.Index(text, key)
			ms := d.Detect(nil, batch(text))
			if got, want := hits(ms), []hit{{RuleVirtual, at, at + len(key)}}; !gocmp.Equal(got, want, compareHits) {
				t.Fatalf("in %q: %v, want %v", context, got, want)
			}
			if m := ms[0]; m.Severity != record.SeverityNone || m.Hash != sha256.Sum256([]byte(key)) || !m.Whole {
				t.Errorf("in %q: severity %v, hash %x, whole %t", context, m.Severity, m.Hash, m.Whole)
			}
		}
		for _, context := range []string{"a%", "-%", "_%", "%20%", "%x", "%-", "%_", `\n%`, "\x1b[0m%", "task-%"} {
			at := strings.LastIndex(context, "%")
			text := context[:at] + key + context[at+1:]
			if ms := d.Detect(nil, batch(text)); len(ms) > 0 {
				t.Errorf("in %q: %v, want nothing", context, hits(ms))
			}
		}
	}
}

// TestInnocent holds what gateways and their users print all day.
func TestInnocent(t *testing.T) {
	keys, _ := many(1000)
	d := newDetector(t, keys)
	for _, text := range []string{
		"Received API Key = sk-...2345, Key Hash (Token) =" + strings.Repeat("0f", 32),
		"key_name: sk-...7-kQ", "sk-m****7-kQ", "sk-ab...2345", "sk-...", "sk-****", "sk-…", "cust****67a6", "not-****2345",
		"You provided: sk-proj-********************il8K. You can find", "sk-proj-****…il8K", "tok_****",
		"Headers: sk-ant-api03-...", "sk-or-v1-abcd...1234", "sk-lf-8df6e538-4b57-4a70-a435-731015916458",
		"chatcmpl-7QyqpwdfhqwajicIEznoc6Q47XAyW", "os.environ/OPENAI_API_KEY", "claude-3-haiku-20240307", "call_sk",
		"task-notification-service-restarted-again", "risk-assessment-of-language-models", "desk-lamp", "disk-usage-of-volume-mounts...",
		"mask-and-unmask-everything-now...", "ask-me-anything...", "flask-sqlalchemy-extension-long...",
		"sk-learn", "sk-learn...", "sk-something...", "see sk-secret-name... for it", "sk-your-key-here...", "sk-YOUR_API_KEY...",
		"sk-this-is-only-an-example", "sk-xxxxxxxxxxxxxxxxxxxxxxxx", "sk-xxxxxxxxxxxxx...", "sk-AAAAAAAAAAAAAAAAAAAAAA", "sk-placeholder-for-tests-g",
		"sk-invalid-key-12345", "sk-1234", "sk-master", "sk-abcdef.", "sk-abcdef..", "sk-test12 ", "sk-9834d02a6c1d72807bdc9d", "sk-sk-sk-sk-",
		"grep -i sk-master || echo", "regex sk-[A-Za-z0-9_-]{21}", "sk-a1b2c3(d4)", "sk-a1b2c3[0]", "SK-mxf5vupvaQ0sFsvRt...",
		"15699985-dd7a-4d30-93d8-95ffcd58dcd5", "REDACTED", "sk-REDACTED", "key sk-live", "https://sk-host1.example.com/a", "sk-prod-Db1-Cluster2.example.com",
	} {
		if ms := d.Detect(nil, batch(text)); len(ms) > 0 {
			t.Errorf("%q: %v", text, hits(ms))
		}
	}
}

// TestPlaceholderIsRare holds the figures given for minWords, twice over.
func TestPlaceholderIsRare(t *testing.T) {
	r := random()
	const n = 200_000
	for length, most := range map[int]int{6: 2, 8: n / 500, 11: n / 10_000, 17: 2, 22: 0} {
		count := 0
		for range n {
			if placeholder([]byte(defaultKey(r)[3 : 3+length])) {
				count++
			}
		}
		if count > most {
			t.Errorf("%d of %d random heads of %d characters read as words, want at most %d", count, n, length, most)
		}
	}
}

func TestNoKeysAtAll(t *testing.T) {
	r := random()
	d := newDetector(t, nil)
	text := "sk-a1 " + defaultKey(r) + " " + strings.Repeat("0f", 32)
	if got, want := hits(d.Detect(nil, batch(text))), []hit{{RuleVirtual, 6, 31}}; !gocmp.Equal(got, want, compareHits) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := d.Detect(nil, &record.Batch{}); len(got) > 0 {
		t.Errorf("empty batch: %v", hits(got))
	}
}

func TestRules(t *testing.T) {
	want := map[string]record.Severity{
		RuleVirtual: record.SeverityCritical, RuleMaster: record.SeverityCritical, RulePartial: record.SeverityHigh, RuleHash: record.SeverityInfo,
	}
	for _, rule := range Rules() {
		if want[rule.ID] != rule.Severity || rule.Description == "" || rule.Help == "" {
			t.Errorf("%+v", rule)
		}
		delete(want, rule.ID)
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
}
