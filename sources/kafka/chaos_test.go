package kafka

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// plantedForms are the ways in which the told secret stands in messages.
var plantedForms = []string{
	toldMark, base64.StdEncoding.EncodeToString([]byte(told))[:12], hex.EncodeToString([]byte(told))[:16],
}

// planted is message i of a partition: every 50th has the secret, each time in
// another part or encoding, and every 1,000th is larger than the target allows.
func planted(topic string, partition int32, i int) *kgo.Record {
	value := fmt.Sprintf(`{"id":%d,"text":"a line of a log, as long as they usually are, %d %d %d"}`, i, i*7919, i*104729, i*1299709)
	m := &kgo.Record{Topic: topic, Partition: partition, Key: []byte("user-" + strconv.Itoa(i%97))}
	if i%50 == 0 {
		switch i / 50 % 5 {
		case 0:
			value = fmt.Sprintf(`{"id":%d,"authorization":"Bearer %s"}`, i, told)
		case 1:
			value = fmt.Sprintf(`{"id":%d,"basic":"%s"}`, i, base64.StdEncoding.EncodeToString([]byte(told)))
		case 2:
			m.Key = []byte(told)
		case 3:
			m.Headers = append(m.Headers, kgo.RecordHeader{Key: "authorization", Value: []byte(told)}, kgo.RecordHeader{Key: told})
		case 4:
			value = fmt.Sprintf("%d %s", i, hex.EncodeToString([]byte(told)))
		}
	}
	if i%1000 == 999 {
		value = fmt.Sprintf(`{"id":%d,"large":"%s %s"}`, i, told, strings.Repeat("x", 30_000))
	}
	m.Value = []byte(value)
	return m
}

// watched is what the broker is asked to do wrong, and what it sees meanwhile.
type watched struct {
	p          *place
	t          testing.TB
	group      string
	in         string
	partitions int

	wantCuts atomic.Int64 // so far
	on       atomic.Bool
	requests atomic.Int64
	data     atomic.Int64
	cuts     atomic.Int64
	commits  atomic.Int64
	refused  atomic.Int64

	mu         sync.Mutex
	at         map[int32]int64
	generation int32 // of the group: how often it was rebalanced
}

const (
	cutEvery    = 41 // requests of all kinds
	cutData     = 5  // of fetches and writes, whose connections break most
	refuseEvery = 5
)

// watch makes the broker cut every so many requests with their connections and
// refuse every fifth commit, and looks at what is committed before each.
func watch(t testing.TB, p *place, group, in string, partitions int) *watched {
	w := &watched{p: p, t: t, group: group, in: in, partitions: partitions, at: map[int32]int64{}}
	p.fake.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		p.fake.KeepControl()
		r := req.(*kmsg.OffsetCommitRequest)
		w.mu.Lock()
		w.generation = max(w.generation, r.Generation)
		w.mu.Unlock()
		p.fake.SleepControl(w.look)
		if w.on.Load() && w.commits.Add(1)%refuseEvery == 0 {
			w.refused.Add(1)
			codes := []*kerr.Error{kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.RequestTimedOut}
			return refusedCommit(r, codes[w.refused.Load()%3]), nil, true
		}
		return nil, nil, false
	})
	cut := func(count *atomic.Int64, every int64) func(kmsg.Request) (kmsg.Response, error, bool) {
		return func(kmsg.Request) (kmsg.Response, error, bool) {
			p.fake.KeepControl()
			if w.on.Load() && count.Add(1)%every == 0 && w.cuts.Load() < w.wantCuts.Load() {
				w.cuts.Add(1)
				return nil, errors.New("cut"), true
			}
			return nil, nil, false
		}
	}
	p.fake.ControlKey(int16(kmsg.Fetch), cut(&w.data, cutData))
	p.fake.ControlKey(int16(kmsg.Produce), cut(&w.data, cutData))
	p.fake.ControlKey(-1, cut(&w.requests, cutEvery))
	return w
}

// look asks the broker for the group's offsets; none may go back.
func (w *watched) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	at, err := w.p.offsets(ctx, w.group, w.in, w.partitions)
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

// storm is how much of a chaos a run has.
type storm struct{ messages, rounds, cuts int }

// stormOf is what SLUICE_TEST_CHAOS asks for: 1000000 messages are the promise.
func stormOf(t testing.TB) storm {
	text := os.Getenv("SLUICE_TEST_CHAOS")
	if text == "" {
		t.Skip("SLUICE_TEST_CHAOS asks for no number of messages: a run takes up to minutes")
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("SLUICE_TEST_CHAOS: %v", err)
	}
	return storm{n, 20, 200}
}

// Three instances share six partitions while members come and go, cleanly and
// not, coordinators and leaders move, connections break and commits are refused.
func TestChaosLosesNothing(t *testing.T) {
	for name, v := range map[string]*kversion.Versions{"2.8": kversion.V2_8_0(), "4.0": kversion.V4_0_0()} {
		t.Run(name, func(t *testing.T) { chaos(t, fake(t, kfake.MaxVersions(v)), stormOf(t)) })
	}
}

