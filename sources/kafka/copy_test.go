package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/detectors/known"
	"sluice/internal/kafkaclient/kafkatest"
	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/internal/redact"
	"sluice/internal/view"
	"sluice/sinks"
	kafkasink "sluice/sinks/kafka"
)

// told is the secret that tests plant, toldMark what may stay of it nowhere.
const (
	told     = "kJ8sH2dL5qW9xZ3cA7mQ"
	toldMark = "kJ8sH2dL"
)

// route is the topics of a redacting copy.
type route struct{ in, out, dead, found string }

func (p *place) route(t testing.TB, partitions int) route {
	return route{
		in: p.topic(t, partitions), out: p.topic(t, partitions, "max.message.bytes", "20000"),
		dead: p.topic(t, 2), found: p.topic(t, 2),
	}
}

// copier is one instance that copies, redacted, from topic to topic.
type copier struct {
	src   *Source
	stats pipeline.Stats
	stop  context.CancelFunc      // as SIGTERM does
	crash context.CancelCauseFunc // what is in flight is never delivered or committed
	done  chan error
}

// crashed ends a pipeline as a crash would: nobody waits for what is in flight.
type crashed struct{ error }

func (crashed) GaveUp() bool { return true }

var errCrash = crashed{errors.New("crash")}

// start starts an instance.
func (p *place) start(t testing.TB, r route, cfg Config, jobs int) *copier {
	t.Helper()
	cfg.Topic = r.in
	c := &copier{src: p.source(t, cfg), done: make(chan error, 1)}
	copies, err := kafkasink.NewCopies(t.Context(), kafkasink.Config{Client: p.options, Topic: r.out, DeadLetter: r.dead, Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	found, err := kafkasink.NewFindings(t.Context(), kafkasink.Config{Client: p.options, Topic: r.found, Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	detector, _ := known.New([]known.Told{{Name: "API_TOKEN", Value: record.NewSecret(told), Asked: true}})
	read, stop := context.WithCancelCause(context.Background())
	deliver, giveUp := context.WithCancelCause(context.Background())
	c.stop = func() { stop(nil) }
	c.crash = func(err error) { giveUp(err); stop(err) }
	conf := pipeline.Config{
		Sources:   []pipeline.Source{c.src},
		Detectors: func() []pipeline.Detector { return []pipeline.Detector{detector} }, Views: view.Lend,
		Redactor: redact.New(redact.Config{PrintKey: []byte("0123456789abcdef"), KeyGiven: true, Rules: func(string) (redact.Rule, bool) {
			return redact.Rule{Severity: record.SeverityCritical}, true
		}}),
		Sink: sinks.Tee(copies, found), Jobs: jobs, Stats: &c.stats,
	}
	go func() { c.done <- pipeline.Run(read, deliver, conf) }()
	t.Cleanup(func() { c.crash(errCrash) })
	return c
}

// wait waits for an instance's end.
func (c *copier) wait(t testing.TB) error {
	t.Helper()
	select {
	case err := <-c.done:
		return err
	case <-time.After(5 * time.Minute):
		t.Fatal("an instance does not end")
		return nil
	}
}

// committed waits until a group has committed so many messages in all.
func (p *place) committed(t testing.TB, group string, r route, partitions, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	for {
		at, err := kafkatest.Committed(ctx, p.admin, group, r.in, partitions)
		sum := 0
		for _, offset := range at {
			sum += int(offset)
		}
		if err == nil && sum >= want {
			return
		}
		if sleep(ctx, 5*time.Millisecond) != nil {
			t.Fatalf("%d of %d messages are committed: %v, %v", sum, want, at, err)
		}
	}
}

// sourceOf is what a copy's header says it is a copy of.
func sourceOf(t testing.TB, m *kgo.Record) (partition int32, offset int64) {
	t.Helper()
	partition, offset, ok := sourceIn(m)
	if !ok {
		t.Fatalf("message %d/%d has no header that says where it is from: %v", m.Partition, m.Offset, m.Headers)
	}
	return partition, offset
}

func sourceIn(m *kgo.Record) (partition int32, offset int64, ok bool) {
	for i := len(m.Headers) - 1; i >= 0; i-- {
		if m.Headers[i].Key != kafkasink.SourceHeader {
			continue
		}
		parts := strings.Split(string(m.Headers[i].Value), "/")
		if len(parts) == 3 {
			number, err := strconv.Atoi(parts[1])
			offset, oerr := strconv.ParseInt(parts[2], 10, 64)
			if err == nil && oerr == nil {
				return int32(number), offset, true
			}
		}
	}
	return 0, 0, false
}

// all reads a topic to its end.
func (p *place) all(t testing.TB, topic string, partitions int) []*kgo.Record {
	t.Helper()
	q := *p
	q.connect(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(50*time.Millisecond))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	want := int64(0)
	src := p.source(t, Config{Topic: topic})
	ends, err := src.broker.offsets(ctx, list(map[string]int{topic: partitions}), atLast)
	src.broker.close()
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range ends {
		want += end
	}
	var out []*kgo.Record
	for int64(len(out)) < want {
		fetches := q.admin.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("read %d of %d messages of %s", len(out), want, topic)
		}
		fetches.EachRecord(func(m *kgo.Record) { out = append(out, m) })
	}
	q.admin.Close()
	return out
}

// wantNoSecret fails if a topic holds a byte of the secret, in any encoding.
func wantNoSecret(t testing.TB, topic string, all []*kgo.Record) {
	t.Helper()
	for _, m := range all {
		text := fmt.Sprintf("%s %s", m.Key, m.Value)
		for _, h := range m.Headers {
			text += h.Key + string(h.Value)
		}
		for _, form := range plantedForms {
			if strings.Contains(text, form) {
				t.Fatalf("%s %d/%d holds the secret", topic, m.Partition, m.Offset)
			}
		}
	}
}
