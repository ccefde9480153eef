package known_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"sluice/detectors/known"
	"sluice/internal/record"
)

// TestSkipped is the list of what a value must not be, by the name it has.
func TestSkipped(t *testing.T) {
	for _, c := range []struct{ name, value, reason string }{
		{"POSTGRES_PASSWORD", "postgres", "word"},
		{"DEBUG", "true", "shorter"},
		{"PORT", "4000", "shorter"},
		{"ADMIN_PASSWORD", "password123", "word"},
		{"ADMIN_PASSWORD", "Summer2024!", "word"},
		{"STORE_MODEL_IN_DB", "True", "shorter"},
		{"KEY_EMPTY", "  \n", "empty"},
		{"ROUTING", "usage-based-routing-v2", "words"},
		{"MODEL", "claude-3-haiku-20240307", ""},
		{"LITELLM_MODE", "PRODUCTION", "word"},
		{"START_DATE", "2026-01-21T09:14:03Z", "number"},
		{"TOKEN_LIMIT", "128000000", "number"},
		{"API_HOST", "db-primary.internal.example.com:5432", "host"},
		{"BIND", "127.0.0.1:8080", "number"},
		{"REDIS", "redis-master:6379", "host"},
		{"CONFIG_KEY_FILE", "/etc/litellm/config.yaml", "path"},
		{"OPENAI_API_KEY", "os.environ/OPENAI_API_KEY", "reference"},
		{"OPENAI_API_KEY", "${OPENAI_API_KEY}", "reference"},
		{"OPENAI_API_KEY", "your-api-key-here", "placeholder"},
		{"SECRET", "changeme-please", "placeholder"},
		{"SECRET_KEY", "aaaaaaaaaaaaaaaaaaaa", "uniform"},
		{"OPENAI_API_BASE", "https://api.example.com/v1", "URL without"},
		{"DATABASE_URL", "postgresql://llmproxy:dbpassword9@db:5432/litellm", "password is a common word"},
		{"CERT_KEY", "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkq\n-----END CERTIFICATE-----", "PEM"},
		{"CONFIG_SECRET", `{"type": "service_account", "project_id": "my-project"}`, "JSON"},
	} {
		d, skipped := known.New([]known.Told{{Name: c.name, Value: record.NewSecret(c.value)}})
		b := record.Batch{Text: []byte(c.value + " " + c.value + "\n")}
		found := d.Detect(nil, &b)
		switch {
		case c.reason == "" && len(skipped) > 0:
			t.Errorf("%s: skipped: %s", c.name, skipped[0].Reason)
		case c.reason != "" && (len(skipped) != 1 || skipped[0].Name != c.name || !strings.Contains(skipped[0].Reason, c.reason)):
			t.Errorf("%s of %d bytes: %v, want %q", c.name, len(c.value), skipped, c.reason)
		case c.reason != "" && len(found) > 0:
			t.Errorf("%s: found though skipped", c.name)
		}
	}
}

// TestUsed is the other side: what is looked for, and with which value.
func TestUsed(t *testing.T) {
	for _, c := range []struct {
		name, value string
		secrets     []string
	}{
		{"ADMIN_PASSWORD", "P@ssw0rd!", []string{"P@ssw0rd!"}},
		{"ADMIN_PASSWORD", "hunter2hunter2", []string{"hunter2hunter2"}},
		{"DB_PASSWORD", "yEo8Vet1jlGSZRGyfTzI", []string{"yEo8Vet1jlGSZRGyfTzI"}},
		{"DB_PASSWORD", "qzjxkvwpmhtr", []string{"qzjxkvwpmhtr"}},
		{"DB_PASSWORD", "correct-horse-battery-staple", []string{"correct-horse-battery-staple"}},
		{"AWS_SECRET_ACCESS_KEY", "/lHl2z9kjNlm0R0KG7kJ/KqhTo4ZCvaFK2THmNUQ", []string{"/lHl2z9kjNlm0R0KG7kJ/KqhTo4ZCvaFK2THmNUQ"}},
		{"AZURE_API_KEY", "2b3c4cb5abf9f9e25113e99112cc3128", []string{"2b3c4cb5abf9f9e25113e99112cc3128"}},
		{"DATABASE_URL", "postgresql://llmproxy:k3J%40x8W2q9@db.example.com:5432/litellm", []string{"k3J%40x8W2q9", "k3J@x8W2q9"}},
		{"SIGNING", "-----BEGIN PRIVATE KEY-----\\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\\nOF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\\n-----END PRIVATE KEY-----",
			[]string{"OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r"}},
		{"GOOGLE_CREDENTIALS", `{"type": "service_account", "private_key_id": "9f2c4a7d01be55e39f2c4a7d01be55e3", "client_email": "svc@my-project.iam.example.com"}`, []string{"9f2c4a7d01be55e39f2c4a7d01be55e3"}},
	} {
		d, skipped := known.New([]known.Told{{Name: c.name, Value: record.NewSecret(c.value)}})
		if len(skipped) > 0 {
			t.Errorf("%s: %v", c.name, skipped)
		}
		for _, s := range c.secrets {
			b := record.Batch{Text: []byte("it is " + s + ".\n")}
			want := []record.Span{{Start: 6, End: 6 + len(s)}}
			if got := d.Detect(nil, &b); len(got) != 1 || !got[0].Whole || !slices.Equal(got[0].Spans, want) || got[0].Name != c.name {
				t.Errorf("%s: a secret of %d bytes: %v", c.name, len(s), got)
			}
		}
	}
}

