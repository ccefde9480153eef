// Package kafka writes to topics: findings, one message each, or the messages
// and lines that were redacted.
//
// The promise: Write returns when all replicas in sync have what it was given
// (acks=all), so that whoever commits a source's offset then loses nothing. What
// a topic refuses for what it is (too large, for instance) goes to the
// dead-letter topic, redacted like all else: a sink is never given a raw byte.
//
// The limits: the client library has no idempotent producer, so a write whose
// answer was lost is written again. A message that was copied carries where it
// came from in the header sluice-source, by which a reader knows a double one.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	segmentio "github.com/segmentio/kafka-go"

	"sluice/internal/kafkaclient"
	"sluice/internal/record"
)

// The headers that are ours.
const (
	SourceHeader = "sluice-source" // TOPIC/PARTITION/OFFSET of the message this is a copy of
	ErrorHeader  = "sluice-error"  // in the dead-letter topic: why it is there
)

// DefaultPatience is how long a write is tried again.
const DefaultPatience = time.Minute

// startPatience is how long one pass tries to find its topic.
const startPatience = 10 * time.Second

// Config says where to write.
type Config struct {
	Client      kafkaclient.Options
	Topic       string
	DeadLetter  string // topic for what Topic refuses; "": a refusal is an error
	Compression segmentio.Compression
	Follow      bool          // once it is open, a write is tried again for ever
	Patience    time.Duration // how long else; 0: DefaultPatience
	Log         *slog.Logger  // nil: nobody is told of what is survived
}

// Parse reads kafka://HOST:PORT[,HOST:PORT…]/TOPIC?… with these parameters, and
// those of kafkaclient.Target.Options:
//
//	compression=none|gzip|snappy|lz4|zstd
//	dead-letter=TOPIC
//
// The rest of the Config is the caller's to set.
func Parse(uri string, env kafkaclient.Env) (Config, error) {
	t, err := kafkaclient.Parse(uri)
	if err != nil {
		return Config{}, err
	}
	cfg := Config{Topic: t.Topic, DeadLetter: t.Take("dead-letter")}
	if cfg.Client, err = t.Options(env); err != nil {
		return Config{}, err
	}
	if name := t.Take("compression"); name != "" {
		if err := cfg.Compression.UnmarshalText([]byte(name)); err != nil {
			return Config{}, fmt.Errorf("compression=%q: want none, gzip, snappy, lz4 or zstd", name)
		}
	}
	for _, topic := range []string{cfg.Topic, cfg.DeadLetter} {
		if topic != "" && !kafkaclient.IsTopic(topic) {
			return Config{}, fmt.Errorf("topic %s is not a name that Kafka allows", record.Printable(topic))
		}
	}
	return cfg, t.Rest()
}

// writer writes messages to a topic. It is safe for concurrent use.
type writer struct {
	cfg    Config
	client *kafkaclient.Client

	opened atomic.Bool

	mu     sync.Mutex
	counts map[string]int // partitions, by topic
}

// open makes a writer, and finds out whether there is a topic to write to.
func open(ctx context.Context, cfg Config) (*writer, error) {
	if cfg.Patience == 0 {
		cfg.Patience = DefaultPatience
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Client.Topics = []string{cfg.Topic}
	if cfg.DeadLetter != "" {
		cfg.Client.Topics = append(cfg.Client.Topics, cfg.DeadLetter)
	}
	client, err := kafkaclient.New(cfg.Client)
	if err != nil {
		return nil, err
	}
	w := &writer{cfg: cfg, client: client, counts: map[string]int{}}
	for _, topic := range cfg.Client.Topics {
		if _, err := w.partitions(ctx, topic, 1); err != nil {
			client.Close()
			return nil, fmt.Errorf("write to kafka topic %s: %w", topic, err)
		}
	}
	w.opened.Store(true)
	return w, nil
}

// partitions is how many a topic has. If that was fewer than need when it was
// last asked, it is asked again.
func (w *writer) partitions(ctx context.Context, topic string, need int) (int, error) {
	w.mu.Lock()
	n := w.counts[topic]
	w.mu.Unlock()
	if n >= need {
		return n, nil
	}
	err := w.insist(ctx, func() (err error) {
		n, err = w.askPartitions(ctx, topic)
		return err
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[topic] = max(n, w.counts[topic])
	return n, err
}

func (w *writer) askPartitions(ctx context.Context, topic string) (int, error) {
	about := kafkaclient.About{Topic: topic, Write: true}
	if err := w.client.Ping(ctx); err != nil {
		return 0, w.client.Explain(ctx, err, about)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	meta, err := w.client.API().Metadata(ctx, &segmentio.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return 0, w.client.Explain(ctx, err, about)
	}
	if len(meta.Topics) != 1 {
		return 0, w.client.Explain(ctx, segmentio.UnknownTopicOrPartition, about)
	}
	return len(meta.Topics[0].Partitions), w.client.Explain(ctx, meta.Topics[0].Error, about)
}

const (
	firstPause = 20 * time.Millisecond
	longPause  = 5 * time.Second
	remind     = time.Minute // between two words about what goes on failing
)

// insist calls f until it succeeds, fails for good, or patience is over.
func (w *writer) insist(ctx context.Context, f func() error) error {
	from, pause := time.Now(), firstPause
	var told time.Time
	for {
		err := f()
		switch {
		case err == nil:
			if !told.IsZero() {
				w.cfg.Log.Info("writing goes on", slog.String("topic", w.cfg.Topic))
			}
			return nil
		case kafkaclient.Permanent(err) || errors.As(err, new(refusal)):
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Since(from)+pause > w.patience():
			return err
		}
		if time.Since(told) > remind {
			told = time.Now()
			w.cfg.Log.Warn("writing is interrupted, trying again", slog.String("topic", w.cfg.Topic), slog.String("error", err.Error()))
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
		pause = min(2*pause, longPause)
	}
}

// patience is how long something is tried: whoever waits for one pass to begin
// is told soon, and who follows has to write.
func (w *writer) patience() time.Duration {
	switch opened := w.opened.Load(); {
	case opened && w.cfg.Follow:
		return math.MaxInt64
	case !opened && !w.cfg.Follow:
		return min(w.cfg.Patience, startPatience)
	}
	return w.cfg.Patience
}

func (w *writer) close() { w.client.Close() }
