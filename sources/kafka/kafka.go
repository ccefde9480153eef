// Package kafka reads topics, alone or sharing their partitions with other
// instances as a consumer group.
//
// The promise: every message of the partitions that are ours is emitted, in the
// order of its partition, its key, headers and value as records of their own. An
// offset is committed only when everything before it was delivered, only for a
// partition that is ours, and only under the membership that delivered it: what
// another instance committed is never overwritten. Before a partition is given
// up, what was read of it is delivered and committed, so a clean hand-over
// doubles nothing; after a crash at most Config.Window messages of a partition
// come again. Lost connections, moved leaders and coordinators and refused
// commits are survived. Messages that were gone before they could be read are
// said in record.Batch.Unread.
//
// Without Config.Follow, Run ends at the offsets that were the end when it
// began; in a group it ends when the group has committed them all, whoever read
// them, so that each instance's success means the whole topic.
//
// The limits: messages of transactions that were aborted, or are open, are read
// like others. The client library knows no static membership, no cooperative
// rebalance, and not the group protocol of KIP-848: each rebalance stops all
// members for as long as they take to drain. A key that a producer spread over
// several messages is not put together.
package kafka

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"sluice/internal/kafkaclient"
	"sluice/internal/record"
)

// DefaultWindow is how many messages of a partition may be read and not yet
// committed: what comes again after a crash, and enough to keep detection busy
// while a commit is under way.
const DefaultWindow = 10_000

// Binary says what happens to values that are not text.
type Binary uint8

// The ways to treat binary values. They are examined like all others in any case.
const (
	BinaryPass     Binary = iota // passed on and counted; found secrets are taken out
	BinaryWithhold               // withheld: a replaced stretch may break their framing
)

// Config says what to read.
type Config struct {
	Client kafkaclient.Options
	Topic  string // a name, or, with a character that no name has, a regular expression for whole names
	Group  string // "": alone, nothing is committed
	Start  Start  // for partitions of which the group has no offset
	Follow bool   // false: one pass
	Binary Binary
	Since  time.Time    // messages of before are passed over; zero: none
	Until  time.Time    // and those of this time or after; zero: none
	Window int          // messages; 0: DefaultWindow
	Log    *slog.Logger // nil: nobody is told of what is survived
	timing timing
}

// timing are the durations that tests shorten.
type timing struct {
	heartbeat time.Duration // a rebalance is noticed after this
	session   time.Duration // the broker gives a silent member up after this
	rejoin    time.Duration // pause after a failed join
	commit    time.Duration // what is delivered is committed this often
	drain     time.Duration // what was read may take this long to be delivered before a partition is given up
	lag       time.Duration // lag is measured this often
	stall     time.Duration // a reader with lag that gets nothing for so long is restarted
	topics    time.Duration // new topics and partitions are looked for this often
	patience  time.Duration // a job that has an end waits this long for brokers, a following one only at its start
	start     time.Duration // one pass waits this long for brokers at its start
	backoff   time.Duration // first pause after an error of a reader; doubles up to maxBackoff
	ends      time.Duration // a one-pass group looks this often whether all is committed
	wait      time.Duration // a fetch waits this long for messages
	request   time.Duration // a request may take this long, a fetch as much longer as it waits for messages
	rebalance time.Duration // the group waits this long for its members to drain
	leave     time.Duration // leaving may take this long before connections are cut
}

func (t timing) orDefaults() timing {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&t.heartbeat, 3*time.Second)
	set(&t.session, 30*time.Second)
	set(&t.rejoin, time.Second)
	set(&t.commit, 200*time.Millisecond)
	set(&t.drain, 9*time.Second) // less than the grace of a stop, and than session
	set(&t.lag, 15*time.Second)
	set(&t.stall, time.Minute)
	set(&t.topics, 15*time.Second)
	set(&t.patience, time.Minute)
	set(&t.start, 10*time.Second)
	set(&t.backoff, 100*time.Millisecond)
	set(&t.ends, time.Second)
	set(&t.wait, 500*time.Millisecond)
	set(&t.request, 10*time.Second)
	set(&t.rebalance, time.Minute)
	set(&t.leave, 2*time.Second) // the library does not notice otherwise that it is to stop joining
	return t
}

// Source reads topics. Run may be called once.
type Source struct {
	cfg      Config
	match    *regexp.Regexp // nil: cfg.Topic is a name
	broker   broker
	counts   counts
	epochs   atomic.Int64
	metrics  lags
	progress progress

	mu   sync.Mutex
	live map[string]*assignment // by stream: what is assigned, or still drains
}

// counts are what happened; see Counts.
type counts struct {
	messages, bytes, binary, lost, rebalances, stalls, refused atomic.Int64
}

// Counts are what happened so far.
type Counts struct {
	Messages       int64 // emitted
	Binary         int64 // of them with a value that is not text
	Lost           int64 // offsets that the broker had deleted before they were read
	Rebalances     int64 // times the group gave us partitions
	Stalls         int64 // readers that got nothing in spite of lag, and were restarted
	RefusedCommits int64 // commits that the broker refused or that got no answer
}

// New makes a source; it connects in Run.
func New(cfg Config) (*Source, error) {
	if cfg.Window <= 0 {
		cfg.Window = DefaultWindow
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.timing = cfg.timing.orDefaults()
	if cfg.Start == (Start{}) && !cfg.Since.IsZero() {
		cfg.Start = StartAt(cfg.Since) // nothing before it can be of that time
	}
	if cfg.Group == "" && cfg.Start.committed {
		return nil, errors.New("start=committed needs group=NAME")
	}
	s := &Source{cfg: cfg, live: map[string]*assignment{}}
	if !kafkaclient.IsTopic(cfg.Topic) {
		match, err := pattern(cfg.Topic)
		if err != nil {
			return nil, err
		}
		s.match = match
	} else {
		s.cfg.Client.Topics = []string{cfg.Topic}
	}
	client, err := kafkaclient.New(s.cfg.Client)
	if err != nil {
		return nil, err
	}
	s.broker = newSegmentio(client, s.cfg)
	return s, nil
}

// Run reads until ctx ends, or in one pass until the end. What the brokers
// refuse for good (a wrong password, an unknown topic, no authorisation) ends it.
func (s *Source) Run(ctx context.Context, emit func(record.Batch) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer s.broker.close()
	return (&run{Source: s, emit: emit}).run(ctx)
}

// Commit takes note that everything of a partition before at is delivered. It is
// committed soon after, unless the partition has been given up since.
func (s *Source) Commit(_ context.Context, at record.Mark) error {
	s.mu.Lock()
	a := s.live[at.Stream]
	s.mu.Unlock()
	if a != nil && a.epoch == at.Epoch {
		a.deliver(at.Offset)
	}
	return nil
}

// Counts returns what happened so far, at any time.
func (s *Source) Counts() Counts {
	c := &s.counts
	return Counts{
		Messages: c.messages.Load(), Binary: c.binary.Load(), Lost: c.lost.Load(),
		Rebalances: c.rebalances.Load(), Stalls: c.stalls.Load(), RefusedCommits: c.refused.Load(),
	}
}

// take makes a its stream's assignment, after the one before it has stopped
// emitting: a stream is emitted by one goroutine at a time.
func (s *Source) take(ctx context.Context, a *assignment) error {
	s.mu.Lock()
	before := s.live[a.stream]
	s.mu.Unlock()
	if before != nil {
		select {
		case <-before.stopped:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	s.live[a.stream] = a
	s.mu.Unlock()
	return nil
}
