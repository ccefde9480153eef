package kafka

import (
	"context"
	varint "encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sluice/internal/kafkaclient/kafkatest"
)

// watched is what the broker is asked to do wrong, and what it sees meanwhile.
type watched struct {
	p          *place
	t          testing.TB
	group      string
	r          route
	partitions int
	window     int64

	wantCuts   atomic.Int64 // so far
	on         atomic.Bool
	requests   atomic.Int64
	data       atomic.Int64
	cuts       atomic.Int64
	commits    atomic.Int64
	refused    atomic.Int64
	generation atomic.Int32 // of the group: how often it was rebalanced

	// Held while the broker is asked, so what the broker runs must never wait for
	// it: it answers nobody until that has returned.
	looking sync.Mutex
	at      map[int32]int64

	mu    sync.Mutex      // for what follows; held for a moment only
	tried map[int32]int64 // the highest offset of a commit so far
	ahead int64           // how far a write was ahead of that at most
}

const (
	cutEvery    = 41 // requests of all kinds
	cutData     = 5  // of fetches and writes, whose connections break most
	refuseEvery = 5
)

// watch makes the broker cut every so many requests with their connections and
// refuse every fifth commit. It looks at what is committed before each, and
// whether what is written was within the window.
func watch(t testing.TB, p *place, group string, r route, partitions int, window int64) *watched {
	w := &watched{p: p, t: t, group: group, r: r, partitions: partitions, window: window, at: map[int32]int64{}, tried: map[int32]int64{}}
	p.fake.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		p.fake.KeepControl()
		r := req.(*kmsg.OffsetCommitRequest)
		w.generation.Store(max(w.generation.Load(), r.Generation)) // the broker runs one of these at a time
		p.fake.SleepControl(w.look)
		if w.on.Load() && w.commits.Add(1)%refuseEvery == 1 {
			w.refused.Add(1)
			codes := []*kerr.Error{kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.RequestTimedOut}
			return refusedCommit(r, codes[w.refused.Load()%3]), nil, true
		}
		w.sawCommit(r)
		return nil, nil, false
	})
	cut := func(count *atomic.Int64, every int64) bool {
		if w.on.Load() && count.Add(1)%every == 0 && w.cuts.Load() < w.wantCuts.Load() {
			w.cuts.Add(1)
			return true
		}
		return false
	}
	control := func(key int16, count *atomic.Int64, every int64, saw func(kmsg.Request)) {
		p.fake.ControlKey(key, func(req kmsg.Request) (kmsg.Response, error, bool) {
			p.fake.KeepControl()
			if cut(count, every) {
				return nil, errors.New("cut"), true
			}
			saw(req)
			return nil, nil, false
		})
	}
	control(int16(kmsg.Fetch), &w.data, cutData, func(kmsg.Request) {})
	control(int16(kmsg.Produce), &w.data, cutData, func(req kmsg.Request) { w.sawWrite(req.(*kmsg.ProduceRequest)) })
	control(-1, &w.requests, cutEvery, func(kmsg.Request) {})
	return w
}

// look asks the broker for the group's offsets; none may go back.
func (w *watched) look() {
	w.looking.Lock()
	defer w.looking.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	at, err := kafkatest.Committed(ctx, w.p.admin, w.group, w.r.in, w.partitions)
	if err != nil {
		return // the next look sees at least as much
	}
	for partition, offset := range at {
		if offset < w.at[partition] {
			w.t.Errorf("partition %d: committed offset went back from %d to %d", partition, w.at[partition], offset)
		}
		w.at[partition] = offset
	}
}

// sawCommit notes what is about to be committed.
func (w *watched) sawCommit(r *kmsg.OffsetCommitRequest) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			w.tried[p.Partition] = max(w.tried[p.Partition], p.Offset)
		}
	}
}

// sawWrite checks that what is about to be written is less than the window ahead
// of what was committed: what comes again, whatever happens now, is no more than
// that, of each partition that changes hands.
func (w *watched) sawWrite(r *kmsg.ProduceRequest) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range r.Topics {
		if t.Topic != w.r.out && t.Topic != w.r.dead {
			continue
		}
		for _, p := range t.Partitions {
			for _, m := range recordsOf(w.t, p.Records) {
				partition, offset, ok := sourceIn(m)
				if !ok {
					w.t.Errorf("a message is written without a header that says where it is from: %v", m.Headers)
				}
				ahead := offset + 1 - w.tried[partition]
				w.ahead = max(w.ahead, ahead)
				if ahead > w.window {
					w.t.Errorf("partition %d: message %d is written, and commits are at %d", partition, offset, w.tried[partition])
				}
			}
		}
	}
}

func (w *watched) furthest() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ahead
}

// recordsOf are the messages of a write, with their headers alone.
func recordsOf(t testing.TB, raw []byte) []*kgo.Record {
	var out []*kgo.Record
	var b kmsg.RecordBatch
	if err := b.ReadFrom(raw); err != nil {
		t.Errorf("a write: %v", err)
		return nil
	}
	for rest := b.Records; len(rest) > 0; {
		n, width := varint.Varint(rest)
		var r kmsg.Record
		if err := r.ReadFrom(rest[:int(n)+width]); err != nil {
			t.Errorf("a message of a write: %v", err)
			return out
		}
		m := &kgo.Record{Offset: int64(r.OffsetDelta)}
		for _, h := range r.Headers {
			m.Headers = append(m.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		out = append(out, m)
		rest = rest[int(n)+width:]
	}
	return out
}

func refusedCommit(r *kmsg.OffsetCommitRequest, e *kerr.Error) kmsg.Response {
	res := r.ResponseKind().(*kmsg.OffsetCommitResponse)
	for _, t := range r.Topics {
		rt := kmsg.NewOffsetCommitResponseTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			rp := kmsg.NewOffsetCommitResponseTopicPartition()
			rp.Partition, rp.ErrorCode = p.Partition, e.Code
			rt.Partitions = append(rt.Partitions, rp)
		}
		res.Topics = append(res.Topics, rt)
	}
	return res
}
