package kafka

import (
	"context"
	"errors"
	"io"
	"time"

	segmentio "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"sluice/internal/kafkaclient"
)

// records is one set of records of a fetch, with the offset of its first, which
// compaction may have taken away.
type records interface {
	ReadRecord() (*protocol.Record, error)
	Offset() int64
}

func (b *segmentioBroker) fetch(ctx context.Context, p partition, from int64, add func(*message)) (fetched, error) {
	res, err := b.ask(ctx, p, from, maxFetch, b.timing.wait)
	if err != nil {
		return fetched{}, err
	}
	got := fetched{next: from, end: res.HighWatermark}
	sets, err := setsOf(res.Records)
	if err != nil {
		return got, b.client.Explain(ctx, err, kafkaclient.About{Topic: p.topic})
	}
	for _, set := range sets {
		if err := readSet(set, &got, add); err != nil {
			return got, b.client.Explain(ctx, err, kafkaclient.About{Topic: p.topic})
		}
	}
	if got.next > from || len(sets) == 0 {
		return got, nil
	}
	// The set that holds this offset has nothing at or behind it: compaction took
	// its tail away. The broker would give the same set again for ever.
	got.next, err = b.behindGap(ctx, p, from, got.end, sets[0].Offset())
	return got, err
}

// ask fetches once.
func (b *segmentioBroker) ask(ctx context.Context, p partition, from int64, size int, wait time.Duration) (*segmentio.FetchResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timing.request+wait)
	defer cancel()
	res, err := b.client.API().Fetch(ctx, &segmentio.FetchRequest{
		Topic: p.topic, Partition: p.id, Offset: from, MinBytes: 1, MaxBytes: int64(size), MaxWait: wait,
	})
	if err == nil {
		err = res.Error
	}
	if errors.Is(err, segmentio.OffsetOutOfRange) {
		return nil, errOutOfRange{p}
	}
	b.client.Moved(err)
	return res, b.client.Explain(ctx, err, kafkaclient.About{Topic: p.topic})
}

// setsOf are the sets of records of an answer.
func setsOf(r protocol.RecordReader) ([]records, error) {
	stream, ok := r.(*protocol.RecordStream)
	if !ok {
		return nil, nil // an answer without records has another reader
	}
	var sets []records
	for _, one := range stream.Records {
		set, ok := one.(records)
		if !ok {
			return nil, errors.New("records of an unknown kind")
		}
		sets = append(sets, set)
	}
	return sets, nil
}

// readSet reads a set of records; those of the transaction protocol are no
// messages.
func readSet(set records, got *fetched, add func(*message)) error {
	_, control := set.(*protocol.ControlBatch)
	var m message
	for {
		r, err := set.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		m.offset, m.time = r.Offset, r.Time
		if m.key, err = readPart(m.key[:0], r.Key); err != nil {
			return err
		}
		if m.value, err = readPart(m.value[:0], r.Value); err != nil {
			return err
		}
		m.headers = m.headers[:0]
		for _, h := range r.Headers {
			m.headers = append(m.headers, header{h.Key, h.Value})
		}
		if r.Offset >= got.next {
			got.next = r.Offset + 1
			if !control {
				add(&m)
			}
		}
	}
}

// readPart reads a key or value into buf; nil stays nil, and no bytes do not
// become it.
func readPart(buf []byte, part protocol.Bytes) ([]byte, error) {
	if part == nil {
		return nil, nil
	}
	n := part.Len()
	if cap(buf) < n || buf == nil {
		buf = make([]byte, 0, max(n, 64))
	}
	buf = buf[:n]
	_, err := io.ReadFull(part, buf)
	return buf, errors.Join(err, part.Close())
}

// behindGap is the first offset behind from which the broker answers with
// another set than the one that begins at base.
func (b *segmentioBroker) behindGap(ctx context.Context, p partition, from, end, base int64) (int64, error) {
	another := func(at int64) (bool, error) {
		if at >= end {
			return true, nil
		}
		res, err := b.ask(ctx, p, at, 1, b.timing.wait)
		if err != nil {
			return false, err
		}
		sets, err := setsOf(res.Records)
		return len(sets) == 0 || sets[0].Offset() != base, err
	}
	same, step := from, int64(1)
	for {
		found, err := another(same + step)
		if err != nil {
			return from, err
		}
		if found {
			break
		}
		same, step = same+step, step*2
	}
	for step > 1 { // same is in the set, same+step is not
		half := step / 2
		found, err := another(same + half)
		if err != nil {
			return from, err
		}
		if found {
			step = half
		} else {
			same, step = same+half, step-half
		}
	}
	return min(same+1, max(end, from+1)), nil
}
