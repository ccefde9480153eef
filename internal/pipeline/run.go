package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"sluice/internal/reassemble"
	"sluice/internal/record"
)

const (
	// DefaultBudget is how many raw bytes may be in flight: read and not yet
	// delivered. It bounds memory together with Jobs.
	DefaultBudget = 16 << 20
	// DefaultHoldFor is how long a quiet stream's held line end waits.
	DefaultHoldFor = 200 * time.Millisecond
	// batchOverhead is what a batch costs beside its text, in budget bytes, and
	// recordCost what each record does: a batch of short lines is mostly records.
	batchOverhead = 1 << 10
	recordCost    = 88
	// maxUnread bounds what is remembered of streams that could not be read.
	maxUnread = 1000
)

// Redactor turns a batch and its matches into what may leave the program.
type Redactor interface {
	Apply(b *record.Batch, matches []record.Match) record.Delivery
}

// Teller is a Redactor that can leave out what only text sinks read: the delivery
// of Tell has no Clean and no Records, and aliases nothing of the batch.
type Teller interface {
	Tell(b *record.Batch, matches []record.Match) record.Delivery
}

// Config wires a run. Sources, Detectors, Redactor and Sink are required.
type Config struct {
	Sources   []Source
	Detectors func() []Detector // loaded once a batch; earlier ones name overlaps
	// Views fills b.Views and returns the raw spans that it could not examine; free
	// is called when nobody reads the views any more. nil: there are none.
	Views    func(b *record.Batch) (missed []record.Span, free func())
	Resolve  func(ctx context.Context, ms []record.Match)
	Hold     func() reassemble.Hold // loaded once a stream; nil: nothing is held but PEM blocks
	Redactor Redactor
	Sink     Sink
	Jobs     int           // workers; at least 1
	Budget   int64         // bytes; 0: DefaultBudget
	HoldFor  time.Duration // 0: DefaultHoldFor
	Ordered  bool          // deliver across streams in the order of reading
	Stats    *Stats        // counts while it runs; nil: own
	// FindingsOnly says that the sink reads neither Clean nor Records of deliveries.
	FindingsOnly bool
	// Done is called with Run's error so far when all is delivered and before
	// the sink is closed: reports end with what became of the run. May be nil.
	Done func(err error)
}

// Stats counts while a run goes on; read it any time.
type Stats struct {
	Bytes, Records, Withheld, Findings atomic.Int64
	Streams, Panics                    atomic.Int64
	BySeverity                         [8]atomic.Int64 // findings that are not known

	mu     sync.Mutex
	unread []Unread
}

// Unread is a stream that was not examined to its end, and why.
type Unread struct{ Name, Reason string }

func (u Unread) String() string { return record.Printable(u.Name) + ": " + u.Reason }

// Unread says what was not examined, at most maxUnread streams of it.
func (s *Stats) Unread() []Unread {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Unread(nil), s.unread...)
}

// Worst is the highest severity of a finding that is not known.
func (s *Stats) Worst() record.Severity {
	for i := len(s.BySeverity) - 1; i > 0; i-- {
		if s.BySeverity[i].Load() > 0 {
			return record.Severity(i)
		}
	}
	return record.SeverityNone
}

// errStopped is what emit returns once nothing more is taken.
var errStopped = errors.New("pipeline stopped")

// gaveUp is the cause of the sources' context when delivery has failed: nothing
// that they emitted will be committed any more, so they need not wait for it.
type gaveUp struct{ error }

// GaveUp is what sources that cannot import this package look for.
func (gaveUp) GaveUp() bool { return true }

type run struct {
	cfg    Config
	budget *semaphore.Weighted
	size   int64
	// jobs is sent to by emit and flush, and closed by Run. With the batch that a source
	// waits to send there is one for each worker: with more, memory is further from the
	// processor's cache by the time that it is read into again.
	jobs    chan *job
	stats   *Stats
	deliver context.Context
	fail    context.CancelCauseFunc
	tell    redactFunc // Apply, or Tell
	tells   bool       // it is Tell

	lanes  lanes
	queues queues
}

