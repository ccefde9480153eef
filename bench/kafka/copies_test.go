package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	segmentio "github.com/segmentio/kafka-go"

	"sluice/internal/kafkaclient"
	"sluice/internal/pipeline"
	"sluice/internal/redact"
	kafkasink "sluice/sinks/kafka"
	kafkasource "sluice/sources/kafka"
)

// TestMain lets the test binary be a plain copy: a process of its own, as the
// program that it is compared with.
func TestMain(m *testing.M) {
	if from := os.Getenv("SLUICE_BENCH_COPY_FROM"); from != "" {
		how := plainCopy
		if os.Getenv("SLUICE_BENCH_COPY_BY") == "library" {
			how = libraryCopy
		}
		if err := how(from, os.Getenv("SLUICE_BENCH_COPY_TO")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// ballast is what the program's one pass has too, so that the collector of the
// copy works as seldom.
var ballast = make([]byte, 8<<20)

// plainCopy copies a topic as the program does, without looking at a byte: with
// its own source and sink, so that batches, requests, acknowledgements and codec
// are the same, and all that differs is views, detectors and redaction.
func plainCopy(from, to string) error {
	src, err := kafkasource.Open(from, kafkaclient.Env{}, kafkasource.Config{})
	if err != nil {
		return err
	}
	cfg, err := kafkasink.Parse(to, kafkaclient.Env{})
	if err != nil {
		return err
	}
	sink, err := kafkasink.NewCopies(context.Background(), cfg)
	if err != nil {
		return err
	}
	err = pipeline.Run(context.Background(), context.Background(), pipeline.Config{
		Sources: []pipeline.Source{src}, Sink: sink, Jobs: 2, Ordered: true,
		Detectors: func() []pipeline.Detector { return nil },
		Redactor:  redact.New(redact.Config{PrintKey: make([]byte, 16)}),
	})
	_ = ballast[0]
	return err
}

// libraryCopy copies a topic as the client library's own documentation has it: a
// Reader for each partition, a Writer that waits for all replicas. Messages are
// asked for and written by the megabyte, as the program does.
func libraryCopy(from, to string) error {
	broker, in, err := split(from)
	if err != nil {
		return err
	}
	_, out, err := split(to)
	if err != nil {
		return err
	}
	errs := make([]error, partitions)
	var copying sync.WaitGroup
	for p := range partitions {
		copying.Go(func() { errs[p] = copyPartition(broker, in, out, p) })
	}
	copying.Wait()
	return errors.Join(errs...)
}

// split is the broker and the topic of a URI without parameters.
func split(uri string) (broker, topic string, err error) {
	broker, topic, ok := strings.Cut(strings.TrimPrefix(uri, kafkaclient.Kind+"://"), "/")
	if _, _, err := net.SplitHostPort(broker); err != nil || !ok {
		return "", "", fmt.Errorf("%q is not kafka://HOST:PORT/TOPIC", uri)
	}
	return broker, topic, nil
}

// atOnce is how many messages are written together: about a megabyte.
const atOnce = 3000

func copyPartition(broker, in, out string, p int) (err error) {
	ctx := context.Background()
	conn, err := segmentio.DialLeader(ctx, "tcp", broker, in, p)
	if err != nil {
		return err
	}
	end, err := conn.ReadLastOffset()
	if err = errors.Join(err, conn.Close()); err != nil {
		return err
	}
	r := segmentio.NewReader(segmentio.ReaderConfig{
		Brokers: []string{broker}, Topic: in, Partition: p, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 500 * time.Millisecond, QueueCapacity: 2 * atOnce,
	})
	w := &segmentio.Writer{
		Addr: segmentio.TCP(broker), Topic: out, RequiredAcks: segmentio.RequireAll,
		BatchSize: atOnce, BatchBytes: 1 << 20, BatchTimeout: time.Millisecond,
		Balancer: segmentio.BalancerFunc(func(segmentio.Message, ...int) int { return p }),
	}
	defer func() { err = errors.Join(err, r.Close(), w.Close()) }()
	batch := make([]segmentio.Message, 0, atOnce)
	for next := int64(0); next < end; {
		m, err := r.FetchMessage(ctx)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		next = m.Offset + 1
		m.Headers = append(m.Headers, segmentio.Header{Key: kafkasink.SourceHeader, Value: []byte(in + "/" + strconv.Itoa(p) + "/" + strconv.FormatInt(m.Offset, 10))})
		batch = append(batch, segmentio.Message{Key: m.Key, Value: m.Value, Headers: m.Headers, Time: m.Time})
		if len(batch) == cap(batch) || next >= end {
			if err := w.WriteMessages(ctx, batch...); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return nil
}
