package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// An offset is committed only after the target has acknowledged: while it
// refuses, the group stands still; when it takes, the group goes on.
func TestCommitFollowsAcknowledgement(t *testing.T) {
	p := fake(t)
	const partitions, size = 2, 400
	r := p.route(t, partitions)
	for i := range size {
		p.produce(t, planted(r.in, int32(i%partitions), i/partitions))
	}
	var refusing, early atomic.Bool
	refusing.Store(true)
	refused := make(chan struct{}, 1<<16)
	p.fake.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		p.fake.KeepControl()
		if !refusing.Load() {
			return nil, nil, false
		}
		select {
		case refused <- struct{}{}:
		default:
		}
		return refusedWrite(req.(*kmsg.ProduceRequest), kerr.NotEnoughReplicas), nil, true
	})
	p.fake.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		for _, topic := range req.(*kmsg.OffsetCommitRequest).Topics {
			for _, one := range topic.Partitions {
				if refusing.Load() && one.Offset > 0 {
					early.Store(true)
				}
			}
		}
		return nil, nil, false
	})
	c := p.start(t, r, Config{Group: "ack-" + r.in, Follow: true}, 1)
	for range 6 { // several attempts, and the commit interval passes many times
		<-refused
	}
	if early.Load() {
		t.Error("an offset was committed before its messages were acknowledged")
	}
	refusing.Store(false)
	p.committed(t, "ack-"+r.in, r, partitions, size)
	c.stop()
	if err := c.wait(t); err != nil {
		t.Fatal(err)
	}
	if doubles := wantAll(t, p, r, size, partitions); doubles != 0 {
		t.Errorf("%d doubles", doubles)
	}
}

// A window that fills is committed at once. By the clock alone a partition would
// get no further than one window for each commit.
func TestFullWindowIsCommittedAtOnce(t *testing.T) {
	p := fake(t)
	const size = 1000
	topic := p.topic(t, 1)
	for i := range size {
		p.produce(t, &kgo.Record{Topic: topic, Value: strconv.AppendInt(nil, int64(i), 10)})
	}
	rare := quick()
	rare.commit = 24 * time.Hour
	src := p.source(t, Config{Topic: topic, Group: "full-" + topic, Follow: true, Window: 40, timing: rare})
	k := newTaker(t, src)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- src.Run(ctx, k.emit) }()
	for len(k.values()) < size {
		select {
		case <-k.more:
		case err := <-ended:
			t.Fatalf("%d of %d messages, then %v", len(k.values()), size, err)
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func refusedWrite(r *kmsg.ProduceRequest, e *kerr.Error) kmsg.Response {
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

// JSON stays JSON wherever the secret stands in it, tombstones stay tombstones,
// and binary values pass, with what is found in them taken out, or are withheld.
func TestValuesAfterRedaction(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		at := time.UnixMilli(1_768_986_843_120)
		binary := []byte("\x00\x01" + told + "\xff")
		values := []string{
			`{"a":"` + told + `"}`, `{"` + told + `":1}`, `["x",{"b":"Bearer ` + told + `\n"}]`, `"` + told + `"`, `{"b":"{\"c\":\"` + told + `\"}"}`,
		}
		for _, policy := range []Binary{BinaryPass, BinaryWithhold} {
			r := p.route(t, 1)
			for _, v := range values {
				p.produce(t, &kgo.Record{Topic: r.in, Value: []byte(v), Timestamp: at})
			}
			p.produce(t, &kgo.Record{Topic: r.in, Key: []byte("gone"), Timestamp: at},
				&kgo.Record{Topic: r.in, Key: []byte("bin"), Value: binary, Timestamp: at},
				&kgo.Record{Topic: r.in, Key: []byte("same"), Value: []byte("\x00\x02\xfe"), Timestamp: at})
			c := p.start(t, r, Config{Binary: policy}, 1)
			if err := c.wait(t); err != nil {
				t.Fatal(err)
			}
			out := p.all(t, r.out, 1)
			if len(out) != len(values)+3 {
				t.Fatalf("%d messages", len(out))
			}
			wantNoSecret(t, "target", out)
			for i := range values {
				if v := out[i].Value; !json.Valid(v) || !strings.Contains(string(v), "[sluice:known-secret:") || !out[i].Timestamp.Equal(at) {
					t.Errorf("%s became %s", values[i], v)
				}
			}
			gone, bin, same := out[len(values)], out[len(values)+1], out[len(values)+2]
			if gone.Value != nil || string(gone.Key) != "gone" {
				t.Errorf("tombstone: %q %q", gone.Key, gone.Value)
			}
			if c.src.Counts().Binary != 2 {
				t.Errorf("%d binary values counted, want 2", c.src.Counts().Binary)
			}
			passed := strings.HasPrefix(string(bin.Value), "\x00\x01[sluice:known-secret:") && string(same.Value) == "\x00\x02\xfe"
			withheld := string(bin.Value) == "[sluice:withheld:0000000000000000]" && string(same.Value) == string(bin.Value)
			if passed != (policy == BinaryPass) || withheld != (policy == BinaryWithhold) {
				t.Errorf("policy %d: %q, %q", policy, bin.Value, same.Value)
			}
			if withheld && c.stats.Withheld.Load() != 2 {
				t.Errorf("%d withheld", c.stats.Withheld.Load())
			}
		}
	})
}

// While a commit has no answer no other is sent: the broker may carry out the
// two in any order, and the group's offset would go back.
func TestNoCommitOvertakesAnother(t *testing.T) {
	p := fake(t)
	const size = 100
	r := p.route(t, 1)
	write := func(from, to int) {
		for i := from; i < to; i++ {
			p.produce(t, planted(r.in, 0, i))
		}
	}
	held, release := make(chan struct{}), make(chan struct{})
	var commits atomic.Int64
	p.fake.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		p.fake.KeepControl()
		if req.(*kmsg.OffsetCommitRequest).Topics[0].Partitions[0].Offset == 0 {
			return nil, nil, false // where the group begins
		}
		if commits.Add(1) == 1 {
			p.fake.SleepControl(func() { close(held); <-release })
		}
		return nil, nil, false
	})
	cfg := Config{Group: "held-" + r.in, Follow: true, timing: quick()}
	cfg.timing.drain = 200 * time.Millisecond
	write(0, size/2)
	one := p.start(t, r, cfg, 1)
	<-held
	write(size/2, size)
	until(t, "all is copied", func() bool { return len(p.all(t, r.out, 1)) == size })
	one.stop()
	if err := one.wait(t); err != nil {
		t.Fatal(err)
	}
	if n := commits.Load(); n != 1 {
		t.Errorf("%d commits were sent behind one without an answer", n-1)
	}
	close(release)
	two := p.start(t, r, cfg, 1)
	p.committed(t, cfg.Group, r, 1, size)
	two.stop()
	if err := two.wait(t); err != nil {
		t.Fatal(err)
	}
	wantAll(t, p, r, size, 1)
}