// Run reads until all sources have ended or read ends, delivers what was read,
// closes the sink and returns the sources' errors joined, or the error that
// stopped delivery. deliver ends only to give up: what is not delivered then
// was not committed.
func Run(read, deliver context.Context, cfg Config) error {
	if cfg.Budget == 0 {
		cfg.Budget = DefaultBudget
	}
	if cfg.HoldFor == 0 {
		cfg.HoldFor = DefaultHoldFor
	}
	if cfg.Stats == nil {
		cfg.Stats = &Stats{}
	}
	read, stop := context.WithCancelCause(read)
	defer stop(nil)
	deliver, fail := context.WithCancelCause(deliver)
	defer fail(nil)
	r := &run{
		cfg: cfg, budget: semaphore.NewWeighted(cfg.Budget), size: cfg.Budget,
		jobs: make(chan *job, max(cfg.Jobs, 1)-1), stats: cfg.Stats, deliver: deliver,
		fail:  func(err error) { fail(err); stop(gaveUp{errStopped}) },
		lanes: lanes{holding: make(chan struct{}, 1)},
	}
	r.tell = cfg.Redactor.Apply
	if t, ok := cfg.Redactor.(Teller); ok && cfg.FindingsOnly {
		r.tell, r.tells = t.Tell, true
	}
	var workers sync.WaitGroup
	for range max(cfg.Jobs, 1) {
		workers.Go(r.work)
	}
	err := r.read(read)
	close(r.jobs)
	workers.Wait()
	r.queues.wait()
	if cause := context.Cause(deliver); cause != nil {
		err = errors.Join(cause, err)
	}
	if cfg.Done != nil {
		cfg.Done(err)
	}
	// The report of a run that was given up is still written whole.
	if cerr := cfg.Sink.Close(context.WithoutCancel(deliver)); cerr != nil {
		err = errors.Join(err, fmt.Errorf("close sink: %w", cerr))
	}
	return err
}

// read runs the sources and the flushing of quiet streams, then flushes all.
func (r *run) read(ctx context.Context) error {
	errs := make([]error, len(r.cfg.Sources))
	var sources, flusher sync.WaitGroup
	done := make(chan struct{})
	flusher.Go(func() { r.flushQuiet(ctx, done) })
	for i, src := range r.cfg.Sources {
		sources.Go(func() {
			errs[i] = src.Run(ctx, func(b record.Batch) error { return r.emit(ctx, i, src, b) })
			if errors.Is(errs[i], errStopped) || (ctx.Err() != nil && errors.Is(errs[i], ctx.Err())) {
				errs[i] = nil
			}
		})
	}
	sources.Wait()
	close(done)
	flusher.Wait()
	if r.deliver.Err() == nil {
		r.lanes.each(func(l *lane) { r.flush(r.deliver, l) })
	}
	return errors.Join(errs...)
}

// emit is what sources call.
func (r *run) emit(ctx context.Context, index int, src Source, b record.Batch) error {
	if r.deliver.Err() != nil {
		return errStopped
	}
	l := r.lanes.get(laneKey{index, b.End.Stream}, func() *lane { return r.newLane(src, index, &b) })
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		return errStopped
	}
	final := b.Final
	ready, ok := l.stream.Push(b)
	r.lanes.setHeld(l, time.Now())
	if final {
		r.lanes.drop(laneKey{index, b.End.Stream})
	}
	if !ok {
		return nil
	}
	return r.enqueue(ctx, l, ready)
}

// enqueue takes budget for a batch and puts it into its queue and before the
// workers. The lane is locked, so batches of a stream stay in order.
func (r *run) enqueue(ctx context.Context, l *lane, b record.Batch) error {
	cost := min(int64(len(b.Text)+len(b.Records)*recordCost)+batchOverhead, r.size)
	if err := r.budget.Acquire(ctx, cost); err != nil {
		l.broken = true
		return errStopped
	}
	b.Origin = l.origin
	j := &job{batch: b, lane: l, cost: cost, free: b.Free, done: make(chan struct{})}
	r.queues.push(r, l.queueKey, j)
	select {
	case r.jobs <- j:
		return nil
	case <-r.deliver.Done():
		l.broken = true
		close(j.done)
		return errStopped
	}
}

// flushQuiet lets go of what is held back in streams that are silent. It sleeps
// while nothing is: a process at rest is to stay at rest.
func (r *run) flushQuiet(ctx context.Context, done <-chan struct{}) {
	tick := time.NewTicker(r.cfg.HoldFor / 2)
	tick.Stop()
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-r.deliver.Done():
			return
		case <-r.lanes.holding:
			tick.Reset(r.cfg.HoldFor / 2)
		case <-tick.C:
			for _, l := range r.lanes.heldSince(time.Now().Add(-r.cfg.HoldFor)) {
				r.flush(ctx, l)
			}
			if !r.lanes.holds() {
				tick.Stop()
			}
		}
	}
}

func (r *run) flush(ctx context.Context, l *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		return
	}
	b, ok := l.stream.Flush()
	r.lanes.setHeld(l, time.Time{})
	if ok {
		// An error means that the run is ending: what was held is read again.
		_ = r.enqueue(ctx, l, b)
	}
}
