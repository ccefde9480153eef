package kafka

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Lag says how far reading of a partition that is ours is behind.
type Lag struct {
	Topic     string
	Partition int
	Position  int64 // offset that is read next
	Committed int64 // offset that is committed; alone: Position
	End       int64 // offset behind the last message, as last seen
}

// Messages is how many are not yet committed, gaps of compaction included.
func (l Lag) Messages() int64 { return max(l.End-l.Committed, 0) }

// lags are the partitions that are ours now, and their ends.
type lags struct {
	mu   sync.Mutex
	ours []*assignment
	ends map[partition]int64
}

// add makes partitions ours.
func (l *lags) add(as []*assignment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ours = append(l.ours, as...)
}

// clear says that no partition is ours any more.
func (l *lags) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ours, l.ends = nil, nil
}

func (l *lags) sawEnd(p partition, end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ends == nil {
		l.ends = map[partition]int64{}
	}
	l.ends[p] = end
}

func (l *lags) assigned() []*assignment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ours)
}

// Lag returns the lag of each partition that is ours, at any time.
func (s *Source) Lag() []Lag {
	l := &s.metrics
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Lag, 0, len(l.ours))
	for _, a := range l.ours {
		next, open := a.position()
		lag := Lag{Topic: a.topic, Partition: a.id, Position: next, Committed: next, End: max(l.ends[a.partition], next)}
		if s.cfg.Group != "" {
			lag.Committed = next - open
		}
		out = append(out, lag)
	}
	return out
}

// behind is since when a reader has stood still before messages.
type behind struct {
	next  int64
	since time.Time
}

// watchLag asks for the ends of our partitions, and restarts readers that get
// nothing in spite of them: a connection that looks alive may be dead, and a
// broker that thinks it is the leader may not be.
func (r *run) watchLag(ctx context.Context) {
	tick := time.NewTicker(min(r.cfg.timing.lag, r.cfg.timing.stall/2))
	defer tick.Stop()
	seen := map[*assignment]behind{}
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			seen = r.lookForStalls(ctx, now, seen)
		}
	}
}

func (r *run) lookForStalls(ctx context.Context, now time.Time, before map[*assignment]behind) map[*assignment]behind {
	ours := r.metrics.assigned()
	ps := make([]partition, len(ours))
	for i, a := range ours {
		ps[i] = a.partition
	}
	if len(ps) == 0 {
		return nil
	}
	ends, err := r.broker.offsets(ctx, ps, atLast)
	if err != nil {
		return before // brokers that do not answer are no stall of a reader
	}
	seen := map[*assignment]behind{}
	stalled := false
	for _, a := range ours {
		r.metrics.sawEnd(a.partition, ends[a.partition])
		next, _ := a.position()
		done := a.stop >= 0 && next >= a.stop
		if done || ends[a.partition] <= next || a.waiting.Load() {
			continue
		}
		b := before[a]
		if b.since.IsZero() || b.next != next {
			b = behind{next, now}
		}
		if now.Sub(b.since) < r.cfg.timing.stall {
			seen[a] = b
			continue
		}
		stalled = true
		r.counts.stalls.Add(1)
		r.cfg.Log.Warn("a reader got nothing in spite of its lag and is restarted", slog.String("stream", a.stream),
			slog.Int64("offset", next), slog.Int64("end", ends[a.partition]))
		if cut := a.cut.Load(); cut != nil {
			(*cut)()
		}
	}
	if stalled {
		r.broker.reset()
	}
	return seen
}
