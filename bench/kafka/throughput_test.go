// Package kafka measures how fast topics are redacted into topics; run.sh runs it.
package kafka

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/internal/kafkaclient/kafkatest"
)

const partitions = 4

type bench struct {
	t       *testing.T
	broker  string
	program string
	pid     string // of the broker; "": not known
	admin   *kgo.Client
	mb      int   // to be filled
	size    int64 // bytes of values
	ends    [partitions]int64
	dir     string
}

// cost is what a run took: of the clock, and of the processors, in all its
// processes, in the busiest of them, and in the broker.
type cost struct {
	wall, cpu, busiest, broker time.Duration
	peak                       int64 // KiB of the largest process
}

func (b *bench) rate(c cost) string {
	mb := float64(b.size) / 1e6
	broker := "not known"
	if c.broker > 0 {
		broker = fmt.Sprintf("%.2f s", c.broker.Seconds())
	}
	return fmt.Sprintf("%6.1f MB/s by the clock (%.2f s), %5.1f MB a second of processor (%.2f s, the busiest process %.2f s), broker %s, %d MiB",
		mb/c.wall.Seconds(), c.wall.Seconds(), mb/c.cpu.Seconds(), c.cpu.Seconds(), c.busiest.Seconds(), broker, c.peak>>10)
}

// report prints the promises beside what was measured. What redaction costs is
// how much less than the copy it carries in the same time. The clock is that of a
// machine which the broker, and whatever else runs, shares; what the processors
// did is said apart, so that nobody takes the one for the other.
func report(t *testing.T, c, l, r, g1, g2 cost) {
	t.Logf("by the clock: redaction costs %.0f %% of the copy's speed, and of a copy by the library's Reader and Writer %.0f %%; two instances run at %.2f times one",
		less(c.wall, r.wall), less(l.wall, r.wall), g1.wall.Seconds()/g2.wall.Seconds())
	t.Logf("by the processors of Sluice: redaction costs %.0f %% of the copy's, %.0f %% of the library's; two instances need %.2f times the time of one in all, "+
		"and the busier of them 1/%.2f of it",
		less(c.cpu, r.cpu), less(l.cpu, r.cpu), g2.cpu.Seconds()/g1.cpu.Seconds(), g1.busiest.Seconds()/g2.busiest.Seconds())
	if c.broker > 0 {
		t.Logf("with the broker's: redaction costs %.0f %% of the copy's, %.0f %% of the library's; a copy is %.0f %% broker, a group of two %.0f %%",
			less(c.cpu+c.broker, r.cpu+r.broker), less(l.cpu+l.broker, r.cpu+r.broker),
			100*c.broker.Seconds()/(c.cpu+c.broker).Seconds(), 100*g2.broker.Seconds()/(g2.cpu+g2.broker).Seconds())
	}
}

// less is how many percent less than a peer is done in the same time.
func less(peer, ours time.Duration) float64 { return 100 * (1 - peer.Seconds()/ours.Seconds()) }

func TestThroughput(t *testing.T) {
	b := start(t)
	in := b.topic("in")
	b.fill(in, int64(b.mb)<<20)
	const rounds = 5 // the clock of a shared machine wants several
	var copies, library, alone, one, two []cost
	for i := range rounds {
		copies = append(copies, b.copy(in, "program"))
		alone = append(alone, b.redact(in, 1, "", 0))
		library = append(library, b.copy(in, "library"))
		one = append(one, b.redact(in, 1, fmt.Sprintf("one-%d-%d", os.Getpid(), i), 1))
		two = append(two, b.redact(in, 2, fmt.Sprintf("two-%d-%d", os.Getpid(), i), 1))
	}
	c, l, r, g1, g2 := best(copies), best(library), best(alone), best(one), best(two)
	t.Logf("%d MB in %d partitions, best of %d", b.size/1e6, partitions, rounds)
	t.Logf("plain copy              %s", b.rate(c))
	t.Logf("the library's copy      %s", b.rate(l))
	t.Logf("redaction               %s", b.rate(r))
	t.Logf("group of 1, 1 core each %s", b.rate(g1))
	t.Logf("group of 2, 1 core each %s", b.rate(g2))
	report(t, c, l, r, g1, g2)
}