// TestOrdinaryTextStays tells an env file as people have it and reads text that
// is full of its words.
func TestOrdinaryTextStays(t *testing.T) {
	env := map[string]string{
		"DEBUG": "true", "PORT": "4000", "POSTGRES_PASSWORD": "postgres", "POSTGRES_USER": "llmproxy", "LOG_LEVEL": "WARNING",
		"DATABASE_URL": "postgresql://llmproxy:postgres@db:5432/litellm", "LITELLM_MODE": "PRODUCTION", "UI_PASSWORD": "sk-1234",
		"MODEL": "text-embedding-3-small", "REGION": "us-east-1", "STRATEGY": "usage-based-routing-v2",
		"LITELLM_MASTER_KEY": "sk-litellm-production-8f3K2j5Hq9Zx",
	}
	var list []known.Told
	for name, v := range env {
		list = append(list, known.Told{Name: name, Value: record.NewSecret(v)})
	}
	d, _ := known.New(list)
	text := "postgres is up; llmproxy uses text-embedding-3-small in us-east-1 with usage-based-routing-v2, WARNING: litellm-production runs on 4000, PRODUCTION true sk-litellm-production-\n"
	b := record.Batch{Text: []byte(text)}
	if got := detect(d, &b); len(got) > 0 {
		t.Errorf("%d matches, the first at %v", len(got), got[0].Spans)
	}
}

// TestOneName: a value told twice is reported once, under the rule of its own.
func TestOneName(t *testing.T) {
	v := record.NewSecret(secrets[0])
	d, _ := known.New([]known.Told{
		{Name: "OPENAI_API_KEY", Value: v}, {Name: "LITELLM_MASTER_KEY", Rule: known.RuleMaster, Value: v, Gateway: true},
		{Name: "OTHER", Value: record.NewSecret(secrets[0][:30])},
	})
	b := record.Batch{Text: []byte(secrets[0] + " and " + secrets[0][:30] + "\n")}
	got := detect(d, &b)
	if len(got) != 2 || got[0].Rule != known.RuleMaster || got[0].Name != "LITELLM_MASTER_KEY" || got[0].Hash == [32]byte{} || got[1].Name != "OTHER" || !got[1].Whole {
		t.Errorf("got %d matches: %v", len(got), got)
	}
}

// TestLead: what ends in the lead was delivered before.
func TestLead(t *testing.T) {
	d, _ := known.New(told(secrets[0]))
	text := secrets[0] + "\n" + secrets[0] + "\n"
	for lead := range text {
		b := record.Batch{Text: []byte(text), Lead: lead}
		want := 0
		for _, end := range []int{len(secrets[0]), len(text) - 1} {
			if end > lead {
				want++
			}
		}
		if got := detect(d, &b); len(got) != want {
			t.Fatalf("lead %d: %d matches, want %d", lead, len(got), want)
		}
	}
}

// TestMessages: no match crosses messages or the parts of one, not even a part
// over a line break, nor header values which another header stands between.
func TestMessages(t *testing.T) {
	d, _ := known.New(told(secrets[1]))
	for name, second := range map[string]record.Record{
		"message": {Msg: 1}, "header key": {Part: record.PartHeaderKey}, "header value": {Part: record.PartHeaderValue},
	} {
		for cut := 1; cut < len(secrets[1]); cut++ {
			text := "%41" + secrets[1][:cut] + secrets[1][cut:] + "%41"
			at := 3 + cut
			first := record.Record{Span: record.Span{End: at}}
			second.Span = record.Span{Start: at, End: len(text)}
			b := record.Batch{Text: []byte(text), Records: []record.Record{first, second}}
			wantApart(t, d, &b, at, fmt.Sprint(name, " cut ", cut))
			if second.Part != record.PartHeaderValue {
				continue
			}
			between := record.Record{Span: record.Span{Start: at, End: at}, Part: record.PartHeaderKey}
			first.Part = record.PartHeaderValue
			b = record.Batch{Text: []byte(text), Records: []record.Record{first, between, second}}
			wantApart(t, d, &b, at, fmt.Sprint("two headers, cut ", cut))
		}
	}
}

func wantApart(t *testing.T, d *known.Detector, b *record.Batch, at int, name string) {
	t.Helper()
	for _, m := range detect(d, b) {
		if m.Whole || len(m.Spans) > 1 || m.Spans[0].Start < at && m.Spans[0].End > at {
			t.Errorf("%s: %v", name, m.Spans)
		}
	}
}

// TestNothingPrints walks what can be printed through every verb.
func TestNothingPrints(t *testing.T) {
	list := told(secrets...)
	d, skipped := known.New(append(list, known.Told{Name: "WORD_PASSWORD", Value: record.NewSecret("postgres")}))
	b := record.Batch{Text: []byte(strings.Join(secrets, " "))}
	var out bytes.Buffer
	matches := d.Detect(nil, &b)
	for _, v := range []any{d, list, list[0], skipped, matches} {
		fmt.Fprintf(&out, "%v %+v %#v %s %q %x %d\n", v, v, v, v, v, v, v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("it is", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("it is", "v", v)
	}
	if len(matches) != len(secrets) {
		t.Errorf("%d matches of %d secrets", len(matches), len(secrets))
	}
	for i, s := range append(secrets, "postgres") {
		for _, form := range []string{s, hex.EncodeToString([]byte(s)), base64.StdEncoding.EncodeToString([]byte(s)), fmt.Sprint([]byte(s))} {
			if strings.Contains(out.String(), form) {
				t.Errorf("secret %d is printed", i)
			}
		}
	}
}
