package webhook

import "time"

func (o *outbox) count(change func(*Stats)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(&o.stats)
}

// fullNow counts what is dropped, and says whether this is the first that
// found no room since there was some.
func (o *outbox) fullNow(dropped bool, n int64) (first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if dropped {
		o.stats.Dropped += n
	}
	first = !o.full
	o.full = true
	return first
}

func (o *outbox) snapshot() Stats {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.stats
	n.Bytes = o.live
	for _, e := range o.entries {
		n.Waiting += e.count
	}
	n.Oldest = o.oldest(o.cfg.Now())
	return n
}

// oldest is since when something is due and not delivered.
func (o *outbox) oldest(now time.Time) time.Time {
	if len(o.sealed) > 0 {
		return o.sealed[0].at
	}
	if len(o.queue) > 0 && !o.queue[0].due.After(now) {
		return o.queue[0].due
	}
	return time.Time{}
}

// stamp prints a time in UTC with milliseconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