// best is the least of each: whatever else the machine does only adds.
func best(all []cost) cost {
	least := all[0]
	for _, c := range all[1:] {
		least.wall, least.cpu = min(least.wall, c.wall), min(least.cpu, c.cpu)
		least.busiest, least.broker = min(least.busiest, c.busiest), min(least.broker, c.broker)
		least.peak = max(least.peak, c.peak)
	}
	return least
}

func (b *bench) write(name, text string) {
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) topic(what string) string {
	name := fmt.Sprintf("sluice-bench-%s-%d", what, time.Now().UnixNano())
	kafkatest.Topic(b.t, b.admin, name, partitions)
	for p := range int32(partitions) { // once it takes messages, everybody knows it
		if err := b.admin.ProduceSync(b.t.Context(), &kgo.Record{Topic: name, Partition: p, Value: []byte("begin")}).FirstErr(); err != nil {
			b.t.Fatal(err)
		}
	}
	return name
}

// fill writes lines as a gateway logs them, one in a hundred with a secret.
func (b *bench) fill(topic string, size int64) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for p := range b.ends {
		b.ends[p] = 1 // topic has begun each
	}
	for i := 0; b.size < size; i++ {
		value := fmt.Appendf(nil, `{"time":"2026-01-21T09:14:%02d.%03dZ","level":"INFO","logger":"proxy","request_id":"%08x-%04x","model":"claude-3-haiku",`+
			`"user":"team-%d","status":200,"latency_ms":%d,"tokens":{"in":%d,"out":%d},"message":"POST /v1/chat/completions finished, cache miss, provider answered"`,
			i%60, i%1000, rnd.Uint32(), i&0xffff, i%50, rnd.IntN(5000), rnd.IntN(4000), rnd.IntN(900))
		if i%100 == 0 {
			value = append(value, `,"authorization":"Bearer kJ8sH2dL5qW9xZ3cA7mQ"`...)
		}
		value = append(value, '}')
		b.size += int64(len(value))
		b.ends[i%partitions]++
		b.admin.Produce(b.t.Context(), &kgo.Record{Topic: topic, Partition: int32(i % partitions), Key: strconv.AppendInt(nil, int64(i%50), 10), Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				b.t.Errorf("fill: %v", err)
			}
		})
	}
	if err := b.admin.Flush(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) uri(topic string) string { return "kafka://" + b.broker + "/" + topic }

// copy runs the test binary as a plain copy.
func (b *bench) copy(in, by string) cost {
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.CommandContext(b.t.Context(), self)
	cmd.Env = append(os.Environ(), "SLUICE_BENCH_COPY_BY="+by, "SLUICE_BENCH_COPY_FROM="+b.uri(in), "SLUICE_BENCH_COPY_TO="+b.uri(b.topic("copy")))
	return b.run(cmd)
}

// redact runs the program, n times at once; cores limits each, 0 does not.
func (b *bench) redact(in string, n int, group string, cores int) cost {
	to := b.topic("clean")
	var all []*exec.Cmd
	for range n {
		all = append(all, b.redaction(in, to, group, cores))
	}
	return b.run(all...)
}

// redaction is the program's command.
func (b *bench) redaction(in, to, group string, cores int) *exec.Cmd {
	source := b.uri(in)
	if group != "" {
		source += "?group=" + group
	}
	cmd := exec.CommandContext(b.t.Context(), b.program, "redact", source, "--to", b.uri(to),
		"--secrets-file", filepath.Join(b.dir, "told.env"), "--print-key-file", filepath.Join(b.dir, "print.key"))
	if cores > 0 {
		cmd.Env = append(os.Environ(), fmt.Sprint("GOMAXPROCS=", cores))
	}
	return cmd
}

func (b *bench) run(all ...*exec.Cmd) (c cost) {
	from, broker := time.Now(), processorOf(b.pid)
	var running sync.WaitGroup
	for _, cmd := range all {
		cmd.Stderr = os.Stderr
		running.Go(func() {
			if err := cmd.Run(); err != nil {
				b.t.Errorf("%s: %v", cmd.Path, err)
			}
		})
	}
	running.Wait()
	c.wall, c.broker = time.Since(from), processorOf(b.pid)-broker
	for _, cmd := range all {
		if s := cmd.ProcessState; s != nil {
			took := s.UserTime() + s.SystemTime()
			c.cpu, c.busiest = c.cpu+took, max(c.busiest, took)
			c.peak = max(c.peak, peakOf(s))
		}
	}
	return c
}
