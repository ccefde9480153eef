package kafka

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sluice/internal/record"
)

// What retention took away before it was read is said, and counted: it was not
// examined.
func TestDeletedMessagesAreSaid(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		topic := p.topic(t, 1)
		for i := range 10 {
			p.produce(t, at(topic, 0, fmt.Sprint("m", i), time.Now()))
		}
		group := "d" + topic
		src := p.source(t, Config{Topic: topic, Group: group})
		if err := src.broker.commit(t.Context(), group, member{}, map[partition]int64{{topic, 0}: 2}); err != nil {
			t.Fatal(err)
		}
		p.deleteBefore(t, topic, 6)
		var unread []string
		k := newTaker(t, src)
		err := src.Run(t.Context(), func(b record.Batch) error {
			if b.Unread != "" {
				unread = append(unread, b.Unread)
			}
			return k.emit(b)
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(unread) != 1 || !strings.Contains(unread[0], "4 messages from offset 2 on were deleted before they were read") || src.Counts().Lost != 4 {
			t.Errorf("%q, %d lost", unread, src.Counts().Lost)
		}
		if all := k.values(); len(all) != 4 || all["m6"] != 1 || all["m9"] != 1 {
			t.Errorf("read %v", all)
		}
	})
}

func (p *place) deleteBefore(t testing.TB, topic string, offset int64) {
	t.Helper()
	req := kmsg.NewPtrDeleteRecordsRequest()
	rt := kmsg.NewDeleteRecordsRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewDeleteRecordsRequestTopicPartition()
	rp.Offset = offset
	rt.Partitions, req.TimeoutMillis = append(rt.Partitions, rp), 10_000
	req.Topics = append(req.Topics, rt)
	res, err := req.RequestWith(t.Context(), p.admin)
	if err != nil || res.Topics[0].Partitions[0].ErrorCode != 0 {
		t.Fatalf("delete records: %v, %+v", err, res)
	}
}

// Offsets that are no message end nobody's pass: the marks of transactions, and
// what compaction took away, at the end of a partition above all.
func TestOffsetsWithoutMessages(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		topic := p.topic(t, 1)
		p.transaction(t, topic, "taken", kgo.TryCommit)
		p.transaction(t, topic, "aborted", kgo.TryAbort)
		for _, group := range []string{"", "t" + topic} {
			src := p.source(t, Config{Topic: topic, Group: group})
			k := newTaker(t, src)
			if err := src.Run(t.Context(), k.emit); err != nil {
				t.Fatal(err)
			}
			// Messages of aborted transactions are read like others, as the package says.
			if all := k.values(); len(all) != 2 || all["taken"] != 1 || all["aborted"] != 1 {
				t.Errorf("group %q: read %v", group, all)
			}
			if done, total, _ := src.Progress(); done != total || total == 0 {
				t.Errorf("group %q: progress %d of %d", group, done, total)
			}
		}
	})
}

func (p *place) transaction(t testing.TB, topic, value string, end kgo.TransactionEndTry) {
	t.Helper()
	q := *p
	q.connect(t, kgo.TransactionalID("x"+topic))
	if err := q.admin.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	q.produce(t, at(topic, 0, value, time.Now()))
	if err := q.admin.EndTransaction(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	q.admin.Close()
}

// A compacted topic is read to its end, whatever of it is left.
func TestCompactedTopic(t *testing.T) {
	p := fake(t, kfake.NumBrokers(1))
	topic := p.topic(t, 1, "cleanup.policy", "compact", "min.cleanable.dirty.ratio", "0", "segment.bytes", "2000", "delete.retention.ms", "0")
	for i := range 200 {
		m := at(topic, 0, fmt.Sprint("m", i), time.Now().Add(-time.Hour))
		m.Key = []byte("k")
		p.produce(t, m)
	}
	p.fake.Compact()
	src := p.source(t, Config{Topic: topic})
	k := newTaker(t, src)
	if err := src.Run(t.Context(), k.emit); err != nil {
		t.Fatal(err)
	}
	all := k.values()
	if len(all) == 200 || all["m199"] != 1 {
		t.Errorf("%d messages are left, the last one %d times", len(all), all["m199"])
	}
	if done, total, _ := src.Progress(); done != total || total == 0 {
		t.Errorf("progress %d of %d", done, total)
	}
}

// A broker that answers and has nothing, though there is something, is found out
// by the lag, and the reader starts again.
func TestStalledReaderStartsAgain(t *testing.T) {
	p := fake(t)
	topic := p.topic(t, 1)
	p.produce(t, at(topic, 0, "v", time.Now()))
	stale := make(chan struct{})
	p.fake.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		p.fake.KeepControl()
		select {
		case <-stale:
			return nil, nil, false
		default:
		}
		return nothingFetched(req.(*kmsg.FetchRequest)), nil, true
	})
	timing := quick()
	timing.stall = 100 * time.Millisecond
	f := p.follow(t, Config{Topic: topic, Group: "s" + topic, timing: timing})
	until(t, "the stall is seen", func() bool { return f.src.Counts().Stalls > 0 })
	until(t, "the lag is told", func() bool { // not for a moment, where the group was joined anew meanwhile
		lag := f.src.Lag()
		return len(lag) == 1 && lag[0].Messages() == 1 && lag[0].End == 1
	})
	close(stale)
	f.has("v")
	until(t, "nothing is behind", func() bool { l := f.src.Lag(); return len(l) == 1 && l[0].Messages() == 0 })
	if err := f.end(); err != nil {
		t.Fatal(err)
	}
}

func nothingFetched(r *kmsg.FetchRequest) kmsg.Response {
	res := r.ResponseKind().(*kmsg.FetchResponse)
	for _, t := range r.Topics {
		rt := kmsg.NewFetchResponseTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			rp := kmsg.NewFetchResponseTopicPartition()
			rp.Partition, rp.RecordBatches = p.Partition, []byte{}
			rt.Partitions = append(rt.Partitions, rp)
		}
		res.Topics = append(res.Topics, rt)
	}
	return res
}

// One pass of several instances ends for each when the group has read all: no
// message is missing, none is read twice, and each says the same progress.
func TestOnePassOfSeveralInstances(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		const partitions, size, instances = 6, 3000, 3
		topic := p.topic(t, partitions)
		var some []*kgo.Record
		for i := range size {
			some = append(some, at(topic, int32(i%partitions), fmt.Sprint("m", i), time.Now()))
		}
		p.produce(t, some...)
		var running sync.WaitGroup
		takers := make([]*taker, instances)
		for i := range takers {
			takers[i] = newTaker(t, p.source(t, Config{Topic: topic, Group: "several" + topic, Window: 50}))
			running.Go(func() {
				if err := takers[i].src.Run(context.WithoutCancel(t.Context()), takers[i].emit); err != nil {
					t.Errorf("instance %d: %v", i, err)
				}
			})
		}
		running.Wait()
		seen := map[string]int{}
		for i, k := range takers {
			for v, n := range k.values() {
				seen[v] += n
			}
			if done, total, _ := k.src.Progress(); done != total || total == 0 && len(k.values()) > 0 {
				t.Errorf("instance %d: progress %d of %d", i, done, total)
			}
		}
		for v, n := range seen {
			if n != 1 {
				t.Errorf("%s is read %d times", v, n)
			}
		}
		if len(seen) != size {
			t.Errorf("%d of %d messages are read", len(seen), size)
		}
	})
}