// Whoever is to stop while it waits for a place in the group leaves it at once:
// the others need not wait until its session is over.
func TestLeavesWhileItJoins(t *testing.T) {
	p := fake(t)
	r := p.route(t, 1)
	group := "leave-" + r.in
	var mu sync.Mutex
	ours, left := "", map[string]bool{}
	again := make(chan struct{}, 100)
	p.fake.ControlKey(int16(kmsg.JoinGroup), func(req kmsg.Request) (kmsg.Response, error, bool) {
		p.fake.KeepControl()
		if id := req.(*kmsg.JoinGroupRequest).MemberID; id != "" {
			mu.Lock()
			ours = id
			mu.Unlock()
			again <- struct{}{}
		}
		return nil, nil, false
	})
	p.fake.ControlKey(int16(kmsg.LeaveGroup), func(req kmsg.Request) (kmsg.Response, error, bool) {
		p.fake.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		left[req.(*kmsg.LeaveGroupRequest).MemberID] = true
		for _, m := range req.(*kmsg.LeaveGroupRequest).Members {
			left[m.MemberID] = true
		}
		return nil, nil, false
	})
	cfg := Config{Group: group, Follow: true, timing: quick()}
	cfg.timing.session = time.Minute
	c := p.start(t, r, cfg, 1)
	until(t, "it joins", func() bool { return c.src.Counts().Rebalances > 0 })
	ctx, cancel := context.WithCancel(t.Context())
	var joining sync.WaitGroup
	defer joining.Wait()
	defer cancel()
	old := *p
	old.connect(t, kgo.MaxVersions(kversion.V1_1_0())) // whose members join at once
	join := func() { joining.Go(func() { _, _ = idleJoin(group, r.in).RequestWith(ctx, old.admin) }) }
	join()
	<-again // it is told of the one that joined, and the two have places
	until(t, "it joins again", func() bool { return c.src.Counts().Rebalances > 1 })
	join()
	<-again // and now waits for that one, which does not join again
	c.stop()
	if err := c.wait(t); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if !left[ours] {
		t.Errorf("%s is still a member; those who left: %v", ours, left)
	}
}

// idleJoin is the request of a member that does nothing else.
func idleJoin(group, topic string) *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.ProtocolType = group, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 60_000, 60_000
	about := kmsg.NewConsumerMemberMetadata()
	about.Topics = []string{topic}
	for _, name := range []string{"range", "roundrobin"} {
		one := kmsg.NewJoinGroupRequestProtocol()
		one.Name, one.Metadata = name, about.AppendTo(nil)
		req.Protocols = append(req.Protocols, one)
	}
	return req
}
