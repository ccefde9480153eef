// Package kafkatest makes topics for the tests of whatever talks to Kafka, on a
// broker in process or a real one.
package kafkatest

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// known is how long a busy broker may take to know a new topic.
const known = 2 * time.Minute

// Topic makes a topic with configs as NAME, VALUE, …, waits until the cluster
// knows it, and deletes it when the test ends. admin has to live as long.
func Topic(t testing.TB, admin *kgo.Client, name string, partitions int, configs ...string) {
	t.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = name, int32(partitions), 1
	for i := 0; i+1 < len(configs); i += 2 {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = configs[i], &configs[i+1]
		rt.Configs = append(rt.Configs, c)
	}
	req.Topics = append(req.Topics, rt)
	res, err := req.RequestWith(t.Context(), admin)
	if err != nil || res.Topics[0].ErrorCode != 0 {
		t.Fatalf("create %s: %v, %+v", name, err, res)
	}
	t.Cleanup(func() {
		del := kmsg.NewPtrDeleteTopicsRequest()
		dt := kmsg.NewDeleteTopicsRequestTopic()
		dt.Topic = &name
		del.Topics, del.TopicNames = append(del.Topics, dt), []string{name}
		_, _ = del.RequestWith(context.Background(), admin) // the cluster may be gone
	})
	Known(t, admin, name, partitions)
}

// Known waits until the broker that answers knows a topic with so many
// partitions: one that is busy says for a while that there is none.
func Known(t testing.TB, admin *kgo.Client, name string, partitions int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), known)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		meta := kmsg.NewPtrMetadataRequest()
		meta.Topics = append(meta.Topics, kmsg.MetadataRequestTopic{Topic: &name})
		res, err := meta.RequestWith(ctx, admin)
		if err != nil {
			t.Fatalf("%s is not known: %v", name, err)
		}
		if res.Topics[0].ErrorCode == 0 && len(res.Topics[0].Partitions) == partitions {
			return
		}
		<-tick.C
	}
}

// Committed are the offsets of a group, by partition; those that it does not have
// are left out.
func Committed(ctx context.Context, admin *kgo.Client, group, topic string, partitions int) (map[int32]int64, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group
	rt := kmsg.NewOffsetFetchRequestTopic()
	rt.Topic = topic
	for i := range partitions {
		rt.Partitions = append(rt.Partitions, int32(i))
	}
	req.Topics = []kmsg.OffsetFetchRequestTopic{rt}
	rg := kmsg.NewOffsetFetchRequestGroup() // what newer brokers are asked instead
	rg.Group = group
	rgt := kmsg.NewOffsetFetchRequestGroupTopic()
	rgt.Topic, rgt.Partitions = topic, rt.Partitions
	rg.Topics = append(rg.Topics, rgt)
	req.Groups = append(req.Groups, rg)
	res, err := req.RequestWith(ctx, admin)
	if err != nil {
		return nil, err
	}
	out := map[int32]int64{}
	note := func(partition int32, offset int64, code int16) {
		if code == 0 && offset >= 0 {
			out[partition] = offset
		}
	}
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			note(p.Partition, p.Offset, p.ErrorCode)
		}
	}
	for _, g := range res.Groups {
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				note(p.Partition, p.Offset, p.ErrorCode)
			}
		}
	}
	return out, nil
}
