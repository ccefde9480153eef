package kafka

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sluice/internal/kafkaclient"
	"sluice/internal/record"
)

// All findings of a secret are in one partition, in order, under its print.
func TestFindingsOfASecretAreInOnePartition(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		topic := p.topic(t, 4)
		s, err := NewFindings(t.Context(), Config{Client: p.options, Topic: topic})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close(t.Context())
		const prints, each = 20, 5
		for i := range each {
			var d record.Delivery
			for j := range prints {
				d.Findings = append(d.Findings, record.Finding{
					Rule: "r", Severity: record.SeverityHigh, Print: [8]byte{byte(j), 1}, Pos: record.Position{Offset: int64(i)},
				})
			}
			if err := s.Write(t.Context(), []record.Delivery{{}, d}); err != nil {
				t.Fatal(err)
			}
		}
		at, next := map[string]int32{}, map[string]float64{}
		for _, r := range p.read(t, topic, prints*each) {
			var f struct {
				Rule     string
				Secret   struct{ Print string }
				Position struct{ Offset float64 }
			}
			if err := json.Unmarshal(r.Value, &f); err != nil {
				t.Fatal(err)
			}
			key := string(r.Key)
			if f.Rule != "r" || f.Secret.Print != key || f.Position.Offset != next[key] {
				t.Fatalf("key %s, finding %s", key, r.Value)
			}
			if before, ok := at[key]; ok && before != r.Partition {
				t.Errorf("print %s is in partitions %d and %d", key, before, r.Partition)
			}
			at[key] = r.Partition
			next[key]++
		}
		if len(at) != prints {
			t.Errorf("%d prints, want %d", len(at), prints)
		}
		used := map[int32]bool{}
		for _, partition := range at {
			used[partition] = true
		}
		if len(used) < 2 {
			t.Errorf("%d of 4 partitions are used", len(used))
		}
	})
}

// What brokers refuse is one clear line, and no retry where that cannot help.
func TestRefusals(t *testing.T) {
	p := fake(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "admin", "right"), kfake.SleepOutOfOrder())
	o := p.options
	o.SASL, o.User, o.Password = kafkaclient.ScramSHA256, "admin", record.NewSecret("right")
	for name, c := range map[string]struct {
		change func(*kafkaclient.Options)
		want   string
	}{
		"unknown topic":  {func(*kafkaclient.Options) {}, "topic nowhere does not exist, or we may not know of it"},
		"wrong password": {func(o *kafkaclient.Options) { o.Password = record.NewSecret("wrong") }, "wrong name or password"},
		"no login":       {func(o *kafkaclient.Options) { o.SASL = "" }, "it may want TLS (tls=true) or a login (sasl=…)"},
		"broker gone":    {func(o *kafkaclient.Options) { o.Brokers = []string{"127.0.0.1:1"} }, "broker 127.0.0.1:1 does not answer: connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			o := o
			c.change(&o)
			_, err := NewCopies(t.Context(), Config{Client: o, Topic: "nowhere", Patience: time.Millisecond})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, c.want)
			}
			for _, verb := range []string{"%v", "%+v", "%#v"} {
				if text := fmt.Sprintf(verb, err); strings.Contains(text, "wrong\"") || strings.Contains(text, "right\"") {
					t.Errorf("%s shows a password", verb)
				}
			}
		})
	}
}

func TestNoAuthorizationToWrite(t *testing.T) {
	p := fake(t)
	topic := p.topic(t, 1)
	p.fake.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		p.fake.KeepControl()
		return refusing(req.(*kmsg.ProduceRequest), kerr.TopicAuthorizationFailed), nil, true
	})
	s := p.copies(t, Config{Topic: topic})
	err := s.Write(t.Context(), []record.Delivery{{
		Origin: record.Origin{Kind: "file", Name: "f"}, Clean: []byte("line\n"), Records: []record.Record{{Span: record.Span{End: 5}}},
	}})
	if err == nil || !strings.Contains(err.Error(), "we are not authorised to write to topic "+topic) {
		t.Error(err)
	}
}

func TestParse(t *testing.T) {
	env := kafkaclient.Env{}
	cfg, err := Parse("kafka://a,b:1/t?compression=zstd&dead-letter=d", env)
	if err != nil || cfg.Topic != "t" || cfg.DeadLetter != "d" || cfg.Compression.String() != "zstd" {
		t.Errorf("%+v, %v", cfg, err)
	}
	for _, uri := range []string{"kafka://a/t?compression=none"} {
		if _, err := Parse(uri, env); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
	for _, uri := range []string{
		"kafka://a/t?compression=rar", "kafka://a/t?group=g", "kafka://a/t.*", "kafka://a/t?dead-letter=%2F", "kafka://a/",
		"kafka://u:p@a/t", "kafka://a/t?sasl=plain&user=u", "kafka://a/t?password=x", "kafka://a/t?ca=/none",
	} {
		if _, err := Parse(uri, env); err == nil {
			t.Errorf("%s was taken", uri)
		}
	}
}
