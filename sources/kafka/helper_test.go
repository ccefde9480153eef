package kafka

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"sluice/internal/kafkaclient"
	"sluice/internal/kafkaclient/kafkatest"
	"sluice/internal/record"
)

// place is a cluster that a test uses.
type place struct {
	brokers []string
	options kafkaclient.Options // to reach it as the source does
	admin   *kgo.Client
	fake    *kfake.Cluster // nil: a real one
}

func fake(t testing.TB, opts ...kfake.Opt) *place {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{
		kfake.NumBrokers(3), kfake.GroupMinSessionTimeout(100 * time.Millisecond),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	p := &place{brokers: c.ListenAddrs(), fake: c}
	p.options.Brokers = p.brokers
	p.connect(t)
	return p
}

func (p *place) connect(t testing.TB, opts ...kgo.Opt) {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(p.brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(1 << 20),
		kgo.MetadataMinAge(20 * time.Millisecond),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	p.admin = cl
}

// real is the broker that the environment names, in the form HOST:PORT.
func real(t testing.TB) *place {
	t.Helper()
	addr := os.Getenv("SLUICE_TEST_KAFKA")
	if addr == "" {
		if strings.Contains(os.Getenv("SLUICE_REQUIRE"), "kafka") {
			t.Fatal("SLUICE_TEST_KAFKA names no broker, and SLUICE_REQUIRE asks for one")
		}
		t.Skip("SLUICE_TEST_KAFKA names no broker (HOST:PORT)")
	}
	p := &place{brokers: []string{addr}, options: kafkaclient.Options{Brokers: []string{addr}}}
	p.connect(t)
	return p
}

// secure is the same broker as real, reached as SLUICE_TEST_KAFKA_SECURE says:
// a kafka:// URI with TLS and SASL.
func secure(t testing.TB) *place {
	t.Helper()
	uri := os.Getenv("SLUICE_TEST_KAFKA_SECURE")
	if uri == "" {
		t.Skip("SLUICE_TEST_KAFKA_SECURE names no broker (kafka://HOST:PORT/x?tls=true&sasl=…)")
	}
	p := real(t)
	target, err := kafkaclient.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	if p.options, err = target.Options(kafkaclient.Env{Lookup: os.LookupEnv, ReadFile: os.ReadFile}); err != nil {
		t.Fatal(err)
	}
	return p
}

// everywhere runs a test on each kind of broker.
func everywhere(t *testing.T, f func(t *testing.T, p *place)) {
	t.Run("2.8", func(t *testing.T) { f(t, fake(t, kfake.MaxVersions(kversion.V2_8_0()))) })
	t.Run("4.0", func(t *testing.T) { f(t, fake(t, kfake.MaxVersions(kversion.V4_0_0()))) })
	t.Run("real", func(t *testing.T) { f(t, real(t)) })
	t.Run("secure", func(t *testing.T) { f(t, secure(t)) })
}

// topic makes a topic of its own for the test.
func (p *place) topic(t testing.TB, partitions int, configs ...string) string {
	t.Helper()
	name := fmt.Sprintf("sluice-test-%s-%d", strings.Map(func(c rune) rune {
		if kafkaclient.IsTopic(string(c)) || c == '.' {
			return c
		}
		return '-'
	}, t.Name()), time.Now().UnixNano())
	kafkatest.Topic(t, p.admin, name, partitions, configs...)
	return name
}

// produce writes records and waits for their acknowledgement.
func (p *place) produce(t testing.TB, records ...*kgo.Record) {
	t.Helper()
	if err := p.admin.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatalf("produce: %v", err)
	}
}

// quick are times for tests: seconds are too long for what comes again and
// again, and no limit is one that a busy machine could reach.
func quick() timing {
	return timing{
		heartbeat: 30 * time.Millisecond, session: 30 * time.Second, rejoin: 20 * time.Millisecond,
		commit: 20 * time.Millisecond, drain: 5 * time.Second, lag: 50 * time.Millisecond, stall: time.Minute,
		topics: 50 * time.Millisecond, patience: 5 * time.Minute, start: 5 * time.Minute, request: time.Minute, backoff: 10 * time.Millisecond,
		ends: 20 * time.Millisecond, wait: 50 * time.Millisecond, leave: 200 * time.Millisecond,
	}
}

func (p *place) source(t testing.TB, cfg Config) *Source {
	t.Helper()
	cfg.Client = p.options
	if cfg.timing == (timing{}) {
		cfg.timing = quick()
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// got is a message as it was emitted.
type got struct {
	stream string
	offset int64
	key    string // "-": null
	value  string // "-": null
	heads  string
	time   time.Time
}

// taker takes batches and commits each at once, as a pipeline does that is never
// behind.
type taker struct {
	t    testing.TB
	src  *Source
	mu   sync.Mutex
	all  []got
	more chan struct{}
	last record.Mark
}

func newTaker(t testing.TB, src *Source) *taker {
	return &taker{t: t, src: src, more: make(chan struct{}, 1)}
}

func (k *taker) emit(b record.Batch) error {
	k.mu.Lock()
	k.all = append(k.all, messagesOf(k.t, b)...)
	k.last = b.End
	k.mu.Unlock()
	select {
	case k.more <- struct{}{}:
	default:
	}
	return k.src.Commit(context.Background(), b.End)
}

// values are what was taken, by value, with how often.
func (k *taker) values() map[string]int {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := map[string]int{}
	for _, g := range k.all {
		out[g.value]++
	}
	return out
}

// messagesOf puts a batch's records together again.
func messagesOf(t testing.TB, b record.Batch) []got {
	var out []got
	for _, r := range b.Records {
		text := string(b.Text[r.Start:r.End])
		if r.Null {
			text = "-"
		}
		if n := len(out); n == 0 || out[n-1].offset != r.Base {
			out = append(out, got{stream: b.End.Stream, offset: r.Base, key: "-", value: "?", time: r.Time})
		}
		g := &out[len(out)-1]
		switch r.Part {
		case record.PartKey:
			g.key = text
		case record.PartHeaderKey:
			g.heads += text + "="
		case record.PartHeaderValue:
			g.heads += text + ";"
		case record.PartValue:
			g.value = text
		}
	}
	return out
}
