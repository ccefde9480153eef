package kafka

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/internal/kafkaclient"
	"sluice/internal/record"
	"sluice/sources/sourcetest"
)

// lineMessages writes a text a line a message, long lines in pieces that a
// broker takes.
func (p *place) lineMessages(t *testing.T, topic string, content []byte) {
	const most = 512 << 10
	var records []*kgo.Record
	for line := range bytes.SplitAfterSeq(content, []byte{'\n'}) {
		for len(line) > 0 {
			n := min(len(line), most)
			records = append(records, &kgo.Record{Topic: topic, Value: line[:n]})
			line = line[n:]
		}
	}
	p.produce(t, records...)
}

func TestConformance(t *testing.T) {
	p := fake(t)
	for _, group := range []string{"", "conformance"} {
		t.Run("group "+group, func(t *testing.T) {
			open := func(t *testing.T, content []byte, follow bool) *Source {
				topic := p.topic(t, 1)
				p.lineMessages(t, topic, content)
				cfg := Config{Topic: topic, Group: group, Follow: follow, timing: quick()}
				if group != "" {
					cfg.Group += topic
					cfg.timing.drain = time.Millisecond // these tests commit late or never
				}
				return p.source(t, cfg)
			}
			sourcetest.Run(t, sourcetest.Case{
				Messages: true,
				New: func(t *testing.T, content []byte) sourcetest.Source {
					src := open(t, content, false)
					if group == "" {
						return src
					}
					return committing{src}
				},
				Waiting: func(t *testing.T, content []byte) sourcetest.Source { return open(t, content, true) },
			})
		})
	}
}

// committing commits each batch at once: one pass of a group ends when all is
// committed, which the conformance tests do only then.
type committing struct{ *Source }

func (c committing) Run(ctx context.Context, emit func(record.Batch) error) error {
	return c.Source.Run(ctx, func(b record.Batch) error {
		end := b.End
		if err := emit(b); err != nil {
			return err
		}
		return c.Commit(ctx, end)
	})
}

func TestOnePassReadsEveryPart(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		topic := p.topic(t, 3)
		at := time.UnixMilli(1_768_986_843_120)
		p.produce(t,
			&kgo.Record{Topic: topic, Partition: 1, Key: []byte("k"), Value: []byte(`{"a":1}`), Timestamp: at,
				Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}, {Key: "null"}, {Key: "empty", Value: []byte{}}, {Key: "h", Value: []byte("again")}}},
			&kgo.Record{Topic: topic, Partition: 1, Key: []byte("tombstone"), Timestamp: at},
			&kgo.Record{Topic: topic, Partition: 1, Key: []byte{}, Value: []byte{}, Timestamp: at},
			&kgo.Record{Topic: topic, Partition: 1, Timestamp: at},
			&kgo.Record{Topic: topic, Partition: 2, Value: []byte("\x00\xff"), Timestamp: at},
		)
		src := p.source(t, Config{Topic: topic})
		k := newTaker(t, src)
		if err := src.Run(t.Context(), k.emit); err != nil {
			t.Fatal(err)
		}
		one, two := topic+"/1", topic+"/2"
		want := map[string][]got{
			one: {
				{one, 0, "k", `{"a":1}`, "h=v;null=-;empty=;h=again;", at},
				{one, 1, "tombstone", "-", "", at},
				{one, 2, "", "", "", at},
				{one, 3, "-", "-", "", at},
			},
			two: {{two, 0, "-", "\x00\xff", "", at}},
		}
		have := map[string][]got{}
		for _, g := range k.all {
			have[g.stream] = append(have[g.stream], g)
		}
		if diff := cmp.Diff(want, have, cmp.AllowUnexported(got{})); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		if c := src.Counts(); c.Messages != 5 || c.Binary != 1 {
			t.Errorf("counts %+v", c)
		}
		if done, total, _ := src.Progress(); done == 0 || done != total {
			t.Errorf("progress %d of %d", done, total)
		}
	})
}

