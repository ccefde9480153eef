package docker

import (
	"context"
	"sync"
)

// feed is a follow connection: a goroutine reads it into chunks, so that who
// takes them can keep time.
type feed struct {
	opened chan struct{} // closed when the daemon has answered, or the feed has ended
	chunks chan chunk    // the reading goroutine sends and closes
	err    error         // why it ended; read behind the close of chunks
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// chunk is messages that came together. The receiver owns them.
type chunk []message

const (
	// chunkBytes and chunkMessages bound a chunk; one more waits in the channel
	// and one in the connection's buffer.
	chunkBytes    = 64 << 10
	chunkMessages = 512
)

// openFeed follows a container's log from its end: no daemon reads a backlog and
// follows without losing lines where files rotate meanwhile.
func (r *reader) openFeed(ctx context.Context) *feed {
	r.src.stats.Requests.Add(1)
	ctx, cancel := context.WithCancel(ctx)
	f := &feed{opened: make(chan struct{}), chunks: make(chan chunk, 1), cancel: cancel}
	q := request{id: r.id, tail: 0, follow: true, tty: r.tty}
	f.done.Go(func() {
		defer close(f.chunks)
		f.err = f.run(ctx, r.eng, q)
	})
	return f
}

// close ends the connection and waits for its goroutine.
func (f *feed) close() {
	f.cancel()
	f.done.Wait()
}

func (f *feed) run(ctx context.Context, e engine, q request) error {
	answered := sync.OnceFunc(func() { close(f.opened) })
	defer answered()
	resp, err := e.Logs(ctx, q)
	if err != nil {
		return err
	}
	defer resp.Close()
	answered()
	for {
		c, err := readChunk(resp)
		if len(c) > 0 {
			select {
			case f.chunks <- c:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err != nil {
			return err
		}
	}
}

// readChunk waits for a message and takes those that came with it.
func readChunk(d decoder) (chunk, error) {
	var c chunk
	var bytes []byte
	for {
		m, err := d.next()
		if err != nil {
			return c, err
		}
		from := len(bytes)
		bytes = append(bytes, m.text...) // may move: earlier texts keep the old array
		m.text = bytes[from:len(bytes):len(bytes)]
		c = append(c, m)
		if !d.pending() || len(bytes) >= chunkBytes || len(c) >= chunkMessages {
			return c, nil
		}
	}
}
