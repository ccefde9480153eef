package docker

import (
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/record"
)

// Marks outlive their container by a day, over restarts, and are kept as long as
// nobody knows.
func TestMarksOfARemovedContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := newDaemon(), newSink()
		stays, goes := d.add("stays"), d.add("goes")
		for _, c := range []*container{stays, goes} {
			c.print(stdout, "line\n")
		}
		dial, cfg := d.serve(t), all()
		d.down = true
		src, stop := run(t, cfg, dial, s)
		kept := func() [2]bool { return [2]bool{src.Keep(stays.id + "/stdout"), src.Keep(goes.id + "/stdout")} }
		time.Sleep(keepGone + time.Hour)
		if kept() != [2]bool{true, true} || src.State() != nil {
			t.Error("a mark is dropped though nothing was listed")
		}
		stays.change(func() { d.down = false })
		time.Sleep(time.Minute)
		goes.stop()
		time.Sleep(time.Minute)
		d.remove(goes)
		time.Sleep(time.Minute)
		for hours := range 30 {
			if want := [2]bool{true, hours < 24}; kept() != want {
				t.Fatalf("after %d hours: %v", hours, kept())
			}
			if hours%5 == 4 { // a restart
				_ = stop()
				cfg.State = src.State()
				if cfg.Marks = s.resume(); hours > 24 {
					cfg.Marks = []record.Mark{s.marks[stays.id+"/stdout"]}
				}
				src, stop = run(t, cfg, dial, s)
				if kept() != [2]bool{true, true} {
					t.Error("a mark is dropped before anything was listed")
				}
			}
			time.Sleep(time.Hour)
		}
		if time.Sleep(2 * keepGone); src.State() != nil {
			t.Errorf("kept: %s", src.State())
		}
		_ = stop()
		expect(t, s, stays)
		expect(t, s, goes)
		if len(s.gaps) > 0 {
			t.Errorf("gaps %v", s.gaps)
		}
	})
}

// A state of another form, or none, keeps nothing from being read.
func TestAnAlienState(t *testing.T) {
	for _, state := range []string{"", "{}", "[1]", `{"gone":null}`, `{"gone":{"x":1}}`, "\x00"} {
		src := New(Config{Name: "*", State: []byte(state)})
		if src.listing.set(map[string]bool{}); !src.Keep("id/stdout") || !src.Keep("none of ours") {
			t.Errorf("%q: a mark is dropped", state)
		}
	}
}
