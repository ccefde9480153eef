package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A stream is as far behind as its oldest bytes wait, however many others flow.
func TestLagIsHowLongTheOldestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flowing, stuck := progress{name: "flows.log"}, progress{name: "stuck.log"}
		l := &lag{most: time.Minute, read: []func() []progress{func() []progress { return []progress{flowing, stuck} }}}
		pass := func(d time.Duration) {
			for range d / lookEvery {
				flowing.end += 1000
				l.look(time.Now())
				time.Sleep(lookEvery)
				flowing.done = flowing.end - 10 // something is always on its way
			}
		}
		pass(10 * time.Minute)
		if b := l.worst(time.Now()); b.age > 2*lookEvery || l.unready() != nil {
			t.Errorf("a log that flows is %v behind", b)
		}
		stuck.end = 100
		pass(time.Minute)
		if why := l.unready(); why != nil {
			t.Errorf("not yet: %q", why)
		}
		pass(lookEvery)
		if why := l.unready(); len(why) != 1 || !strings.Contains(why[0], "stuck.log is 1m") {
			t.Errorf("stuck: %q", why)
		}
		stuck.done, stuck.end = 100, 200 // the oldest came through, a minute late, and more waits
		pass(lookEvery)
		if l.unready() == nil {
			t.Error("what came last came too late, and the next is not there yet")
		}
		stuck.done = 200
		pass(lookEvery)
		if why := l.unready(); why != nil {
			t.Errorf("all is delivered: %q", why)
		}
		stuck.end = 300
		pass(time.Hour)
		if l.most = 0; l.unready() != nil {
			t.Error("no lag is too much")
		}
	})
}

func TestLagThatCannotBeMeasured(t *testing.T) {
	for _, args := range [][]string{{"watch"}, {"redact", "--follow"}} {
		got := runApp(t, nil, "", append(args, "--max-lag", "3s", "app.log")...)
		if got.code != exitUsage || !strings.Contains(got.stderr, "--max-lag") {
			t.Errorf("%v: exit %d, %s", args, got.code, got.stderr)
		}
	}
}
