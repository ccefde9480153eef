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
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"sluice/internal/kafkaclient/kafkatest"
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

// storm is how much of a chaos a run has.
type storm struct{ messages, rounds, cuts int }

// stormOf is a small one, or as many messages as SLUICE_TEST_CHAOS says:
// 1000000 are the promise.
func stormOf(t testing.TB) storm {
	text := os.Getenv("SLUICE_TEST_CHAOS")
	if text == "" {
		return storm{6_000, 4, 40}
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
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			chaos(t, fake(t, kfake.MaxVersions(v)), stormOf(t))
		})
	}
}

// fleet is the instances of a chaos.
type fleet struct {
	t          *testing.T
	p          *place
	r          route
	cfg        Config
	now        []*copier
	rebalances int64 // of those that are gone
}

func (f *fleet) start() *copier { return f.p.start(f.t, f.r, f.cfg, 1) }

// ends waits for an instance's end.
func (f *fleet) ends(c *copier) {
	f.t.Helper()
	if err := c.wait(f.t); err != nil && !errors.Is(err, errCrash) {
		f.t.Errorf("instance: %v", err)
	}
	f.rebalances += c.src.Counts().Rebalances
}

// replace ends an instance and waits until another has partitions in its place,
// which takes a rebalance.
func (f *fleet) replace(i int, clean bool) {
	f.t.Helper()
	if c := f.now[i]; clean {
		c.stop()
	} else {
		c.crash(errCrash)
	}
	f.ends(f.now[i])
	f.now[i] = f.start()
	until(f.t, "a new instance joins", func() bool { return f.now[i].src.Counts().Rebalances > 0 })
}

// patience is how long a group may stand still before it is made to join anew.
// The broker in process never gives up a member whose connection broke before it
// was told of its place, which keeps its partitions until the next rebalance; a
// real one does after the session.
const patience = 3 * time.Second

// committed waits until the group has committed so many messages.
func (f *fleet) committed(group string, partitions, want int) {
	f.t.Helper()
	before, since := -1, time.Now()
	until(f.t, fmt.Sprint(want, " messages are committed"), func() bool {
		at, err := kafkatest.Committed(f.t.Context(), f.p.admin, group, f.r.in, partitions)
		sum := 0
		for _, offset := range at {
			sum += int(offset)
		}
		switch {
		case err != nil:
		case sum > before:
			before, since = sum, time.Now()
		case time.Since(since) > patience:
			f.p.fake.RehashCoordinators()
			since = time.Now()
		}
		return sum >= want
	})
}

// until waits for something that is to come about.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	for !done() {
		if sleep(ctx, 5*time.Millisecond) != nil {
			t.Fatalf("waited too long until %s", what)
		}
	}
}

func chaos(t *testing.T, p *place, of storm) {
	const (
		partitions = 6
		window     = 500
	)
	r := p.route(t, partitions)
	group := "chaos-" + r.in
	w := watch(t, p, group, r, partitions, window)
	f := &fleet{t: t, p: p, r: r, cfg: Config{Group: group, Follow: true, Window: window, timing: quick()}}
	// Who was cut off while it joined is a ghost in the group for so long.
	f.cfg.timing.session, f.cfg.timing.drain = time.Second, 800*time.Millisecond
	f.cfg.timing.request, f.cfg.timing.rebalance = 2*time.Second, time.Second // an answer that was cut off never comes
	f.cfg.timing.patience = 5 * time.Minute                                   // as much as a busy machine may need
	for range 3 {
		f.now = append(f.now, f.start())
	}
	written := 0
	for round := range of.rounds {
		upTo := of.messages * (round + 1) / of.rounds
		var some []*kgo.Record
		for ; written < upTo; written++ {
			some = append(some, planted(r.in, int32(written%partitions), written/partitions))
		}
		w.on.Store(false) // the test's own writer is not what is tested
		p.produce(t, some...)
		w.on.Store(true)
		w.wantCuts.Store(int64(of.cuts * (round + 1) / of.rounds))
		p.fake.RehashCoordinators()
		if round%3 == 0 {
			p.fake.ShufflePartitionLeaders()
		}
		f.replace(round%3, round%2 == 0)
		f.committed(group, partitions, written/2)
	}
	f.committed(group, partitions, of.messages)
	until(t, "connections are cut", func() bool { return w.cuts.Load() >= w.wantCuts.Load() }) // heartbeats and fetches go on
	w.on.Store(false)
	for _, c := range f.now {
		c.stop()
	}
	for _, c := range f.now {
		f.ends(c)
	}
	w.look()
	doubles := wantAll(t, p, r, of.messages, partitions)
	t.Logf("%d messages, %d rebalances, %d assignments, %d cuts, %d of %d commits refused, %d doubles, at most %d of a partition ahead of its commit",
		of.messages, w.generation.Load(), f.rebalances, w.cuts.Load(), w.refused.Load(), w.commits.Load(), doubles, w.furthest())
	if most := f.rebalances * window * partitions; int64(doubles) > most {
		t.Errorf("%d doubles, at most %d", doubles, most)
	}
	if w.refused.Load() == 0 || int(f.rebalances) < of.rounds {
		t.Errorf("%d commits refused, %d rebalances: not much of a chaos", w.refused.Load(), f.rebalances)
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
				until(t, "who leaves has joined", func() bool { return instances[0].src.Counts().Rebalances > 0 })
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
			until(t, "who leaves has joined", func() bool { return c.src.Counts().Rebalances > 0 })
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