func TestEveryCodec(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		topic := p.topic(t, 1)
		want := map[string]int{}
		for i, codec := range []kgo.CompressionCodec{
			kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
		} {
			q := *p
			q.connect(t, kgo.ProducerBatchCompression(codec))
			for j := range 300 {
				value := fmt.Sprintf("codec %d message %d %s", i, j, bytes.Repeat([]byte("x"), 100))
				want[value]++
				q.produce(t, &kgo.Record{Topic: topic, Value: []byte(value)})
			}
		}
		src := p.source(t, Config{Topic: topic})
		k := newTaker(t, src)
		if err := src.Run(t.Context(), k.emit); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, k.values()); diff != "" {
			t.Error(diff)
		}
	})
}

// What the values are is said by where they end: marks within a message do not
// count it as delivered.
func TestMarksWithinAMessage(t *testing.T) {
	a := newAssignment(partition{"t", 3}, 7, 40, -1)
	b := newBatcher(a, BinaryWithhold, 0)
	b.add(&message{offset: 40, key: []byte("k"), value: []byte("v"), headers: []header{{"h", []byte("\xff")}}})
	b.add(&message{offset: 44, value: []byte("\x00")})
	batches := b.take()
	if len(batches) != 1 || batches[0].messages != 2 || batches[0].binary != 1 {
		t.Fatalf("%d batches, %+v", len(batches), batches)
	}
	x := &batches[0]
	var marks []string
	for i, r := range x.Records {
		m := x.MarkAfter(i)
		marks = append(marks, fmt.Sprint(m.Offset, m.Sub, r.Withhold))
		if m.Stream != "t/3" || m.Epoch != 7 {
			t.Errorf("mark %+v", m)
		}
	}
	want := []string{"40 1 false", "40 2 false", "40 3 true", "41 0 false", "45 0 true"}
	if diff := cmp.Diff(want, marks); diff != "" || x.End != x.MarkAfter(4) {
		t.Errorf("%s, end %+v", diff, x.End)
	}
}

func TestParse(t *testing.T) {
	now := time.Date(2026, 1, 21, 12, 0, 0, 0, time.UTC)
	env := kafkaclient.Env{Lookup: func(string) (string, bool) { return "", false }}
	cfg, err := Parse("kafka://a:1,b/logs-.*%3F?group=g&start=24h&binary=withhold", env, now)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Topic != "logs-.*?" || cfg.Group != "g" || !cfg.Start.at.Equal(now.Add(-24*time.Hour)) || cfg.Binary != BinaryWithhold ||
		fmt.Sprint(cfg.Client.Brokers) != "[a:1 b:9092]" {
		t.Errorf("%+v", cfg)
	}
	for _, uri := range []string{
		"kafka://a/t?start=soon", "kafka://a/t?binary=maybe", "kafka://a/t?gruop=g", "kafka://a/t?group=a&group=b", "kafka://a", "kafka:///t",
	} {
		if _, err := Parse(uri, env, now); err == nil {
			t.Errorf("%s was taken", uri)
		}
	}
	for text, want := range map[string]Start{
		"": {}, "first": {}, "last": {last: true}, "committed": {committed: true},
		"2026-01-20": {at: now.Add(-36 * time.Hour)}, "2026-01-20T00:00:00Z": {at: now.Add(-36 * time.Hour)},
	} {
		if s, err := ParseStart(text, now); err != nil || s.last != want.last || s.committed != want.committed || !s.at.Equal(want.at) {
			t.Errorf("%s: %+v, %v", text, s, err)
		}
	}
	if _, err := New(Config{Topic: "(", Client: kafkaclient.Options{Brokers: []string{"a:1"}}}); err == nil {
		t.Error("a regular expression that is none was taken")
	}
	if _, err := New(Config{Topic: "t", Start: StartCommitted(), Client: kafkaclient.Options{Brokers: []string{"a:1"}}}); err == nil {
		t.Error("committed without a group was taken")
	}
}
