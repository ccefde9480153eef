package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"sluice/internal/kafkaclient/kafkatest"
)

// following is a source that runs until the test ends it.
type following struct {
	*taker
	end func() error
}

func (p *place) follow(t *testing.T, cfg Config) *following {
	t.Helper()
	cfg.Follow = true
	src := p.source(t, cfg)
	k := newTaker(t, src)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- src.Run(ctx, k.emit) }()
	return &following{k, func() error {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			return fmt.Errorf("ended with %w", err)
		}
		return nil
	}}
}

// has waits for values, and fails if there are others, or one came twice.
func (f *following) has(want ...string) {
	f.t.Helper()
	until(f.t, fmt.Sprint(want, " are read"), func() bool { return len(f.values()) >= len(want) })
	slices.Sort(want)
	all := f.values()
	if have := slices.Sorted(maps.Keys(all)); !slices.Equal(have, want) {
		f.t.Errorf("read %q, want %q", have, want)
	}
	for v, n := range all {
		if n > 1 {
			f.t.Errorf("%s is read %d times", v, n)
		}
	}
}

// at is one message of a time.
func at(topic string, partition int32, value string, when time.Time) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: partition, Value: []byte(value), Timestamp: when}
}

// Where reading begins, alone and in a group: at the first message, at what comes
// from now on, at a time. In a group that counts only for what it has no offset of.
func TestStarts(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		day := time.Now().Add(-24 * time.Hour).Truncate(time.Millisecond)
		for name, c := range map[string]struct {
			start Start
			want  []string
		}{
			"first": {StartFirst(), []string{"old", "mid", "new", "later"}},
			"time":  {StartAt(day.Add(time.Hour)), []string{"mid", "new", "later"}},
			"last":  {StartLast(), []string{"later"}},
		} {
			for _, group := range []string{"", "g"} {
				t.Run(name+group, func(t *testing.T) {
					topic := p.topic(t, 2)
					p.produce(t, at(topic, 0, "old", day), at(topic, 0, "mid", day.Add(time.Hour)), at(topic, 1, "new", day.Add(2*time.Hour)))
					cfg := Config{Topic: topic, Start: c.start}
					if group != "" {
						cfg.Group = group + topic
					}
					f := p.follow(t, cfg)
					until(t, "it has begun", func() bool { return len(f.src.Lag()) == 2 })
					p.produce(t, at(topic, 0, "later", time.Now()))
					f.has(c.want...)
					if err := f.end(); err != nil {
						t.Fatal(err)
					}
					if group == "" {
						return
					}
					p.produce(t, at(topic, 1, "meanwhile", time.Now()))
					cfg.Start = StartLast() // the group has offsets now
					f = p.follow(t, cfg)
					f.has("meanwhile")
					if err := f.end(); err != nil {
						t.Fatal(err)
					}
				})
			}
		}
	})
}

// start=committed takes no partition that the group has no offset of.
func TestStartCommitted(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		topic := p.topic(t, 1)
		p.produce(t, at(topic, 0, "one", time.Now()))
		cfg := Config{Topic: topic, Group: "c" + topic, Start: StartCommitted()}
		src := p.source(t, cfg)
		if err := src.Run(t.Context(), newTaker(t, src).emit); err == nil || !strings.Contains(err.Error(), "has no offset for partition 0 of "+topic) {
			t.Fatalf("without offsets: %v", err)
		}
		cfg.Start = StartFirst()
		for range 2 {
			src = p.source(t, cfg)
			if err := src.Run(t.Context(), newTaker(t, src).emit); err != nil {
				t.Fatal(err)
			}
			cfg.Start = StartCommitted()
		}
		if n := src.Counts().Messages; n != 0 {
			t.Errorf("%d messages behind the committed offset, want 0", n)
		}
	})
}

// Topics that come to have a name of the form, and partitions that are added, are
// read from their first message, wherever reading of the others began. What the
// client knows of a whole cluster may be ten seconds old, so one broker does.
func TestNewTopicsAndPartitions(t *testing.T) {
	for _, group := range []string{"", "g"} {
		t.Run("group "+group, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			p := fake(t, kfake.MaxVersions(kversion.V4_0_0()))
			first := p.topic(t, 1)
			p.produce(t, at(first, 0, "before", time.Now()))
			cfg := Config{Topic: strings.ReplaceAll(first, ".", `\.`) + "(-more)?", Start: StartLast()}
			if group != "" {
				cfg.Group = group + first
			}
			f := p.follow(t, cfg)
			until(t, "it has begun", func() bool { return len(f.src.Lag()) == 1 })
			p.produce(t, at(first, 0, "a", time.Now()))
			f.has("a")
			p.grow(t, first, 2).produce(t, at(first, 1, "b", time.Now()))
			f.has("a", "b")
			more := first + "-more"
			kafkatest.Topic(t, p.admin, more, 1)
			kafkatest.Topic(t, p.admin, more+"-not", 1)
			p.produce(t, at(more+"-not", 0, "none of it", time.Now()), at(more, 0, "c", time.Now()))
			f.has("a", "b", "c")
			if err := f.end(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// grow adds partitions to a topic, and returns who can write to them: the writer
// of before takes its time to know.
func (p *place) grow(t testing.TB, topic string, partitions int) *place {
	t.Helper()
	req := kmsg.NewPtrCreatePartitionsRequest()
	rt := kmsg.NewCreatePartitionsRequestTopic()
	rt.Topic, rt.Count = topic, int32(partitions)
	req.Topics, req.TimeoutMillis = append(req.Topics, rt), 10_000
	if res, err := req.RequestWith(t.Context(), p.admin); err != nil || res.Topics[0].ErrorCode != 0 {
		t.Fatalf("grow %s: %v, %+v", topic, err, res)
	}
	kafkatest.Known(t, p.admin, topic, partitions)
	q := *p
	q.connect(t)
	return &q
}
