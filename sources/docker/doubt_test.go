package docker

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/record"
)

// skips is a follow connection that leaves out lines 3 to 7.
func skips(f fault) func(*container) {
	f.follow, f.skip, f.after = true, 5, 2
	return func(c *container) { c.faults = []fault{f} }
}

// While nothing is taken a daemon may skip a file: what a connection brings
// after that is not believed.
func TestASlowReceiverLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := newDaemon(), newSink()
		c := d.add("gateway", skips(fault{}))
		src := New(Config{Name: "*", Follow: true, Self: "none"})
		src.dial = d.serve(t)
		_, stop := runSource(src, func(b record.Batch) error {
			if strings.Contains(string(b.Text), "line 2\n") {
				time.Sleep(2 * slowReceiver)
			}
			return s.emit(b)
		})
		defer stop()
		time.Sleep(time.Second)
		for i := range 9 {
			c.print(stdout, fmt.Sprintf("line %d\n", i+1))
			if i < 2 || i == 7 {
				time.Sleep(3 * slowReceiver)
			}
		}
		time.Sleep(soon)
		expect(t, s, c)
	})
}

// A daemon's follower that sleeps through two rotations goes on in the newest
// file, at once and in step: only the log's own silence tells.
func TestASkippedFileLosesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		size  string
		every time.Duration
		n     int
	}{
		"small files": {"50k", 2 * time.Millisecond, 20},
		"large files": {"10m", jumpOf(10<<20) / 5, 20},
	} {
		t.Run(name, func(t *testing.T) {
			following(t, all(), func(t *testing.T, d *daemon, s *sink) {
				gateway := d.add("gateway", skips(fault{}), func(g *container) {
					g.driver, g.faults[0].after = map[string]string{"max-size": c.size, "max-file": "3"}, busyRate+c.n
				})
				time.Sleep(time.Second)
				for i := range busyRate + c.n {
					gateway.print(stdout, fmt.Sprintf("busy %d\n", i))
				}
				for i := range c.n {
					time.Sleep(c.every)
					gateway.print(stdout, fmt.Sprintf("line %d\n", i))
				}
				time.Sleep(time.Minute)
				expect(t, s, gateway)
			})
		})
	}
}

// So is one that falls behind.
func TestALaggingConnectionLosesNothing(t *testing.T) {
	following(t, all(), func(t *testing.T, d *daemon, s *sink) {
		c := d.add("gateway", skips(fault{late: 2 * mostLag}), func(c *container) { c.faults[0].after = 2 })
		time.Sleep(time.Second)
		for i := range 9 {
			c.print(stdout, fmt.Sprintf("line %d\n", i+1))
			if i < 2 || i > 7 {
				time.Sleep(soon)
			}
		}
		time.Sleep(time.Second)
		expect(t, s, c)
	})
}

// More than a request for the last messages gives is found by a whole one.
func TestAStallOfManyLines(t *testing.T) {
	following(t, all(), func(t *testing.T, d *daemon, s *sink) {
		c := d.add("gateway", func(c *container) { c.faults = []fault{{follow: true, hang: 1}} })
		c.print(stdout, "first\n")
		time.Sleep(time.Second)
		for i := range 5 * probe {
			c.print(stdout, fmt.Sprintf("line %d\n", i))
		}
		time.Sleep(time.Minute)
		expect(t, s, c)
		if len(s.gaps) > 0 {
			t.Errorf("gaps %v", s.gaps)
		}
	})
}

// The stamps of the two streams may be in another order than the file, and daemons
// of version 20.10 leave out each message before since.
func TestStreamsOutOfOrder(t *testing.T) {
	following(t, all(), func(t *testing.T, d *daemon, s *sink) {
		c := d.add("gateway", func(c *container) { c.old, c.faults = true, []fault{{follow: true, hang: 2}} })
		time.Sleep(time.Second)
		now := time.Now()
		c.put(stdout, "one\n", now)
		time.Sleep(soon)
		c.put(stdout, "two\n", now.Add(10*time.Millisecond))
		time.Sleep(soon)
		c.put(stderr, "before two\n", now.Add(9*time.Millisecond))
		time.Sleep(time.Minute)
		expect(t, s, c)
	})
}

