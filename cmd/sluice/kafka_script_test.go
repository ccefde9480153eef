package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Commands of the scripts that need a cluster:
//
//	fakekafka TOPIC=PARTITIONS...         starts one; sets KAFKA to its brokers
//	kafkaput TOPIC PARTITION FILE [KEY]   writes each line as a message, with the header origin=script
//	kafkaget TOPIC N FILE                 waits for N messages and writes them to FILE, a line each:
//	                                      PARTITION|KEY|HEADER=VALUE,…|VALUE, sorted; "-" is null
func kafkaCommands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"fakekafka": startFakeKafka,
		"kafkaput":  putKafka,
		"kafkaget":  getKafka,
	}
}

// kafkaTimeout is far more than anything here takes.
const kafkaTimeout = 2 * time.Minute

func startFakeKafka(ts *testscript.TestScript, _ bool, args []string) {
	opts := []kfake.Opt{kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second)}
	for _, arg := range args {
		name, text, _ := strings.Cut(arg, "=")
		n, err := strconv.Atoi(text)
		ts.Check(err)
		opts = append(opts, kfake.SeedTopics(int32(n), name))
	}
	c, err := kfake.NewCluster(opts...)
	ts.Check(err)
	ts.Defer(c.Close)
	ts.Setenv("KAFKA", strings.Join(c.ListenAddrs(), ","))
}

func kafkaOf(ts *testscript.TestScript, opts ...kgo.Opt) *kgo.Client {
	c, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(strings.Split(ts.Getenv("KAFKA"), ",")...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}, opts...)...)
	ts.Check(err)
	return c
}

func putKafka(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: kafkaput TOPIC PARTITION FILE [KEY]")
	}
	partition, err := strconv.Atoi(args[1])
	ts.Check(err)
	c := kafkaOf(ts)
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), kafkaTimeout)
	defer cancel()
	for line := range strings.Lines(ts.ReadFile(args[2])) {
		r := &kgo.Record{
			Topic: args[0], Partition: int32(partition), Value: []byte(strings.TrimSuffix(line, "\n")),
			Headers: []kgo.RecordHeader{{Key: "origin", Value: []byte("script")}},
		}
		if len(args) > 3 {
			r.Key = []byte(args[3])
		}
		ts.Check(c.ProduceSync(ctx, r).FirstErr())
	}
}

func getKafka(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: kafkaget TOPIC N FILE")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	c := kafkaOf(ts, kgo.ConsumeTopics(args[0]), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), kafkaTimeout)
	defer cancel()
	ends := kafkaEnds(ts, ctx, c, args[0], want)
	var lines []string
	for int64(len(lines)) < ends {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err0(); err != nil && !errors.Is(err, context.Canceled) {
			ts.Check(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { lines = append(lines, kafkaLine(r)) })
	}
	slices.Sort(lines)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(strings.Join(lines, "")), 0o600))
}

// kafkaEnds waits until a topic has so many messages and returns how many it has.
func kafkaEnds(ts *testscript.TestScript, ctx context.Context, c *kgo.Client, topic string, want int) int64 {
	for {
		meta := kmsg.NewPtrMetadataRequest()
		meta.Topics = append(meta.Topics, kmsg.MetadataRequestTopic{Topic: &topic})
		found, err := meta.RequestWith(ctx, c)
		ts.Check(err)
		req := kmsg.NewPtrListOffsetsRequest()
		t := kmsg.NewListOffsetsRequestTopic()
		t.Topic = topic
		for _, p := range found.Topics[0].Partitions {
			one := kmsg.NewListOffsetsRequestTopicPartition()
			one.Partition, one.Timestamp = p.Partition, -1
			t.Partitions = append(t.Partitions, one)
		}
		req.Topics = append(req.Topics, t)
		ends := int64(0)
		for _, shard := range c.RequestSharded(ctx, req) {
			ts.Check(shard.Err)
			for _, t := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
				for _, p := range t.Partitions {
					ends += p.Offset
				}
			}
		}
		if ends >= int64(want) {
			return ends
		}
	}
}

func kafkaLine(r *kgo.Record) string {
	text := func(b []byte) string {
		if b == nil {
			return "-"
		}
		return string(bytes.ReplaceAll(b, []byte{'\n'}, []byte(`\n`)))
	}
	var heads []string
	for _, h := range r.Headers {
		heads = append(heads, h.Key+"="+text(h.Value))
	}
	return fmt.Sprintf("%d|%s|%s|%s\n", r.Partition, text(r.Key), strings.Join(heads, ","), text(r.Value))
}
