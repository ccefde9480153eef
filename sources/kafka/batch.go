package kafka

import (
	"bytes"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"sluice/internal/kafkaclient"
	"sluice/internal/record"
)

// maxBatch is how many bytes of messages go into one batch; a larger message
// has one of its own.
const maxBatch = 256 << 10

// batcher turns messages into batches of one stream.
type batcher struct {
	origin   record.Origin
	stream   string
	epoch    int64
	withhold bool // what is binary

	most int32 // messages in a batch

	done  []batch
	open  batch
	size  int   // of the text, and
	parts int   // how many records: most batches of a stream are alike
	count int64 // messages since the last take
}

// batch is a batch with what is counted of it.
type batch struct {
	record.Batch
	messages, binary int64
}

// newBatcher makes batches of which several fit into a window, so that some are
// worked on while others are committed.
func newBatcher(a *assignment, binary Binary, window int64) *batcher {
	most := int64(math.MaxInt32)
	if window > 0 {
		most = max(window/4, 1)
	}
	return &batcher{
		most:   int32(min(most, math.MaxInt32)),
		origin: record.Origin{Kind: kafkaclient.Kind, Name: a.topic, Stream: strconv.Itoa(a.id)},
		stream: a.stream, epoch: a.epoch, withhold: binary == BinaryWithhold,
	}
}

// add appends a message, whose bytes it copies.
func (b *batcher) add(m *message) {
	n := len(m.key) + len(m.value)
	for _, h := range m.headers {
		n += len(h.key) + len(h.value)
	}
	if len(b.open.Text) > 0 && len(b.open.Text)+n > maxBatch || b.open.messages >= int64(b.most) {
		b.finish()
	}
	if len(b.open.Records) == 0 {
		b.open.Batch = record.Batch{Origin: b.origin, Messages: true,
			Text: make([]byte, 0, max(n, b.size)), Records: make([]record.Record, 0, b.parts)}
	}
	b.count++
	if m.key != nil {
		b.part(m, record.PartKey, m.key)
	}
	for _, h := range m.headers {
		b.part(m, record.PartHeaderKey, []byte(h.key))
		b.part(m, record.PartHeaderValue, h.value)
	}
	b.part(m, record.PartValue, m.value)
	if binary(m.value) {
		b.open.binary++
	}
	last := &b.open.Records[len(b.open.Records)-1]
	last.Next, last.Sub = m.offset+1, 0
	b.open.End = record.Mark{Stream: b.stream, Epoch: b.epoch, Offset: m.offset + 1}
	b.open.messages++
}

// part appends one part. The mark behind it is inside the message: committing
// it would not count the message as delivered.
func (b *batcher) part(m *message, kind record.Part, text []byte) {
	start := len(b.open.Text)
	b.open.Text = append(b.open.Text, text...)
	sub, msg := int64(1), int32(b.open.messages)
	if n := len(b.open.Records); n > 0 && b.open.Records[n-1].Msg == msg {
		sub = b.open.Records[n-1].Sub + 1
	}
	b.open.Records = append(b.open.Records, record.Record{
		Span: record.Span{Start: start, End: len(b.open.Text)}, Base: m.offset, Next: m.offset, Sub: sub,
		Time: m.time, Part: kind, Msg: msg, Null: text == nil,
		Withhold: b.withhold && (kind == record.PartValue || kind == record.PartHeaderValue) && binary(text),
	})
}

func (b *batcher) finish() {
	if len(b.open.Records) > 0 {
		b.done = append(b.done, b.open)
		// The last one of a fetch is smaller, and says little about the next.
		b.size = min(max(len(b.open.Text), b.size/2), maxBatch)
		b.parts = max(len(b.open.Records), b.parts/2)
	}
	b.open = batch{}
}

// take returns the batches.
func (b *batcher) take() []batch {
	b.finish()
	batches := b.done
	b.done, b.count = nil, 0
	return batches
}

// binary says that bytes are no text: compressed, Avro, Protobuf and the like.
func binary(text []byte) bool {
	return bytes.IndexByte(text, 0) >= 0 || !utf8.Valid(text)
}

// inTime says whether messages of a time are wanted.
func (c *Config) inTime(t time.Time) bool {
	return (c.Since.IsZero() || !t.Before(c.Since)) && (c.Until.IsZero() || t.Before(c.Until))
}
