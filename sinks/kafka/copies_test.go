package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"sluice/internal/kafkaclient"
	"sluice/internal/record"
)

// delivery is messages as the pipeline delivers them.
func delivery(topic string, messages ...*kgo.Record) record.Delivery {
	d := record.Delivery{Origin: record.Origin{Kind: kafkaclient.Kind, Name: topic, Stream: fmt.Sprint(messages[0].Partition)}}
	for i, m := range messages {
		part := func(kind record.Part, text []byte) {
			start := len(d.Clean)
			d.Clean = append(d.Clean, text...)
			d.Records = append(d.Records, record.Record{
				Span: record.Span{Start: start, End: len(d.Clean)}, Base: m.Offset, Time: m.Timestamp, Part: kind, Msg: int32(i), Null: text == nil,
			})
		}
		if m.Key != nil {
			part(record.PartKey, m.Key)
		}
		for _, h := range m.Headers {
			part(record.PartHeaderKey, []byte(h.Key))
			part(record.PartHeaderValue, h.Value)
		}
		part(record.PartValue, m.Value)
	}
	return d
}

func genBytes(t *rapid.T, name string) []byte {
	if rapid.IntRange(0, 3).Draw(t, name+" null") == 0 {
		return nil
	}
	return rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, name)
}

// What arrives is what was there, and one header more: partition, key, headers,
// time, nulls and the order of each partition.
func TestCopiesKeepMessages(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		topic := p.topic(t, 3)
		s := p.copies(t, Config{Topic: topic})
		written := map[int32][]*kgo.Record{}
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			partition := rapid.Int32Range(0, 2).Draw(rt, "partition")
			var messages []*kgo.Record
			for range rapid.IntRange(1, 4).Draw(rt, "messages") {
				m := &kgo.Record{
					Partition: partition, Offset: int64(n), Key: genBytes(rt, "key"), Value: genBytes(rt, "value"),
					Timestamp: time.UnixMilli(rapid.Int64Range(1, 1.7e12).Draw(rt, "time")),
				}
				for range rapid.IntRange(0, 3).Draw(rt, "headers") {
					m.Headers = append(m.Headers, kgo.RecordHeader{Key: string(genBytes(rt, "name")), Value: genBytes(rt, "header")})
				}
				messages = append(messages, m)
				n++
			}
			written[partition] = append(written[partition], messages...)
			if err := s.Write(t.Context(), []record.Delivery{delivery("in", messages...)}); err != nil {
				rt.Fatal(err)
			}
		})
		got := map[int32][]*kgo.Record{}
		for _, r := range p.read(t, topic, n) {
			got[r.Partition] = append(got[r.Partition], r)
		}
		for partition, want := range written {
			if len(got[partition]) != len(want) {
				t.Fatalf("partition %d: %d messages, want %d", partition, len(got[partition]), len(want))
			}
			for i, w := range want {
				g := got[partition][i]
				heads := append(w.Headers[:len(w.Headers):len(w.Headers)], kgo.RecordHeader{
					Key: SourceHeader, Value: fmt.Appendf(nil, "in/%d/%d", partition, w.Offset),
				})
				same := bytes.Equal(g.Key, w.Key) && (g.Key == nil) == (w.Key == nil) && bytes.Equal(g.Value, w.Value) && (g.Value == nil) == (w.Value == nil)
				if !same || !g.Timestamp.Equal(w.Timestamp) || cmp.Diff(heads, g.Headers) != "" {
					t.Fatalf("partition %d, message %d:\n%+v, want\n%+v with %s", partition, i, g, w, SourceHeader)
				}
			}
		}
	})
}

// Every write asks for all replicas, and returns only when they have it.
func TestWritesWaitForAllReplicas(t *testing.T) {
	p := fake(t)
	topic := p.topic(t, 2)
	var mu sync.Mutex
	refuse, asked := 2, 0
	p.fake.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		p.fake.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		r := req.(*kmsg.ProduceRequest)
		asked++
		if r.Acks != -1 {
			t.Errorf("acks %d", r.Acks)
		}
		if refuse--; refuse < 0 {
			return nil, nil, false
		}
		return refusing(r, kerr.NotEnoughReplicas), nil, true
	})
	s := p.copies(t, Config{Topic: topic})
	if err := s.Write(t.Context(), []record.Delivery{delivery("in", &kgo.Record{Value: []byte("v"), Timestamp: time.Now()})}); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	if asked != 3 {
		t.Errorf("asked %d times, want 3", asked)
	}
	mu.Unlock()
	f, err := NewFindings(t.Context(), Config{Client: p.options, Topic: topic})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close(t.Context())
	if err := f.Write(t.Context(), []record.Delivery{{Findings: []record.Finding{{Rule: "r"}}}}); err != nil {
		t.Fatal(err)
	}
	if all := p.read(t, topic, 2); len(all) != 2 {
		t.Errorf("%d messages, want 2", len(all))
	}
}

