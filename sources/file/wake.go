package file

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"
)

const (
	// restAfter is the interval from which on a log counts as quiet: looking at it
	// more often than that is cheaper than asking to be told.
	restAfter = 20 * time.Millisecond
	// reminded is how often a quiet log is looked at all the same whose file system
	// has told of what happened to it. One that never did (a network) keeps slowest.
	reminded = time.Second
	// notifyEvery is how far apart two readings of notifications are: a storm of them
	// is taken in one go, the first after a silence at once.
	notifyEvery = time.Millisecond
	// newNames is how far apart two discoveries are at least that a new name asks for.
	newNames = 20 * time.Millisecond
	// maxWatches is how many quiet logs a notifier is asked about: the user may
	// have other programs that need some.
	maxWatches = 2000
)

// watch is a number of the notifier's; 0: none.
type watch int32

// event is one notification.
type event struct {
	watch watch
	name  string // in a folder
	is    happening
}

type happening int

const (
	changed    happening = iota
	overflow             // what happened was too much to be told
	watchEnded           // the file is gone, or all was told
	folderMoved
)

var errNoWatches = errors.New("logs beyond that are looked at four times a second")

// waker shortens the wait for what a notifier tells of. Nothing rests on it:
// what it misses is seen at the next look. It belongs to the goroutine of run.
type waker struct {
	f       *follower
	from    *notifier // nil: there is none
	events  chan []event
	folders map[string]watch
	names   map[watch]string // of folders
	logs    map[watch]*chain
	told    bool // that there are no more watches
}

// start begins to listen, unless the Config or the system has no use for it.
func (w *waker) start(ctx context.Context, wait *sync.WaitGroup) {
	w.folders, w.names, w.logs = map[string]watch{}, map[watch]string{}, map[watch]*chain{}
	if w.f.cfg.OnlyLook {
		return
	}
	from, err := newNotifier()
	if err != nil {
		w.complain(err)
	}
	if from == nil {
		return
	}
	w.from, w.events = from, make(chan []event)
	stop := context.AfterFunc(ctx, from.close)
	wait.Go(func() {
		from.read(ctx, w.events)
		if stop() {
			from.close()
		}
	})
}

// complain says once that logs are looked at instead.
func (w *waker) complain(err error) {
	if !w.told {
		w.told = true
		w.f.cfg.Log.Warn("logs are read a little later: the system does not tell when they grow", "err", err)
	}
}

// refused says whether a watch could not be had. A path that is gone is no news.
func (w *waker) refused(err error) bool {
	if errors.Is(err, errNoWatches) {
		w.complain(err)
	}
	return err != nil
}

// discovered watches the folders of the logs that there are now, and no others.
func (w *waker) discovered() {
	if w.from == nil {
		return
	}
	used := map[string]bool{}
	for _, c := range w.f.order {
		used[c.dir] = true
	}
	for dir := range used {
		if _, is := w.folders[dir]; is {
			continue
		}
		if got, err := w.from.folder(dir); !w.refused(err) {
			w.folders[dir], w.names[got] = got, dir
		}
	}
	for dir, got := range w.folders {
		if !used[dir] {
			w.from.drop(got)
			w.forget(got)
		}
	}
	for got, c := range w.logs {
		if c.dropped {
			w.from.drop(got)
			delete(w.logs, got)
		}
	}
}

func (w *waker) forget(got watch) {
	delete(w.folders, w.names[got])
	delete(w.names, got)
}

// rest asks to be told of a log that has become quiet. It comes before the look,
// so that nothing happens between the two.
func (w *waker) rest(c *chain) {
	if w.from == nil || c.asked || len(w.logs) >= maxWatches && c.watch == 0 {
		return
	}
	got, err := w.from.once(c.path)
	if w.refused(err) {
		return
	}
	if c.watch != 0 && c.watch != got { // of the generation before
		w.from.drop(c.watch)
		delete(w.logs, c.watch)
	}
	c.asked, c.watch, w.logs[got] = true, got, c
}

// took makes the logs due of which something was told.
func (w *waker) took(events []event, p *pace) {
	now := w.f.now()
	for _, e := range events {
		c, dir := w.logs[e.watch], w.names[e.watch]
		switch {
		case e.is == overflow:
			for _, c := range w.f.order {
				c.due(now)
			}
			p.discovery = now
		case c != nil && e.is == watchEnded:
			delete(w.logs, e.watch)
			if c.watch == e.watch {
				c.watch, c.asked = 0, false
			}
		case c != nil:
			c.asked, c.heard = false, true
			c.due(now)
		case dir != "" && e.is != changed:
			if e.is == folderMoved {
				w.from.drop(e.watch)
			}
			w.forget(e.watch)
			p.discovery = now
		case dir != "":
			w.named(filepath.Join(dir, e.name), now, p)
		}
	}
}

// named is for a name that came or went in a folder of logs.
func (w *waker) named(path string, now time.Time, p *pace) {
	if c := w.f.chain(path); c != nil {
		c.due(now)
		return
	}
	dir, name := filepath.Split(path)
	known := false
	for _, base := range rotationOf(name) {
		if c := w.f.chain(dir + base); c != nil {
			c.due(now)
			known = true
		}
	}
	if soon := p.discovered.Add(p.costly); !known && soon.Before(p.discovery) {
		p.discovery = soon // a log that was not there before
	}
}

// due makes the loop look at a log next.
func (c *chain) due(now time.Time) { c.wait, c.next = fastest, now }
