package kafka

import (
	"context"
	"errors"
	"os"

	segmentio "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"

	"sluice/internal/kafkaclient"
)

// maxFetch is how many bytes of a partition one fetch asks for. A message that
// is larger comes all the same, alone.
const maxFetch = 1 << 20

// segmentioBroker is a broker on segmentio/kafka-go. Requests go through its
// Client, which finds leaders and coordinators anew for each, so that one which
// has moved is found again without giving up the membership; only joining and
// heartbeats are its ConsumerGroup's.
type segmentioBroker struct {
	client *kafkaclient.Client
	timing timing
}

func newSegmentio(c *kafkaclient.Client, cfg Config) broker {
	return &segmentioBroker{client: c, timing: cfg.timing}
}

func (b *segmentioBroker) reset() { b.client.Reset() }
func (b *segmentioBroker) close() { b.client.Close() }

// evicted says that the group does not take us for a member of the generation
// that we speak for.
func evicted(err error) bool {
	for _, code := range []segmentio.Error{
		segmentio.IllegalGeneration, segmentio.UnknownMemberId, segmentio.RebalanceInProgress,
		segmentio.FencedInstanceID, segmentio.NonEmptyGroup,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

func (b *segmentioBroker) topics(ctx context.Context, wanted string) (map[string]int, error) {
	about := kafkaclient.About{Topic: wanted}
	// The pooled connections hide why nobody answers.
	if err := b.client.Ping(ctx); err != nil {
		return nil, b.client.Explain(ctx, err, about)
	}
	ctx, cancel := context.WithTimeout(ctx, b.timing.request)
	defer cancel()
	var names []string
	if wanted != "" {
		names = []string{wanted}
	}
	meta, err := b.client.API().Metadata(ctx, &segmentio.MetadataRequest{Topics: names})
	if err != nil {
		return nil, b.client.Explain(ctx, err, about)
	}
	topics := map[string]int{}
	for _, t := range meta.Topics {
		if t.Error != nil && t.Name == wanted {
			return nil, b.client.Explain(ctx, t.Error, about)
		}
		if t.Error == nil && !t.Internal {
			topics[t.Name] = len(t.Partitions)
		}
	}
	return topics, nil
}

func (b *segmentioBroker) offsets(ctx context.Context, ps []partition, at int64) (map[partition]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timing.request)
	defer cancel()
	req := &segmentio.ListOffsetsRequest{Topics: map[string][]segmentio.OffsetRequest{}}
	for _, p := range ps {
		req.Topics[p.topic] = append(req.Topics[p.topic], segmentio.OffsetRequest{Partition: p.id, Timestamp: at})
	}
	res, err := b.client.API().ListOffsets(ctx, req)
	if err != nil {
		return nil, b.client.Explain(ctx, err, about(ps))
	}
	out := map[partition]int64{}
	for topic, list := range res.Topics {
		for _, o := range list {
			if o.Error != nil {
				return nil, b.client.Explain(ctx, o.Error, kafkaclient.About{Topic: topic})
			}
			out[partition{topic, o.Partition}] = offsetIn(o, at)
		}
	}
	return out, missing(ps, out)
}

func offsetIn(o segmentio.PartitionOffsets, at int64) int64 {
	switch at {
	case atFirst:
		return o.FirstOffset
	case atLast:
		return o.LastOffset
	}
	for offset := range o.Offsets {
		return offset
	}
	return -1
}

// about names the topic if all partitions are of one.
func about(ps []partition) kafkaclient.About {
	for _, p := range ps {
		if p.topic != ps[0].topic {
			return kafkaclient.About{}
		}
	}
	return kafkaclient.About{Topic: ps[0].topic}
}

// missing is an error if an answer lacks a partition that was asked for.
func missing(ps []partition, got map[partition]int64) error {
	for _, p := range ps {
		if _, ok := got[p]; !ok {
			return &kafkaclient.Error{Text: "the broker's answer lacks a partition of topic " + p.topic}
		}
	}
	return nil
}

func (b *segmentioBroker) committed(ctx context.Context, group string, ps []partition) (map[partition]int64, error) {
	about := kafkaclient.About{Group: group}
	if len(ps) == 0 {
		return map[partition]int64{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, b.timing.request)
	defer cancel()
	req := &segmentio.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{}}
	for _, p := range ps {
		req.Topics[p.topic] = append(req.Topics[p.topic], p.id)
	}
	res, err := b.client.API().OffsetFetch(ctx, req)
	if err == nil {
		err = res.Error
	}
	if errors.Is(err, segmentio.GroupIdNotFound) { // some brokers' way to say that it has no offsets
		return none(ps), nil
	}
	if err != nil {
		return nil, b.client.Explain(ctx, err, about)
	}
	out := map[partition]int64{}
	for topic, list := range res.Topics {
		for _, o := range list {
			if o.Error != nil {
				about.Topic = topic
				return nil, b.client.Explain(ctx, o.Error, about)
			}
			out[partition{topic, o.Partition}] = o.CommittedOffset
		}
	}
	return out, missing(ps, out)
}

func none(ps []partition) map[partition]int64 {
	out := map[partition]int64{}
	for _, p := range ps {
		out[p] = -1
	}
	return out
}

func (b *segmentioBroker) commit(ctx context.Context, group string, as member, at map[partition]int64) error {
	ctx, cancel := context.WithTimeout(ctx, b.timing.request)
	defer cancel()
	about := kafkaclient.About{Group: group}
	req := &offsetcommit.Request{
		GroupID: group, GenerationID: int32(as.generation), MemberID: as.id,
		RetentionTimeMs: -1, // the broker's own; the library's API says a day, which brokers before 2.1 obey
	}
	if as == (member{}) {
		req.GenerationID = -1
	}
	topics := map[string][]offsetcommit.RequestPartition{}
	for p, offset := range at {
		topics[p.topic] = append(topics[p.topic], offsetcommit.RequestPartition{
			// The library's API says epoch 0, from which other clients of the group would
			// conclude that the log was cut.
			PartitionIndex: int32(p.id), CommittedOffset: offset, CommittedLeaderEpoch: -1,
		})
	}
	for name, ps := range topics {
		req.Topics = append(req.Topics, offsetcommit.RequestTopic{Name: name, Partitions: ps})
	}
	res, err := b.client.RoundTrip(ctx, req)
	if err != nil && (ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded)) {
		return errNoAnswer{b.client.Explain(ctx, err, about)}
	}
	if err != nil {
		return b.client.Explain(ctx, err, about)
	}
	answer, ok := res.(*offsetcommit.Response)
	if !ok {
		return &kafkaclient.Error{Text: "the broker's answer to a commit is another one"}
	}
	for _, t := range answer.Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				about.Topic = t.Name
				return b.client.Explain(ctx, segmentio.Error(p.ErrorCode), about)
			}
		}
	}
	return nil
}
