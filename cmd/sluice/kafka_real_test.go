//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/internal/kafkaclient/kafkatest"
)

// ownBroker is a real broker that a test may end as it likes. It needs the
// folder with up.sh and down.sh that SLUICE_TEST_KAFKA_STACK names.
type ownBroker struct {
	t     *testing.T
	stack string
	dir   string
	env   []string
	addr  string
	ctrl  string
	admin *kgo.Client
}

func startBroker(t *testing.T) *ownBroker {
	t.Helper()
	stack := os.Getenv("SLUICE_TEST_KAFKA_STACK")
	if stack == "" {
		t.Skip("SLUICE_TEST_KAFKA_STACK names no folder with up.sh and down.sh of a broker")
	}
	b := &ownBroker{t: t, stack: stack, dir: t.TempDir(), env: os.Environ()}
	ports := freePorts(t, 2)
	b.addr, b.ctrl = "127.0.0.1:"+ports[0], "127.0.0.1:"+ports[1]
	b.env = append(b.env, "KAFKA_PORT="+ports[0], "KAFKA_CTRL_PORT="+ports[1], "KAFKA_SECURE=0", "KAFKA_HEAP=384m")
	b.up()
	t.Cleanup(func() { b.down("--kill") }) // whatever state it is in
	var err error
	if b.admin, err = kgo.NewClient(kgo.SeedBrokers(b.addr), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DisableIdempotentWrite()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.admin.Close)
	return b
}

// freePorts are below those that the system gives to clients: one that dials a
// port where nobody listens may be given that very port, and then holds it.
func freePorts(t *testing.T, n int) (ports []string) {
	t.Helper()
	for port := 20_000 + os.Getpid()%10_000; len(ports) < n && port < 32_000; port++ {
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			continue
		}
		defer l.Close()
		ports = append(ports, strconv.Itoa(port))
	}
	if len(ports) < n {
		t.Fatal("no free port")
	}
	return ports
}

func (b *ownBroker) script(name string, args ...string) error {
	cmd := exec.Command("bash", append([]string{filepath.Join(b.stack, name)}, args...)...)
	cmd.Env = b.env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// up starts the broker. The script waits a minute for it, which a busy machine
// may need more than.
func (b *ownBroker) up() {
	b.t.Helper()
	err := b.script("up.sh", b.dir)
	for again := 0; err != nil && again < 2; again++ {
		b.t.Logf("once more: %v", err)
		b.down("--kill")
		err = b.script("up.sh", b.dir)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// down ends the broker and waits until its ports are free: a process that ends
// is gone for the script once its first thread is, and the last one closes
// them.
func (b *ownBroker) down(how ...string) {
	b.t.Helper()
	if err := b.script("down.sh", append([]string{b.dir}, how...)...); err != nil {
		b.t.Fatal(err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, addr := range []string{b.addr, b.ctrl} {
		for tries := 0; served(addr); tries++ {
			if tries == 6000 {
				b.t.Fatalf("%s is still served", addr)
			}
			<-tick.C
		}
	}
}

func served(addr string) bool {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// copyProcess is sluice redact --follow in a process of its own.
type copyProcess struct {
	*exec.Cmd
	stderr bytes.Buffer
}

func (b *ownBroker) copyProcess() *copyProcess {
	b.t.Helper()
	dir := b.t.TempDir()
	for name, text := range map[string]string{"told.env": "API_TOKEN=" + kafkaSecret + "\n", "print.key": "0123456789abcdef0123456789abcdef\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	p := &copyProcess{Cmd: ownProcess(b.t, "redact", "kafka://"+b.addr+"/in?group=copy", "--follow", "--to", "kafka://"+b.addr+"/out",
		"--secrets-file", filepath.Join(dir, "told.env"), "--print-key-file", filepath.Join(dir, "print.key"))}
	p.Stderr = &p.stderr
	if err := p.Start(); err != nil {
		b.t.Fatal(err)
	}
	return p
}

const kafkaSecret = "kJ8sH2dL5qW9xZ3cA7mQ"

// Brokers and instances end in the middle, in order and not: nothing is lost.
func TestKafkaSurvivesKills(t *testing.T) {
	b := startBroker(t)
	const partitions, size = 4, 20_000
	kafkatest.Topic(t, b.admin, "in", partitions)
	kafkatest.Topic(t, b.admin, "out", partitions)
	written := 0
	write := func(upTo int) {
		for ; written < upTo; written++ {
			value := fmt.Sprintf("message %d", written)
			if written%50 == 0 {
				value += " " + kafkaSecret
			}
			b.admin.Produce(context.Background(), &kgo.Record{Topic: "in", Partition: int32(written % partitions), Value: []byte(value)}, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Errorf("write: %v", err)
				}
			})
		}
	}
	one, two := b.copyProcess(), b.copyProcess()
	write(size / 4)
	b.copied(size / 8)
	if err := one.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = one.Wait() // killed
	one = b.copyProcess()
	write(size / 2)
	b.down()
	b.up()
	write(size * 3 / 4)
	b.copied(size / 2)
	stopCleanly(t, two)
	b.down("--kill")
	b.up()
	two = b.copyProcess()
	write(size)
	if err := b.admin.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := b.copied(size)
	stopCleanly(t, one)
	stopCleanly(t, two)
	doubles := 0
	for i := range size {
		n := seen["message "+strconv.Itoa(i)]
		if n == 0 {
			t.Fatalf("message %d is lost", i)
		}
		doubles += n - 1
	}
	t.Logf("%d messages, 0 lost, %d doubles", size, doubles)
}

func stopCleanly(t *testing.T, p *copyProcess) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("a stopped instance: %v\n%s", err, p.stderr.String())
	}
	if strings.Contains(p.stderr.String(), kafkaSecret[:8]) {
		t.Error("the secret is in a log")
	}
}

// copied waits until so many different messages are in the target and returns
// how often each is there, by its first two words.
func (b *ownBroker) copied(want int) map[string]int {
	b.t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(b.addr), kgo.ConsumeTopics("out"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(b.t.Context(), 5*time.Minute)
	defer cancel()
	seen := map[string]int{}
	for len(seen) < want {
		c.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			if strings.Contains(string(r.Value), kafkaSecret[:8]) {
				b.t.Error("the secret is in the target")
			}
			words := strings.SplitN(string(r.Value), " ", 3)
			seen[strings.Join(words[:min(2, len(words))], " ")]++
		})
		if ctx.Err() != nil {
			b.t.Fatalf("%d of %d messages in the target", len(seen), want)
		}
	}
	return seen
}