// refusing answers a produce request with an error for each partition.
func refusing(r *kmsg.ProduceRequest, e *kerr.Error) kmsg.Response {
	res := r.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range r.Topics {
		rt := kmsg.NewProduceResponseTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			rp := kmsg.NewProduceResponseTopicPartition()
			rp.Partition, rp.ErrorCode = p.Partition, e.Code
			rt.Partitions = append(rt.Partitions, rp)
		}
		res.Topics = append(res.Topics, rt)
	}
	return res
}

// A write that a broken connection interrupts is written again.
func TestCutWriteIsWrittenAgain(t *testing.T) {
	p := fake(t)
	topic := p.topic(t, 1)
	cuts := 2
	p.fake.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		p.fake.KeepControl()
		if cuts--; cuts < 0 {
			return nil, nil, false
		}
		return nil, errors.New("cut"), true
	})
	s := p.copies(t, Config{Topic: topic})
	for offset := range int64(2) {
		m := &kgo.Record{Value: []byte("v"), Offset: offset, Timestamp: time.Now()}
		if err := s.Write(t.Context(), []record.Delivery{delivery("in", m)}); err != nil {
			t.Fatal(err)
		}
	}
	for offset, r := range p.read(t, topic, 2) {
		if want := fmt.Sprint("in/0/", offset); string(r.Headers[0].Value) != want {
			t.Errorf("header %q, want %s", r.Headers[0].Value, want)
		}
	}
}

// What the topic refuses goes to the dead-letter topic, its neighbours where they
// belong; what that refuses too leaves a note. No dead-letter topic: an error.
func TestDeadLetters(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		topic, dead := p.topic(t, 1, "max.message.bytes", "2000"), p.topic(t, 2, "max.message.bytes", "9000")
		large, huge := bytes.Repeat([]byte("large "), 500), bytes.Repeat([]byte("huge "), 4000)
		var messages []*kgo.Record
		for i, value := range [][]byte{[]byte("one"), large, []byte("two"), huge, []byte("three")} {
			messages = append(messages, &kgo.Record{Offset: int64(i), Value: value, Key: []byte("k"), Timestamp: time.UnixMilli(1e12)})
		}
		s := p.copies(t, Config{Topic: topic, DeadLetter: dead})
		if err := s.Write(t.Context(), []record.Delivery{delivery("in", messages...)}); err != nil {
			t.Fatal(err)
		}
		var values []string
		for _, r := range p.read(t, topic, 3) {
			values = append(values, string(r.Value))
		}
		if diff := cmp.Diff([]string{"one", "two", "three"}, values); diff != "" {
			t.Errorf("target (-want +got):\n%s", diff)
		}
		letters := map[string]string{}
		for _, r := range p.read(t, dead, 2) {
			heads := map[string]string{}
			for _, h := range r.Headers {
				heads[h.Key] = string(h.Value)
			}
			if !strings.Contains(heads[ErrorHeader], "larger than topic") {
				t.Errorf("error header %q", heads[ErrorHeader])
			}
			letters[heads[SourceHeader]] = string(r.Value)
		}
		want := map[string]string{"in/0/1": string(large), "in/0/3": "[sluice] 20000 bytes, which the dead-letter topic refuses too"}
		if diff := cmp.Diff(want, letters); diff != "" {
			t.Errorf("dead letters (-want +got):\n%s", diff)
		}
		s = p.copies(t, Config{Topic: topic})
		err := s.Write(t.Context(), []record.Delivery{delivery("in", messages[1])})
		if err == nil || !strings.Contains(err.Error(), "in/0/1") || !strings.Contains(err.Error(), "dead-letter=TOPIC") {
			t.Errorf("without a dead-letter topic: %v", err)
		}
	})
}

// A target with fewer partitions than the source cannot keep keys where they are.
func TestTargetHasTooFewPartitions(t *testing.T) {
	p := fake(t)
	s := p.copies(t, Config{Topic: p.topic(t, 2)})
	err := s.Write(t.Context(), []record.Delivery{delivery("in", &kgo.Record{Partition: 2, Value: []byte("v")})})
	if err == nil || !strings.Contains(err.Error(), "it has 2 partitions and needs 3") {
		t.Error(err)
	}
}
