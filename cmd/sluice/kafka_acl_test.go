//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sluice/internal/kafkaclient/kafkatest"
)

const (
	aclUser     = "alice"
	aclPassword = "the-password-of-alice"
)

// aclBroker is a real broker with Kafka's own authorizer: whoever comes without
// a login may do all, and alice what she is granted.
type aclBroker struct {
	t     *testing.T
	open  string // HOST:PORT without a login
	addr  string // HOST:PORT of alice
	admin *kgo.Client
}

// kafkaJars is the folder that the stack's up.sh has put the broker's jars in.
func kafkaJars(t *testing.T) string {
	t.Helper()
	if os.Getenv("SLUICE_TEST_KAFKA_STACK") == "" {
		t.Skip("SLUICE_TEST_KAFKA_STACK names no folder with up.sh and down.sh of a broker")
	}
	libs := os.Getenv("KAFKA_LIBS")
	if libs == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		libs = filepath.Join(cache, "kafka-stack", "libs")
	}
	if jars, err := filepath.Glob(filepath.Join(libs, "kafka_2.13-*.jar")); err != nil || len(jars) == 0 {
		if strings.Contains(os.Getenv("SLUICE_REQUIRE"), "kafka") {
			t.Fatalf("no jars of a broker in %s, and SLUICE_REQUIRE asks for one", libs)
		}
		t.Skipf("no jars of a broker in %s: the stack's up.sh fetches them", libs)
	}
	return libs
}

const aclConfig = `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:CTRL
listeners=PLAINTEXT://127.0.0.1:OPEN,SASL://127.0.0.1:LOGIN,CONTROLLER://127.0.0.1:CTRL
advertised.listeners=PLAINTEXT://127.0.0.1:OPEN,SASL://127.0.0.1:LOGIN,CONTROLLER://127.0.0.1:CTRL
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs=DIR/data
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="PASSWORD";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
`