// The pieces of a line have the first one's stamp, however late they come.
func TestALatePieceOfALine(t *testing.T) {
	following(t, all(), func(t *testing.T, d *daemon, s *sink) {
		c := d.add("gateway", func(c *container) { c.old, c.faults = true, []fault{{follow: true, hang: 3}} })
		time.Sleep(time.Second)
		c.print(stdout, "one\n")
		c.print(stderr, strings.Repeat("x", pieceSize))
		time.Sleep(time.Minute)
		c.print(stdout, "two\n")
		time.Sleep(soon)
		c.print(stderr, "rest\n")
		time.Sleep(time.Minute)
		expect(t, s, c)
	})
}

// A stream that was delivered more slowly than the other goes on from its own
// mark.
func TestEachStreamHasItsMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := newDaemon(), newSink()
		c := d.add("gateway", func(c *container) { c.old = true })
		for i := range 20 {
			c.print(side(i%2), fmt.Sprintf("line %d\n", i))
			time.Sleep(time.Minute)
		}
		cfg := all()
		cfg.Marks = []record.Mark{
			{Stream: c.id + "/stdout", Offset: c.log[18].stamp, Sub: 1},
			{Stream: c.id + "/stderr", Offset: c.log[1].stamp, Sub: 1},
		}
		_, stop := run(t, cfg, d.serve(t), s)
		defer stop()
		time.Sleep(time.Minute)
		if got, want := s.of(c, stderr), strings.TrimPrefix(c.text(stderr), "line 1\n"); got != want || s.of(c, stdout) != "" {
			t.Errorf("got %q, want %q; stdout %q", got, want, s.of(c, stdout))
		}
	})
}

// A mark that counts many messages may count such as a clock's step back gave
// lower stamps, which a request since the mark's does not bring.
func TestAMarkBehindAClockThatWasSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := newDaemon(), newSink()
		c := d.add("gateway", func(c *container) { c.old = true })
		time.Sleep(time.Minute)
		top := time.Now()
		c.put(stderr, "other\n", top)
		c.put(stdout, "highest\n", top)
		for i := range 150 {
			c.put(stdout, fmt.Sprintf("line %d\n", i), top.Add(-time.Minute+time.Duration(i)))
		}
		time.Sleep(time.Hour)
		cfg := all()
		cfg.Marks = []record.Mark{
			{Stream: c.id + "/stdout", Offset: top.UnixNano(), Sub: 101},
			{Stream: c.id + "/stderr", Offset: top.UnixNano(), Sub: 1},
		}
		_, stop := run(t, cfg, d.serve(t), s)
		defer stop()
		time.Sleep(time.Minute)
		if got := s.of(c, stdout); !strings.HasPrefix(got, "line 100\n") || strings.Count(got, "\n") != 50 {
			t.Errorf("got %d lines: %.30q", strings.Count(got, "\n"), got)
		}
	})
}

func TestJudge(t *testing.T) {
	type frame struct {
		stamp int64
		sum   uint64
		want  verdict
	}
	for name, c := range map[string]struct {
		cursor cursor
		frames []frame
	}{
		"in step":               {cursor{stamp: 10, taken: 1, low: 10}, []frame{{11, 1, fresh}, {12, 2, fresh}}},
		"overlap":               {cursor{stamp: 10, taken: 1, low: 10}, []frame{{8, 1, drop}, {9, 2, drop}, {10, 3, drop}, {11, 4, fresh}}},
		"overlap of one":        {cursor{stamp: 10, taken: 1, low: 10}, []frame{{10, 1, drop}, {10, 2, fresh}}},
		"within a run":          {cursor{stamp: 10, taken: 2, low: 10}, []frame{{10, 1, doubt}, {10, 2, doubt}}},
		"a run from its begin":  {cursor{stamp: 10, taken: 2, low: 10}, []frame{{9, 1, drop}, {10, 2, drop}, {10, 3, drop}, {10, 4, fresh}}},
		"sent again":            {cursor{stamp: 10, taken: 1, low: 10}, []frame{{11, 1, fresh}, {11, 1, doubt}}},
		"back":                  {cursor{stamp: 10, taken: 1, low: 10}, []frame{{11, 1, fresh}, {9, 2, doubt}, {10, 3, drop}, {12, 4, fresh}}},
		"the clock is set back": {cursor{stamp: 10, taken: 5, low: 3}, []frame{{11, 1, doubt}}},
		"left out":              {cursor{stamp: 10, low: 10, adopted: true}, []frame{{10, 1, drop}, {11, 2, fresh}}},
	} {
		for i, f := range c.frames {
			got := c.cursor.judge(f.stamp, f.sum)
			if got != f.want {
				t.Errorf("%s: frame %d is %d, want %d", name, i, got, f.want)
			}
			if got == fresh {
				c.cursor.take(f.stamp)
			}
		}
	}
}
