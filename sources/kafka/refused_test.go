package kafka

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"sluice/internal/kafkaclient"
	"sluice/internal/record"
)

// What a cluster refuses is one line that says what to do, at once where no
// retry can help, and never a password.
func TestRefusals(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.EnableACLs(), kfake.SeedTopics(1, "there"),
		kfake.Superuser("SCRAM-SHA-256", "admin", "the-password-of-admin"), kfake.User("SCRAM-SHA-256", "bob", "the-password-of-bob"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	p := &place{fake: c, brokers: c.ListenAddrs()}
	p.connect(t, kgo.SASL(scram.Auth{User: "admin", Pass: "the-password-of-admin"}.AsSha256Mechanism()))
	p.produce(t, &kgo.Record{Topic: "there", Value: []byte("v")})
	as := func(user, password string) kafkaclient.Options {
		return kafkaclient.Options{Brokers: p.brokers, SASL: kafkaclient.ScramSHA256, User: user, Password: record.NewSecret(password)}
	}
	admin := as("admin", "the-password-of-admin")
	for name, c := range map[string]struct {
		options      kafkaclient.Options
		topic, group string
		want         []string // one of them
	}{
		"nothing":           {admin, "there", "g", nil},
		"wrong password":    {as("admin", "the-password-of-bob"), "there", "", []string{"wrong name or password"}},
		"no login":          {kafkaclient.Options{Brokers: p.brokers}, "there", "", []string{"a login (sasl=…)"}},
		"unknown topic":     {admin, "nowhere", "", []string{"topic nowhere does not exist"}},
		"no authorization":  {as("bob", "the-password-of-bob"), "there", "", []string{"not authorised to read topic there", "we may not know of it"}},
		"broker gone":       {kafkaclient.Options{Brokers: []string{"127.0.0.1:1"}}, "there", "", []string{"broker 127.0.0.1:1 does not answer: connection refused"}},
		"nobody's pattern":  {admin, "x.*y", "", []string{"no topic that we may see has a name of this form"}},
		"pattern, no right": {as("bob", "the-password-of-bob"), "the.*", "", []string{"no topic that we may see has a name of this form"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Client: c.options, Topic: c.topic, Group: c.group, timing: quick()}
			cfg.timing.start, cfg.timing.patience = 50*time.Millisecond, 50*time.Millisecond
			src, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			k := newTaker(t, src)
			err = src.Run(t.Context(), k.emit)
			if len(c.want) == 0 {
				if err != nil || len(k.all) != 1 {
					t.Fatalf("%d messages, %v", len(k.all), err)
				}
				return
			}
			if err == nil {
				t.Fatal("no error")
			}
			text, found := err.Error(), false
			for _, w := range c.want {
				found = found || strings.Contains(text, w)
			}
			if !found || strings.Contains(text, "\n") || strings.Contains(text, "the-password") {
				t.Errorf("%q, want one of %q", text, c.want)
			}
		})
	}
}

// A topic that we may know of and not read is said at once: no patience helps.
func TestRefusedAtTheFirstFetch(t *testing.T) {
	p := fake(t)
	topic := p.topic(t, 2)
	p.produce(t, &kgo.Record{Topic: topic, Value: []byte("v")})
	p.fake.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		p.fake.KeepControl()
		res := req.ResponseKind().(*kmsg.FetchResponse)
		for _, t := range req.(*kmsg.FetchRequest).Topics {
			rt := kmsg.NewFetchResponseTopic()
			rt.Topic, rt.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				rp := kmsg.NewFetchResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, kerr.TopicAuthorizationFailed.Code
				rt.Partitions = append(rt.Partitions, rp)
			}
			res.Topics = append(res.Topics, rt)
		}
		return res, nil, true
	})
	for name, cfg := range map[string]Config{"alone": {}, "following": {Follow: true}, "group": {Group: "refused"}} {
		cfg.Topic, cfg.timing = topic, quick()
		cfg.timing.patience = time.Hour
		src := p.source(t, cfg)
		if err := src.Run(t.Context(), newTaker(t, src).emit); err == nil || !strings.Contains(err.Error(), "not authorised to read topic "+topic) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