func startACLBroker(t *testing.T) *aclBroker {
	t.Helper()
	libs, dir := kafkaJars(t), t.TempDir()
	ports := freePorts(t, 3)
	config := strings.NewReplacer("OPEN", ports[0], "LOGIN", ports[1], "CTRL", ports[2], "DIR", dir, "PASSWORD", aclPassword).Replace(aclConfig)
	if err := os.WriteFile(filepath.Join(dir, "server.properties"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	java := func(args ...string) *exec.Cmd {
		cmd := exec.Command("java", append([]string{"-XX:+UseSerialGC", "-Xmx256m", "-Dkafka.logs.dir=" + dir, "-cp", libs + "/*"}, args...)...)
		cmd.Dir = dir
		return cmd
	}
	const id = "MkU3OEVBNTcwNTJENDM2Qg"
	format := java("kafka.tools.StorageTool", "format", "-t", id, "-c", "server.properties")
	if out, err := format.CombinedOutput(); err != nil {
		t.Fatalf("format: %v\n%s", err, out)
	}
	var said bytes.Buffer
	server := java("kafka.Kafka", "server.properties")
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = server.Wait(); close(ended) }()
	t.Cleanup(func() { _ = server.Process.Kill(); <-ended })
	b := &aclBroker{t: t, open: "127.0.0.1:" + ports[0], addr: "127.0.0.1:" + ports[1]}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for tries := 0; !served(b.open) || !served(b.addr); tries++ {
		select {
		case <-ended:
			t.Fatalf("the broker ended:\n%s", said.String())
		case <-tick.C:
			if tries == 4000 {
				t.Fatal("the broker does not listen")
			}
		}
	}
	var err error
	if b.admin, err = kgo.NewClient(kgo.SeedBrokers(b.open)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.admin.Close)
	return b
}

// topic makes a topic with one message.
func (b *aclBroker) topic(name string) {
	b.t.Helper()
	kafkatest.Topic(b.t, b.admin, name, 1)
	if err := b.admin.ProduceSync(b.t.Context(), &kgo.Record{Topic: name, Value: []byte("a message")}).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
}

// grant lets alice do things with a topic or group.
func (b *aclBroker) grant(kind kmsg.ACLResourceType, name string, what ...kmsg.ACLOperation) {
	b.t.Helper()
	req := kmsg.NewPtrCreateACLsRequest()
	for _, op := range what {
		c := kmsg.NewCreateACLsRequestCreation()
		c.ResourceType, c.ResourceName, c.ResourcePatternType = kind, name, kmsg.ACLResourcePatternTypeLiteral
		c.Principal, c.Host, c.Operation, c.PermissionType = "User:"+aclUser, "*", op, kmsg.ACLPermissionTypeAllow
		req.Creations = append(req.Creations, c)
	}
	res, err := req.RequestWith(b.t.Context(), b.admin)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, r := range res.Results {
		if r.ErrorCode != 0 {
			b.t.Fatalf("grant %s: %+v", name, r)
		}
	}
}

// run runs the program as alice, and returns what it says and its exit code.
func (b *aclBroker) run(args ...string) (text string, code int) {
	b.t.Helper()
	key := filepath.Join(b.t.TempDir(), "print.key")
	if err := os.WriteFile(key, []byte("0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
		b.t.Fatal(err)
	}
	cmd := ownProcess(b.t, append(args, "--print-key-file", key)...)
	cmd.Env = append(cmd.Env, "SLUICE_KAFKA_PASSWORD="+aclPassword)
	var said bytes.Buffer
	cmd.Stderr = &said
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.t.Fatal(err)
	}
	return said.String(), cmd.ProcessState.ExitCode()
}

func (b *aclBroker) uri(topic, params string) string {
	return fmt.Sprintf("kafka://%s/%s?sasl=plain&user=%s%s", b.addr, topic, aclUser, params)
}

// What a real authorizer refuses is one line that says what is not allowed, and
// exit code 3.
func TestKafkaNotAuthorised(t *testing.T) {
	b := startACLBroker(t)
	for _, topic := range []string{"hidden", "closed", "in", "out", "sealed", "unseen"} {
		b.topic(topic)
	}
	const topic, group = kmsg.ACLResourceTypeTopic, kmsg.ACLResourceTypeGroup
	b.grant(topic, "closed", kmsg.ACLOperationDescribe)
	b.grant(topic, "in", kmsg.ACLOperationRead, kmsg.ACLOperationDescribe)
	b.grant(topic, "out", kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe)
	b.grant(topic, "sealed", kmsg.ACLOperationDescribe)
	b.grant(group, "ours", kmsg.ACLOperationRead)
	waitGranted(t, b)
	for name, c := range map[string]struct {
		args []string
		want string // "": it is allowed
	}{
		"all that docs/kafka.md asks for": {[]string{"redact", b.uri("in", "&group=ours"), "--to", b.uri("out", "")}, ""},
		"topic that is not to be seen":    {[]string{"scan", b.uri("hidden", "")}, "we are not authorised to read topic hidden"},
		"topic that is not to be read":    {[]string{"scan", b.uri("closed", "")}, "we are not authorised to read topic closed"},
		"the same in a group":             {[]string{"scan", b.uri("closed", "&group=ours")}, "we are not authorised to read topic closed"},
		"group":                           {[]string{"scan", b.uri("in", "&group=theirs")}, "we are not authorised to use group theirs"},
		"target that is not to be seen":   {[]string{"redact", b.uri("in", ""), "--to", b.uri("unseen", "")}, "we are not authorised to write to topic unseen"},
		"target":                          {[]string{"redact", b.uri("in", ""), "--to", b.uri("sealed", "")}, "we are not authorised to write to topic sealed"},
		"dead letters":                    {[]string{"redact", b.uri("in", ""), "--to", b.uri("out", "&dead-letter=unseen")}, "we are not authorised to write to topic unseen"},
		"findings":                        {[]string{"scan", b.uri("in", ""), "--sink", b.uri("unseen", "")}, "we are not authorised to write to topic unseen"},
	} {
		t.Run(name, func(t *testing.T) {
			text, code := b.run(c.args...)
			if strings.Contains(text, aclPassword) {
				t.Error("the password is in what it says")
			}
			if c.want == "" {
				if code != 0 {
					t.Errorf("exit code %d: %s", code, text)
				}
				return
			}
			if lines := strings.Split(strings.TrimSpace(text), "\n"); code != 3 || len(lines) != 1 || !strings.Contains(text, c.want) {
				t.Errorf("exit code %d, %d lines, want one with %q:\n%s", code, len(lines), c.want, text)
			}
		})
	}
}

// waitGranted waits until the authorizer knows what was granted last.
func waitGranted(t *testing.T, b *aclBroker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if text, code := b.run("scan", b.uri("in", "&group=ours")); code == 0 {
			return
		} else if ctx.Err() != nil {
			t.Fatalf("it is never granted: %s", text)
		}
		<-tick.C
	}
}
