package gateway

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/record"
)

// stub is a gateway whose keys and failures a test sets.
type stub struct {
	base string

	mu    sync.Mutex
	keys  [][32]byte
	err   error
	calls []time.Time
}

func (s *stub) Base() string { return s.base }

func (s *stub) Fetch(context.Context) (*Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, time.Now())
	if s.err != nil {
		return nil, s.err
	}
	b := newBuilder(time.Now())
	b.gateway(s.base)
	for _, hash := range s.keys {
		b.add(hash, [4]byte{}, record.KeyInfo{Gateway: s.base, State: record.KeyLive})
	}
	return b.snapshot(), nil
}

func (s *stub) set(err error, keys ...[32]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.keys = err, keys
}

func (s *stub) times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.calls...)
}

func state(s *Snapshot, hash [32]byte) record.KeyState {
	k, ok := s.Lookup(hash)
	if !ok {
		return record.KeyUnknown
	}
	return k.State
}

// A failure keeps the old keys, shows in Health and Age, and the next good
// reading takes over; a key that went stays known as deleted.
func TestStoreKeepsWhatItHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, master := [32]byte{1}, [32]byte{2}, record.NewSecret(newKey(t))
		one, two := &stub{base: "http://one"}, &stub{base: "http://two"}
		swaps := 0
		s := NewStore(StoreConfig{
			Gateways: []Fetcher{one, two}, Fixed: []*Snapshot{Master(master)}, OnSwap: func(*Snapshot) { swaps++ },
		})
		if _, ok := s.Age(time.Now()); ok || state(s.Snapshot(), HashKey(master)) != record.KeyLive {
			t.Fatal("before the first reading: the master key is known, the age is not")
		}
		one.set(nil, a, b)
		two.set(errors.New("down"))
		if err := s.Refresh(t.Context()); err == nil || s.Health()[1].Err == nil || s.Health()[0].Err != nil {
			t.Fatalf("one of two is down: %v, %v", err, s.Health())
		}
		if _, ok := s.Age(time.Now()); ok {
			t.Fatal("a gateway that was never read has an age")
		}
		if state(s.Snapshot(), a) != record.KeyLive || swaps != 1 {
			t.Fatal("the keys of the other gateway are missing")
		}
		two.set(nil)
		one.set(nil, a)
		if err := s.Refresh(t.Context()); err != nil || state(s.Snapshot(), b) != record.KeyDeleted {
			t.Fatalf("after a key went: %v, %s", err, state(s.Snapshot(), b))
		}
		time.Sleep(time.Hour)
		one.set(errors.New("down"))
		two.set(errors.New("down"))
		if err := s.Refresh(t.Context()); err == nil || state(s.Snapshot(), a) != record.KeyLive || swaps != 2 {
			t.Fatalf("after both went down: %v, %s, %d swaps", err, state(s.Snapshot(), a), swaps)
		}
		if age, ok := s.Age(time.Now()); !ok || age != time.Hour {
			t.Fatalf("age %v, want an hour", age)
		}
	})
}

// Run reads at once, then at the interval with jitter; after failures sooner,
// with growing pauses, and never more seldom than the interval allows.
func TestStoreRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = time.Minute
		g := &stub{base: "http://one"}
		s := NewStore(StoreConfig{Gateways: []Fetcher{g}, Interval: interval})
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		defer cancel(nil)
		time.Sleep(10 * interval)
		for i, at := range g.times()[1:] {
			if gap := at.Sub(g.times()[i]); gap < interval*90/100 || gap > interval*110/100 {
				t.Fatalf("reading %d came %v after the one before", i+1, gap)
			}
		}
		g.set(errors.New("down"))
		time.Sleep(2 * interval)
		failing := len(g.times())
		time.Sleep(20 * interval)
		if n := len(g.times()) - failing; n < 20 || n > 60 {
			t.Fatalf("%d readings in 20 intervals of failure", n)
		}
		stop := errors.New("stopped by the test")
		cancel(stop)
		if err := <-done; !errors.Is(err, stop) {
			t.Fatal(err)
		}
	})
}