func chaos(t *testing.T, p *place, of storm) {
	const (
		partitions = 6
		window     = 500
	)
	size, rounds := of.messages, of.rounds
	r := p.route(t, partitions)
	group := "chaos-" + r.in
	w := watch(t, p, group, r.in, partitions)
	cfg := Config{Group: group, Follow: true, Window: window, timing: quick()}
	// Who was cut off while it joined is a ghost in the group for so long.
	cfg.timing.session, cfg.timing.drain = time.Second, 800*time.Millisecond
	cfg.timing.request, cfg.timing.rebalance = 2*time.Second, time.Second // an answer that was cut off never comes
	var instances []*copier
	for range 3 {
		instances = append(instances, p.start(t, r, cfg, 1))
	}
	written, rebalances := 0, int64(0)
	replace := func(i int, clean bool) {
		c := instances[i]
		if clean {
			c.stop()
		} else {
			c.crash(errCrash)
		}
		if err := c.wait(t); err != nil && !errors.Is(err, errCrash) {
			t.Errorf("instance: %v", err)
		}
		rebalances += c.src.Counts().Rebalances
		instances[i] = p.start(t, r, cfg, 1)
	}
	for round := range rounds {
		upTo := size * (round + 1) / rounds
		var some []*kgo.Record
		for ; written < upTo; written++ {
			some = append(some, planted(r.in, int32(written%partitions), written/partitions))
		}
		w.on.Store(false) // the test's own writer is not what is tested
		p.produce(t, some...)
		w.on.Store(true)
		w.wantCuts.Store(int64(of.cuts * (round + 1) / rounds))
		p.fake.RehashCoordinators()
		if round%3 == 0 {
			p.fake.ShufflePartitionLeaders()
		}
		replace(round%3, round%2 == 0)
		p.committed(t, group, r, partitions, written/2)
	}
	p.committed(t, group, r, partitions, size)
	for w.cuts.Load() < w.wantCuts.Load() { // heartbeats and fetches go on
		if err := sleep(t.Context(), 5*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	w.on.Store(false)
	for _, c := range instances {
		c.stop()
	}
	refusedCommits := int64(0)
	for _, c := range instances {
		if err := c.wait(t); err != nil {
			t.Errorf("instance: %v", err)
		}
		rebalances += c.src.Counts().Rebalances
		refusedCommits += c.src.Counts().RefusedCommits
	}
	w.look()
	doubles := wantAll(t, p, r, size, partitions)
	t.Logf("%d messages, %d rebalances, %d assignments, %d cuts, %d of %d commits refused, %d doubles", size, w.generation, rebalances, w.cuts.Load(), w.refused.Load(), w.commits.Load(), doubles)
	if most := int(rebalances) * window * partitions / len(instances); doubles > most {
		t.Errorf("%d doubles, at most %d", doubles, most)
	}
	if w.refused.Load() == 0 || int(w.generation) < rounds {
		t.Errorf("%d commits refused, %d rebalances: not much of a chaos", w.refused.Load(), w.generation)
	}
}

// wantAll checks that every message arrived where it belongs, in order but for
// doubles, and holds no secret. It returns how many are doubles.
func wantAll(t testing.TB, p *place, r route, size, partitions int) (doubles int) {
	t.Helper()
	out, dead, found := p.all(t, r.out, partitions), p.all(t, r.dead, 2), p.all(t, r.found, 2)
	seen := map[string]int{}
	next := map[int32]int64{}
	for _, m := range out {
		partition, offset := sourceOf(t, m)
		id := fmt.Sprint(partition, "/", offset)
		if seen[id]++; seen[id] > 1 {
			doubles++
			continue
		}
		if m.Partition != partition || offset < next[partition] {
			t.Fatalf("%s is at %d/%d, after %d", id, m.Partition, m.Offset, next[partition]-1)
		}
		next[partition] = offset + 1
	}
	for _, m := range dead {
		partition, offset := sourceOf(t, m)
		id := fmt.Sprint(partition, "/", offset)
		if seen[id]++; seen[id] > 1 {
			doubles++
		}
	}
	lost, planted := 0, 0
	for i := range size {
		if seen[fmt.Sprint(i%partitions, "/", i/partitions)] == 0 {
			lost++
		}
		if n := i / partitions; n%50 == 0 || n%1000 == 999 {
			planted++
		}
	}
	if lost > 0 || len(seen) != size {
		t.Errorf("%d of %d messages are lost, %d arrived", lost, size, len(seen))
	}
	if len(found) < planted || len(dead) == 0 && size >= 1000*partitions {
		t.Errorf("%d findings of %d secrets, %d dead letters", len(found), planted, len(dead))
	}
	wantNoSecret(t, "target", out)
	wantNoSecret(t, "dead-letter", dead)
	wantNoSecret(t, "findings", found)
	return doubles
}

// Members that come and go in order double nothing.
func TestCleanHandOversDoubleNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, p *place) {
		const partitions, size = 4, 8000
		r := p.route(t, partitions)
		cfg := Config{Group: "clean-" + r.in, Follow: true}
		instances := []*copier{p.start(t, r, cfg, 1), p.start(t, r, cfg, 1)}
		written := 0
		for round := range 6 {
			var some []*kgo.Record
			for upTo := size * (round + 1) / 6; written < upTo; written++ {
				some = append(some, planted(r.in, int32(written%partitions), written/partitions))
			}
			p.produce(t, some...)
			if round%2 == 0 {
				instances = append(instances, p.start(t, r, cfg, 1))
			} else {
				instances[0].stop()
				if err := instances[0].wait(t); err != nil {
					t.Fatal(err)
				}
				instances = instances[1:]
			}
			p.committed(t, cfg.Group, r, partitions, written/2)
		}
		p.committed(t, cfg.Group, r, partitions, size)
		for _, c := range instances {
			c.stop()
			if err := c.wait(t); err != nil {
				t.Fatal(err)
			}
		}
		if doubles := wantAll(t, p, r, size, partitions); doubles != 0 {
			t.Errorf("%d doubles", doubles)
		}
	})
}
