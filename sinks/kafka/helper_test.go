package kafka

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"sluice/internal/kafkaclient"
	"sluice/internal/kafkaclient/kafkatest"
)

// place is a cluster that a test uses.
type place struct {
	options kafkaclient.Options // to reach it as the sinks do
	brokers []string
	admin   *kgo.Client
	fake    *kfake.Cluster // nil: a real one
}

func fake(t testing.TB, opts ...kfake.Opt) *place {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	p := &place{fake: c, brokers: c.ListenAddrs()}
	p.options.Brokers = p.brokers
	p.admin = p.connect(t)
	return p
}

func (p *place) connect(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(p.brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// real is the broker that the environment names; uri is how the sinks reach it,
// "" for in the same way as the test.
func real(t testing.TB, uri string) *place {
	t.Helper()
	addr := os.Getenv("SLUICE_TEST_KAFKA")
	if addr == "" {
		if strings.Contains(os.Getenv("SLUICE_REQUIRE"), "kafka") {
			t.Fatal("SLUICE_TEST_KAFKA names no broker, and SLUICE_REQUIRE asks for one")
		}
		t.Skip("SLUICE_TEST_KAFKA names no broker (HOST:PORT)")
	}
	p := &place{brokers: []string{addr}}
	if uri == "" {
		uri = "kafka://" + addr + "/x"
	}
	target, err := kafkaclient.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	if p.options, err = target.Options(kafkaclient.Env{Lookup: os.LookupEnv, ReadFile: os.ReadFile}); err != nil {
		t.Fatal(err)
	}
	p.admin = p.connect(t)
	return p
}

// everywhere runs a test on each kind of broker.
func everywhere(t *testing.T, f func(t *testing.T, p *place)) {
	t.Run("2.8", func(t *testing.T) { f(t, fake(t, kfake.MaxVersions(kversion.V2_8_0()))) })
	t.Run("4.0", func(t *testing.T) { f(t, fake(t, kfake.MaxVersions(kversion.V4_0_0()))) })
	t.Run("real", func(t *testing.T) { f(t, real(t, "")) })
	t.Run("secure", func(t *testing.T) {
		uri := os.Getenv("SLUICE_TEST_KAFKA_SECURE")
		if uri == "" {
			t.Skip("SLUICE_TEST_KAFKA_SECURE names no broker (kafka://HOST:PORT/x?tls=true&sasl=…)")
		}
		f(t, real(t, uri))
	})
}

// topic makes a topic of its own for the test.
func (p *place) topic(t testing.TB, partitions int, configs ...string) string {
	t.Helper()
	name := fmt.Sprintf("sluice-sink-%d", time.Now().UnixNano())
	kafkatest.Topic(t, p.admin, name, partitions, configs...)
	return name
}

// read returns the first n messages of a topic, in the order of each partition.
func (p *place) read(t testing.TB, topic string, n int) []*kgo.Record {
	t.Helper()
	c := p.connect(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out []*kgo.Record
	for len(out) < n {
		fetches := c.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%d of %d messages in %s", len(out), n, topic)
		}
		fetches.EachRecord(func(r *kgo.Record) { out = append(out, r) })
	}
	return out
}

func (p *place) copies(t testing.TB, cfg Config) *Copies {
	t.Helper()
	cfg.Client = p.options
	s, err := NewCopies(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}