// asked is a gateway for the resolver.
type asked struct {
	mu    sync.Mutex
	known map[[32]byte]bool
	err   error
	calls []time.Time
}

func (a *asked) KeyInfo(_ context.Context, hash [32]byte) (*record.KeyInfo, bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, time.Now())
	if a.err != nil || !a.known[hash] {
		return nil, false, a.err
	}
	return &record.KeyInfo{State: record.KeyLive}, true, nil
}

func (a *asked) set(err error, known ...[32]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
	for _, hash := range known {
		a.known[hash] = true
	}
}

func (a *asked) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.calls)
}

// runResolver runs one until the test ends; answers come on the channel.
func runResolver(t *testing.T, g Asker) (*Resolver, chan [32]byte) {
	answers := make(chan [32]byte, 100)
	r := NewResolver(ResolverConfig{Gateways: []Asker{g}, OnAnswer: func(hash [32]byte, _ *record.KeyInfo) { answers <- hash }})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return r, answers
}

// One unknown key a thousand times is one request; "no such key" is believed
// for a while and then asked again.
func TestResolverAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &asked{known: map[[32]byte]bool{{1}: true}}
		r, answers := runResolver(t, g)
		for range 1000 {
			if !r.Ask([32]byte{1}) || !r.Ask([32]byte{2}) {
				t.Fatal("a question was dropped")
			}
		}
		if <-answers != [32]byte{1} {
			t.Fatal("the wrong answer")
		}
		synctest.Wait()
		if n := g.count(); n != 2 {
			t.Fatalf("%d requests for two hashes", n)
		}
		g.set(nil, [32]byte{2}) // made later
		r.Ask([32]byte{2})
		synctest.Wait()
		if n := g.count(); n != 2 {
			t.Fatalf("%d requests: the answer was not remembered", n)
		}
		time.Sleep(resolveForget)
		r.Ask([32]byte{2})
		for hash := range answers { // known ones are answered each time, from memory
			if hash == [32]byte{2} {
				break
			}
		}
	})
}

// A flood of unknown keys is limited in memory and in requests.
func TestResolverIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &asked{known: map[[32]byte]bool{}}
		r, _ := runResolver(t, g)
		start := time.Now()
		for i := range 10 * resolveQueue {
			r.Ask([32]byte{byte(i), byte(i >> 8), 1})
		}
		if r.Dropped() == 0 {
			t.Fatal("nothing was dropped: the queue has no bound")
		}
		time.Sleep(time.Minute)
		if n, most := g.count(), resolveBurst+int(time.Since(start)/resolveInterval)+1; n > most || n < most-10 {
			t.Fatalf("%d requests in a minute, want about %d", n, most)
		}
	})
}

// While the gateway fails, questions wait and are asked again.
func TestResolverSurvivesAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &asked{known: map[[32]byte]bool{{1}: true}, err: errors.New("down")}
		r, answers := runResolver(t, g)
		r.Ask([32]byte{1})
		time.Sleep(time.Hour)
		if n := g.count(); n > 120 || n < 20 {
			t.Fatalf("%d requests in an hour of outage", n)
		}
		g.set(nil)
		if <-answers != [32]byte{1} {
			t.Fatal("the wrong answer")
		}
	})
}

// Resolve ends with its budget.
func TestResolveWithinBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &asked{known: map[[32]byte]bool{{7}: true}}
		r := NewResolver(ResolverConfig{Gateways: []Asker{g}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		answered := 0
		for i := range 1000 {
			if _, _, err := r.Resolve(ctx, [32]byte{byte(i), byte(i >> 8)}); err != nil {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Fatal(err)
				}
				break
			}
			answered++
		}
		if answered < resolveBurst || answered > resolveBurst+11 {
			t.Fatalf("%d answers in a budget of a second", answered)
		}
		if k, ok, err := r.Resolve(t.Context(), [32]byte{7}); !ok || err != nil || k.State != record.KeyLive {
			t.Fatalf("%v, %v", k, err)
		}
	})
}
