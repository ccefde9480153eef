package docker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sluice/internal/record"
)

// relistEvery is how often containers are listed though events come: a proxy can
// drop events, and a daemon forgets all but the last 256.
const relistEvery = 30 * time.Second

// discovery finds containers and keeps a reader on each.
type discovery struct {
	src   *Source
	eng   engine
	emit  func(record.Batch) error
	end   context.CancelCauseFunc // of all readers, by a refusal
	group sync.WaitGroup

	mu      sync.Mutex
	readers map[string]*followed // by id
	early   bool                 // no listing has been read yet
	seen    time.Time            // of the last event
}

// followed is a container with its reader. One that no longer matches keeps its
// reader, and with it the cursors, for when it does again.
type followed struct {
	*reader
	running bool // guarded by discovery.mu
	over    bool // not to be run again; guarded by discovery.mu
}

// follow reads until ctx or emit ends it.
func (s *Source) follow(ctx context.Context, e engine, emit func(record.Batch) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	d := &discovery{src: s, eng: e, emit: emit, end: cancel, readers: map[string]*followed{}, early: true}
	err := d.run(ctx)
	cancel(err)
	d.group.Wait()
	var refused refusal
	if errors.As(context.Cause(ctx), &refused) {
		return refused.error
	}
	return err
}

func (d *discovery) run(ctx context.Context) error {
	var b backoff
	for {
		err := d.session(ctx, func() { b = 0 })
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, errPermission) {
			return err
		}
		d.src.log.Warn("docker events are read again", "reason", err.Error())
		if err := b.wait(ctx); err != nil {
			return err
		}
	}
}

// session subscribes to events, then lists: what changes in between is told by
// an event. It ends with the stream of events.
func (d *discovery) session(ctx context.Context, worked func()) error {
	if err := d.ping(ctx); err != nil {
		return err
	}
	stream, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	ended := make(chan error, 1)
	ready := make(chan struct{})
	events := make(chan event)
	group.Go(func() {
		ended <- d.eng.Events(stream, d.lastEvent(), sync.OnceFunc(func() { close(ready) }), func(e event) {
			select {
			case events <- e:
			case <-stream.Done():
			}
		})
	})
	wait := time.NewTimer(openIn) // a daemon may answer with the first event only
	defer wait.Stop()
	select {
	case <-ready:
	case <-wait.C:
	case err := <-ended:
		return err
	}
	if err := d.list(ctx); err != nil {
		return err
	}
	worked()
	return d.watch(ctx, events, ended)
}

// watch lists again at each event that is not about a container that is read.
func (d *discovery) watch(ctx context.Context, events <-chan event, ended <-chan error) error {
	tick := time.NewTicker(relistEvery)
	defer tick.Stop()
	for {
		select {
		case e := <-events:
			if d.heard(e) {
				continue
			}
		case <-tick.C:
		case err := <-ended:
			return err
		}
		if err := d.list(ctx); err != nil {
			return err
		}
	}
}

func (d *discovery) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	return d.eng.Ping(ctx)
}

func (d *discovery) lastEvent() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen
}

// heard wakes the reader that an event concerns, if one runs.
func (d *discovery) heard(e event) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.at.After(d.seen) {
		d.seen = e.at
	}
	f, ok := d.readers[e.id]
	if !ok || !f.running {
		return false
	}
	select {
	case f.poke <- struct{}{}:
	default:
	}
	return true
}

// list starts readers for containers that match and have none, and forgets those
// that are gone.
func (d *discovery) list(ctx context.Context) error {
	asked, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	found, err := d.eng.List(asked)
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	held := make(map[string]bool, len(found))
	for _, c := range found {
		held[c.id] = true
		if d.src.cfg.matches(c) && !d.src.isSelf(c.id) {
			d.start(ctx, c)
		}
	}
	d.src.listing.set(held)
	for id, f := range d.readers {
		if !held[id] && !f.running {
			delete(d.readers, id)
		}
	}
	d.early = false
	return nil
}

// start runs a container's reader, if it does not run. d.mu is held.
func (d *discovery) start(ctx context.Context, c summary) {
	f, ok := d.readers[c.id]
	if !ok {
		f = &followed{reader: d.src.newReader(d.eng, c.id, d.early, d.emit)}
		d.readers[c.id] = f
	}
	if f.running || f.over {
		return
	}
	f.running = true
	d.src.stats.Containers.Add(1)
	d.group.Go(func() {
		err := f.follow(ctx)
		d.src.stats.Containers.Add(-1)
		if k, ok := d.eng.(keeping); ok {
			k.forget(c.id)
		}
		if errors.Is(err, errRefused) {
			d.end(err)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		f.running, f.over = false, !errors.Is(err, errUnmatched)
	})
}
