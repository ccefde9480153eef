package kafka

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"

	segmentio "github.com/segmentio/kafka-go"

	"sluice/internal/kafkaclient"
	"sluice/internal/record"
)

// Copies writes what was redacted. A message goes to the partition of the number
// it had, which its producer computed from the original key, with the key,
// headers, null parts and time it had, redacted. A key that held a secret is
// another key afterwards: compaction of the target keeps the last message for
// each redacted key, so keys that differ in their secret alone stay apart by
// their prints, and only as long as the print key is the same. Lines of other
// sources become messages without a key, those of a stream in one partition.
type Copies struct{ w *writer }

// NewCopies connects, and fails if the topic cannot be written to.
func NewCopies(ctx context.Context, cfg Config) (*Copies, error) {
	w, err := open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Copies{w}, nil
}

// Write writes the records of ds, those of a partition in order.
func (s *Copies) Write(ctx context.Context, ds []record.Delivery) error {
	places, sizes := make([]int, len(ds)), map[int]int{}
	for i := range ds {
		d := &ds[i]
		if len(d.Records) == 0 {
			continue
		}
		p, err := s.partition(ctx, d)
		if err != nil {
			return err
		}
		messages, _ := count(d.Records)
		places[i], sizes[p] = p, sizes[p]+messages
	}
	out := make(map[int][]outgoing, len(sizes))
	for i := range ds {
		d, p := &ds[i], places[i]
		if len(d.Records) == 0 {
			continue
		}
		if out[p] == nil {
			out[p] = make([]outgoing, 0, sizes[p])
		}
		if d.Origin.Kind == kafkaclient.Kind {
			out[p] = appendMessages(out[p], d)
		} else {
			out[p] = appendLines(out[p], d)
		}
	}
	return s.w.writeAll(ctx, out)
}

// Close ends the connections; everything is written.
func (s *Copies) Close(context.Context) error {
	s.w.close()
	return nil
}

// partition is where a delivery goes.
func (s *Copies) partition(ctx context.Context, d *record.Delivery) (int, error) {
	if d.Origin.Kind != kafkaclient.Kind {
		n, err := s.w.partitions(ctx, s.w.cfg.Topic, 1)
		return spread(d.Origin.Name+"/"+d.Origin.Stream, n), wrap(s.w.cfg.Topic, 0, err)
	}
	p, err := strconv.Atoi(d.Origin.Stream)
	if err != nil || p < 0 {
		return 0, fmt.Errorf("copy messages: partition %s is no number", record.Printable(d.Origin.Stream))
	}
	n, err := s.w.partitions(ctx, s.w.cfg.Topic, p+1)
	if err != nil {
		return 0, wrap(s.w.cfg.Topic, p, err)
	}
	if p >= n {
		return 0, fmt.Errorf("write to kafka topic %s: it has %d partitions and needs %d, as many as %s, so that keys stay where they are",
			s.w.cfg.Topic, n, p+1, record.Printable(d.Origin.Name))
	}
	return p, nil
}

// appendMessages puts the parts of messages together again. What they have in
// common is allocated once for all: a message has ten allocations otherwise.
func appendMessages(out []outgoing, d *record.Delivery) []outgoing {
	messages, headers := count(d.Records)
	all := make([]segmentio.Header, 0, headers+messages)
	prefix := d.Origin.Name + "/" + d.Origin.Stream + "/"
	places := make([]byte, 0, messages*(len(prefix)+len("1000000000000")))
	for i := 0; i < len(d.Records); {
		o := outgoing{time: d.Records[i].Time, headers: all[len(all):]}
		msg := d.Records[i].Msg
		from := len(places)
		places = strconv.AppendInt(append(places, prefix...), d.Records[i].Base, 10)
		for ; i < len(d.Records) && d.Records[i].Msg == msg; i++ {
			o.part(&d.Records[i], d.Clean)
		}
		o.headers = append(o.headers, segmentio.Header{Key: SourceHeader, Value: places[from:len(places):len(places)]})
		all = all[:len(all)+len(o.headers)]
		o.headers = slices.Clip(o.headers)
		out = append(out, o)
	}
	return out
}

// count is how many messages and headers records are parts of.
func count(rs []record.Record) (messages, headers int) {
	for i := range rs {
		if i == 0 || rs[i].Msg != rs[i-1].Msg {
			messages++
		}
		if rs[i].Part == record.PartHeaderKey {
			headers++
		}
	}
	return messages, headers
}

// part takes one part of a message over.
func (o *outgoing) part(r *record.Record, clean []byte) {
	text := clean[r.Start:r.End:r.End]
	switch {
	case r.Null:
		text = nil
	case text == nil:
		text = []byte{}
	}
	switch r.Part {
	case record.PartKey:
		o.key = text
	case record.PartHeaderKey:
		o.headers = append(o.headers, segmentio.Header{Key: string(text)})
	case record.PartHeaderValue:
		if n := len(o.headers); n > 0 {
			o.headers[n-1].Value = text
		}
	default:
		o.value = text
	}
}

// appendLines makes a message of each line.
func appendLines(out []outgoing, d *record.Delivery) []outgoing {
	from := []byte(d.Origin.Kind + ":" + d.Origin.Name)
	if d.Origin.Stream != "" {
		from = append(append(from, '/'), d.Origin.Stream...)
	}
	for _, r := range d.Records {
		line := d.Clean[r.Start:r.End]
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\r'})
		out = append(out, outgoing{
			value: line[:len(line):len(line)], time: r.Time, headers: []segmentio.Header{{Key: SourceHeader, Value: from}},
		})
	}
	return out
}
