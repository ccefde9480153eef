package child

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// maxPart is how much of a line is kept back until its end comes, so that what
// is dropped is dropped in whole lines; sources/lines cuts longer ones anyway.
const maxPart = 2 << 20

// queue is the buffer between the child and the pipeline: a writer that never
// waits, a reader that does and is given whole lines.
type queue struct {
	limit int

	mu        sync.Mutex
	ready     sync.Cond
	buf       []byte // buf[start:] is written and not read
	start     int
	lines     int   // buf[start:lines] ends with a line
	dropping  bool  // what comes is dropped, up to a line end at which there is room
	dropped   int64 // lines, since the notice before
	told      int64 // lines, since takeDropped
	abandoned bool  // the reader has gone: read and forget
	err       error // the child's end
}

func newQueue(limit int) *queue {
	q := &queue{limit: limit}
	q.ready.L = &q.mu
	return q
}

// fill reads the child to its end.
func (q *queue) fill(src io.Reader) {
	chunk := make([]byte, 256<<10)
	for {
		n, err := src.Read(chunk)
		q.put(chunk[:n], err)
		if err != nil {
			return
		}
	}
}

func (q *queue) put(p []byte, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.abandoned:
	case q.dropping || q.waiting()+len(p) > q.limit:
		q.squeeze(p)
	default:
		q.add(p)
	}
	if err != nil {
		q.notice()
		q.err = err
	}
	q.ready.Signal()
}

func (q *queue) waiting() int { return len(q.buf) - q.start }

func (q *queue) add(p []byte) {
	// At most twice as much is moved as was read, and no more is kept than half.
	if q.start > 0 && len(q.buf)+len(p) > cap(q.buf) && q.start >= q.waiting()/2 {
		q.buf = q.buf[:copy(q.buf, q.buf[q.start:])]
		q.lines, q.start = max(q.lines-q.start, 0), 0
	}
	q.buf = append(q.buf, p...)
	if i := bytes.LastIndexByte(p, '\n'); i >= 0 {
		q.lines = len(q.buf) - len(p) + i + 1
	}
}

// squeeze takes what fits of p, line by line, and counts the lines that don't.
func (q *queue) squeeze(p []byte) {
	for len(p) > 0 {
		n := bytes.IndexByte(p, '\n') + 1
		whole := n > 0
		if !whole {
			n = len(p)
		}
		line := p[:n]
		p = p[n:]
		if !q.dropping && q.waiting()+n <= q.limit {
			q.add(line)
			continue
		}
		if !q.dropping {
			q.buf = q.buf[:max(q.lines, q.start)] // the line began here: it is dropped whole
			q.dropping = true
		}
		if whole {
			q.dropped++
			// Half the buffer has to be free again, or it would be a notice a line.
			if q.waiting() <= q.limit/2 {
				q.notice()
			}
		}
	}
}

// notice puts a line of ours in the place of those that were dropped.
func (q *queue) notice() {
	if !q.dropping {
		return
	}
	q.dropping = false
	q.dropped = max(q.dropped, 1) // the end may come in the middle of a line
	q.add(fmt.Appendf(nil, "[sluice:withheld:0000000000000000] %d lines: Sluice was behind\n", q.dropped))
	q.told += q.dropped
	q.dropped = 0
}

// takeDropped is how many lines were dropped since it was asked last.
func (q *queue) takeDropped() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.told
	q.told = 0
	return n
}

// abandon lets the child go on writing into nowhere.
func (q *queue) abandon() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.abandoned, q.buf, q.start, q.lines = true, nil, 0, 0
	q.ready.Signal()
}

// whole is how much may be read now: whole lines, or what there is of one that
// is too long or has no end to come.
func (q *queue) whole() int {
	if n := q.lines - q.start; n > 0 {
		return n
	}
	if q.err != nil || q.waiting() > min(maxPart, q.limit/2) {
		return q.waiting()
	}
	return 0
}

// Read waits for the child.
func (q *queue) Read(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.whole() == 0 && q.err == nil && !q.abandoned {
		q.ready.Wait()
	}
	switch {
	case q.abandoned:
		return 0, errAbandoned
	case q.whole() > 0:
		n := copy(p, q.buf[q.start:q.start+q.whole()])
		q.start += n
		return n, nil
	}
	return 0, q.err
}
