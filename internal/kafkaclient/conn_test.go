package kafkaclient

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"sluice/internal/record"
)

// A broker that takes connections and says nothing holds nobody for ever, not
// even while we log in.
func TestSilentBroker(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var taking sync.WaitGroup
	var taken []net.Conn
	taking.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			taken = append(taken, c)
		}
	})
	defer func() {
		_ = l.Close()
		taking.Wait()
		for _, c := range taken {
			_ = c.Close()
		}
	}()
	for _, mechanism := range []string{"", Plain, ScramSHA512} {
		c, err := New(Options{Brokers: []string{l.Addr().String()}, SASL: mechanism, User: "u", Password: record.NewSecret("the-password")})
		if err != nil {
			t.Fatal(err)
		}
		c.silence = 20 * time.Millisecond
		if mechanism != "" {
			if err := c.Ping(context.Background()); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%q: %v", mechanism, err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := c.API().Metadata(ctx, &kafka.MetadataRequest{}); err == nil {
			t.Errorf("%q: a broker that says nothing has answered", mechanism)
		}
		cancel()
		c.Close()
	}
}
