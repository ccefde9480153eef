package kafka

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sluice/internal/kafkaclient/kafkatest"
)

const (
	// part is what an instance has of a core, so that two and the broker fit on a
	// machine of two with room to spare: what then limits is the instance alone.
	part = 0.4
	// look is how often the group's offsets are asked for.
	look = 100 * time.Millisecond
)

// TestScaling measures what a second instance brings where each has a part of a
// core of its own: the rate at which a group commits, from when its members are
// all there and at work until the first partition is read to its end. Joining,
// and waiting for the group to be done, are no part of it.
func TestScaling(t *testing.T) {
	b := start(t)
	in := b.topic("in")
	b.fill(in, int64(b.mb)<<20)
	const rounds = 3
	var one, two []float64
	for i := range rounds {
		one = append(one, b.steady(in, 1, fmt.Sprintf("steady-one-%d-%d", os.Getpid(), i)))
		two = append(two, b.steady(in, 2, fmt.Sprintf("steady-two-%d-%d", os.Getpid(), i)))
	}
	t.Logf("%d MB in %d partitions, %.2f of a core each, MB/s while the group is whole, each round: one %.1f, two %.1f",
		b.size/1e6, partitions, part, one, two)
	for i := range rounds {
		t.Logf("round %d: two instances commit %.2f times what one does", i+1, two[i]/one[i])
	}
}

// steady is the rate of a group of n, in MB/s.
func (b *bench) steady(in string, n int, group string) float64 {
	to := b.topic("clean")
	var all []*exec.Cmd
	for range n {
		q, err := newQuota(b.t, part)
		if err != nil {
			b.t.Skip(err)
		}
		cmd := b.redaction(in, to, group, 1)
		q.put(cmd)
		all = append(all, cmd)
	}
	done := make(chan struct{})
	var seen []sample
	var watching sync.WaitGroup
	watching.Go(func() { seen = b.watch(in, n, group, done) })
	b.run(all...)
	close(done)
	watching.Wait()
	rate, err := b.rateOf(seen)
	if err != nil {
		b.t.Fatalf("group of %d: %v", n, err)
	}
	return rate
}

// sample is what a whole group had committed at a time.
type sample struct {
	at        time.Time
	committed map[int32]int64
}

// watch samples the group's offsets while it is whole, until done.
func (b *bench) watch(topic string, n int, group string, done <-chan struct{}) (seen []sample) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return seen
		case <-tick.C:
		}
		if !b.whole(group, n) {
			seen = nil // a rebalance is under way: begin anew behind it
			continue
		}
		if at, err := kafkatest.Committed(context.Background(), b.admin, group, topic, partitions); err == nil {
			seen = append(seen, sample{time.Now(), at})
		}
		if len(seen) > 0 && b.ended(seen[len(seen)-1]) {
			return seen
		}
	}
}

// ended says that a partition was read to its end.
func (b *bench) ended(s sample) bool {
	for p, at := range s.committed {
		if at >= b.ends[p] {
			return true
		}
	}
	return false
}

// rateOf is the rate from when each partition has moved until the first is at
// its end.
func (b *bench) rateOf(seen []sample) (float64, error) {
	from, last := -1, len(seen)-1
	for last >= 0 && b.ended(seen[last]) {
		last--
	}
	for i := 1; i <= last && from < 0; i++ {
		moved := true
		for p := range int32(partitions) {
			moved = moved && seen[i].committed[p] > seen[0].committed[p]
		}
		if moved {
			from = i
		}
	}
	if from < 0 || last-from < 20 {
		return 0, fmt.Errorf("too few samples to measure by (%d): take more megabytes", len(seen))
	}
	var messages, total int64
	for p := range int32(partitions) {
		messages += seen[last].committed[p] - seen[from].committed[p]
		total += b.ends[p]
	}
	took := seen[last].at.Sub(seen[from].at).Seconds()
	return float64(messages) / float64(total) * float64(b.size) / 1e6 / took, nil
}

// whole says that a group has n members and is not rebalancing.
func (b *bench) whole(group string, n int) bool {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	res, err := req.RequestWith(context.Background(), b.admin)
	return err == nil && len(res.Groups) == 1 && res.Groups[0].State == "Stable" && len(res.Groups[0].Members) == n
}

// start is a bench, if there is a broker for it.
func start(t *testing.T) *bench {
	broker := os.Getenv("SLUICE_BENCH_KAFKA")
	if broker == "" {
		t.Skip("SLUICE_BENCH_KAFKA names no broker: use run.sh")
	}
	mb, err := strconv.Atoi(os.Getenv("SLUICE_BENCH_MB"))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, broker: broker, mb: mb, program: os.Getenv("SLUICE_BENCH_PROGRAM"), pid: os.Getenv("SLUICE_BENCH_BROKER_PID"), dir: t.TempDir()}
	if b.admin, err = kgo.NewClient(kgo.SeedBrokers(broker), kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.admin.Close)
	b.write("print.key", "0123456789abcdef0123456789abcdef")
	b.write("told.env", "API_TOKEN=kJ8sH2dL5qW9xZ3cA7mQ\n")
	return b
}
