package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/sources/file"
	"sluice/sources/kafka"
)

const (
	// maxStall is how long what is there to be read may wait without a byte being
	// delivered before /readyz turns red.
	maxStall = time.Minute
	// defaultMaxLag is how far behind delivery may be: a leak that is told of five
	// minutes late was used in the meantime.
	defaultMaxLag = 5 * time.Minute
	// lookEvery is how often stalls and lags are looked for.
	lookEvery = maxStall / 12
	// minLag is the least that these looks can tell from a log that is written to
	// all the time.
	minLag = 4 * lookEvery
)

func registerLag(flags *pflag.FlagSet, most *time.Duration) {
	flags.DurationVar(most, "max-lag", defaultMaxLag, "when following: how long what is in a file or topic may wait to be delivered before /readyz turns red; 0: for ever")
}

// looking calls look until ctx ends.
func looking(ctx context.Context, look func(now time.Time)) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	look(time.Now())
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			look(now)
		}
	}
}

func checkLag(most time.Duration) error {
	if most != 0 && most < minLag {
		return usageError(fmt.Errorf("--max-lag %v: want %v or more, or 0", most, minLag), "")
	}
	return nil
}

// stall tells reading that stands still from a log that is quiet.
type stall struct {
	behind []func() int64 // what is there and not read, in bytes or messages
	stats  *pipeline.Stats

	mu    sync.Mutex
	bytes int64     // delivered at moved
	moved time.Time // when something was delivered last, or nothing was behind
}

func (s *stall) look(now time.Time) {
	waiting := int64(0)
	for _, b := range s.behind {
		waiting += b()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.stats.Bytes.Load(); n != s.bytes || waiting == 0 || s.moved.IsZero() {
		s.bytes, s.moved = n, now
	}
}

func (s *stall) unready() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := time.Since(s.moved); !s.moved.IsZero() && age > maxStall {
		return []string{"there is something to read and nothing was delivered for " + age.Round(time.Second).String()}
	}
	return nil
}

// progress is how far one stream is delivered, and how much of it is there, in
// whatever unit, since whatever start.
type progress struct {
	name      string
	done, end int64
}

func fileProgress(src *file.Source) (all []progress) {
	for _, l := range src.Lag() {
		all = append(all, progress{l.Path, l.Done, l.End})
	}
	return all
}

func topicProgress(src *kafka.Source) (all []progress) {
	for _, l := range src.Lag() {
		all = append(all, progress{fmt.Sprintf("%s/%d", l.Topic, l.Partition), l.Committed, l.End})
	}
	return all
}

// lag measures how long what is there waits to be delivered, for each stream: a
// slow one does not hide behind others that flow. Containers are not among them:
// the engine does not say how much it holds; the stall of all is seen in delivery.
//
// It notes an end and when it was seen. Once delivery comes to that end, it took
// so long; until then it takes at least as long as it has by now.
type lag struct {
	most time.Duration // 0: any is fine
	read []func() []progress

	mu      sync.Mutex
	waiting map[string]*lagging // of streams that are not delivered to their end
}

type lagging struct {
	end   int64
	since time.Time
	took  time.Duration // to come to the end before
}

// behindBy is the stream that is furthest behind.
type behindBy struct {
	name string
	age  time.Duration
}

func (l *lag) look(now time.Time) {
	var all []progress
	for _, read := range l.read {
		all = append(all, read()...)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	next := map[string]*lagging{}
	for _, p := range all {
		was := l.waiting[p.name]
		switch {
		case p.done >= p.end:
			continue
		case was == nil:
			was = &lagging{end: p.end, since: now}
		case p.done >= was.end:
			was = &lagging{end: p.end, since: now, took: now.Sub(was.since)}
		}
		next[p.name] = was
	}
	l.waiting = next
}

func (l *lag) worst(now time.Time) (b behindBy) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, w := range l.waiting {
		if age := max(w.took, now.Sub(w.since)); age > b.age {
			b = behindBy{name, age}
		}
	}
	return b
}

func (l *lag) unready() []string {
	if b := l.worst(time.Now()); l.most > 0 && b.age > l.most {
		return []string{record.Printable(b.name) + " is " + b.age.Round(time.Second).String() + " behind, more than --max-lag"}
	}
	return nil
}
