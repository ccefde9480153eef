package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	segmentio "github.com/segmentio/kafka-go"

	"sluice/internal/kafkaclient"
)

const (
	// requestTimeout bounds one attempt.
	requestTimeout = 30 * time.Second
	// maxRequest is how many bytes of messages go into one request: brokers take a
	// megabyte in a batch unless they are told otherwise.
	maxRequest = 900 << 10
	// overhead is what a message costs beside its parts, in bytes of a request.
	overhead = 32
)

// outgoing is a message on its way. Its bytes are the delivery's.
type outgoing struct {
	key, value []byte // nil: null
	headers    []segmentio.Header
	time       time.Time // zero: now
}

func (o *outgoing) size() int {
	n := overhead + len(o.key) + len(o.value)
	for _, h := range o.headers {
		n += overhead + len(h.Key) + len(h.Value)
	}
	return n
}

// refusal says that a topic does not take messages for what they are.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// writeAll writes messages by partition: those of one in order, partitions at the
// same time, since each waits for its own replicas.
func (w *writer) writeAll(ctx context.Context, all map[int][]outgoing) error {
	errs := make(chan error, len(all))
	for p, messages := range all {
		go func() { errs <- w.write(ctx, p, messages) }()
	}
	var first error
	for range all {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}

// write writes messages to a partition of the topic, in order.
func (w *writer) write(ctx context.Context, partition int, all []outgoing) error {
	for len(all) > 0 {
		n, size := 0, 0
		for n < len(all) && (n == 0 || size+all[n].size() <= maxRequest) {
			size += all[n].size()
			n++
		}
		if err := w.writeSome(ctx, partition, all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// writeSome writes messages in one request. If they are refused, each half is
// tried, down to the message that is the reason.
func (w *writer) writeSome(ctx context.Context, partition int, some []outgoing) error {
	err := w.insist(ctx, func() error { return w.produce(ctx, w.cfg.Topic, partition, some) })
	if !errors.As(err, new(refusal)) {
		return wrap(w.cfg.Topic, partition, err)
	}
	if len(some) == 1 {
		return w.bury(ctx, &some[0], err)
	}
	half := len(some) / 2
	if err := w.writeSome(ctx, partition, some[:half]); err != nil {
		return err
	}
	return w.writeSome(ctx, partition, some[half:])
}

func wrap(topic string, partition int, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("write to kafka topic %s, partition %d: %w", topic, partition, err)
}

// produce makes one attempt.
func (w *writer) produce(ctx context.Context, topic string, partition int, some []outgoing) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	res, err := w.client.API().Produce(ctx, &segmentio.ProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: segmentio.RequireAll,
		Records: &recordReader{rest: some}, Compression: w.cfg.Compression,
	})
	if err == nil {
		err = res.Error
	}
	if err == nil {
		return nil
	}
	w.client.Moved(err)
	explained := w.client.Explain(ctx, err, kafkaclient.About{Topic: topic, Write: true})
	for _, code := range []segmentio.Error{
		segmentio.MessageSizeTooLarge, segmentio.RecordListTooLarge, segmentio.InvalidRecord, segmentio.InvalidTimestamp,
	} {
		if errors.Is(err, code) {
			return refusal{explained}
		}
	}
	if errors.Is(err, segmentio.UnknownTopicOrPartition) {
		// It was there when we began: a broker that has just started may not know yet.
		return &kafkaclient.Error{Text: explained.Error()}
	}
	return explained
}

// recordReader gives the client messages one after the other. It takes what a
// record says before it asks for the next, so all share one.
type recordReader struct {
	rest       []outgoing
	record     segmentio.Record
	key, value part
}

func (r *recordReader) ReadRecord() (*segmentio.Record, error) {
	if len(r.rest) == 0 {
		return nil, io.EOF
	}
	o := &r.rest[0]
	r.rest = r.rest[1:]
	r.record = segmentio.Record{Key: r.key.of(o.key), Value: r.value.of(o.value), Headers: o.headers, Time: o.time}
	return &r.record, nil
}

// part is a key or value as the client reads it.
type part struct{ bytes.Reader }

func (*part) Close() error { return nil }

// of is a part of text; nil is null.
func (p *part) of(text []byte) segmentio.Bytes {
	if text == nil {
		return nil
	}
	p.Reset(text)
	return p
}

// bury writes a message that the topic refuses to the dead-letter topic; its
// value stays away if that refuses it too.
func (w *writer) bury(ctx context.Context, o *outgoing, why error) error {
	if w.cfg.DeadLetter == "" {
		return fmt.Errorf("write to kafka topic %s: a message (%s) is refused: %w; name a topic for such messages with dead-letter=TOPIC",
			w.cfg.Topic, source(o), why)
	}
	dead := *o
	dead.headers = append(append([]segmentio.Header(nil), o.headers...), segmentio.Header{Key: ErrorHeader, Value: []byte(why.Error())})
	n, err := w.partitions(ctx, w.cfg.DeadLetter, 1)
	if err != nil {
		return wrap(w.cfg.DeadLetter, 0, err)
	}
	partition := spread(source(o), n)
	put := func() error { return w.produce(ctx, w.cfg.DeadLetter, partition, []outgoing{dead}) }
	if err = w.insist(ctx, put); errors.As(err, new(refusal)) {
		dead.value = fmt.Appendf(nil, "[sluice] %d bytes, which the dead-letter topic refuses too", len(o.value))
		dead.key = nil
		dead.headers = dead.headers[len(dead.headers)-1:]
		if at := source(o); at != "" {
			dead.headers = append(dead.headers, segmentio.Header{Key: SourceHeader, Value: []byte(at)})
		}
		err = w.insist(ctx, put)
	}
	return wrap(w.cfg.DeadLetter, partition, err)
}

// source is where a message was copied from, by its last header of that name:
// one that it brought along says where it was before.
func source(o *outgoing) string {
	for i := len(o.headers) - 1; i >= 0; i-- {
		if o.headers[i].Key == SourceHeader {
			return string(o.headers[i].Value)
		}
	}
	return ""
}

// spread chooses a partition as Kafka's own producer does for a key.
func spread(key string, partitions int) int {
	all := make([]int, max(partitions, 1))
	for i := range all {
		all[i] = i
	}
	return segmentio.Murmur2Balancer{Consistent: true}.Balance(segmentio.Message{Key: []byte(strings.Clone(key))}, all...)
}
