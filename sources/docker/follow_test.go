package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// following runs f beside a source that follows d in a bubble, and then compares.
func following(t *testing.T, cfg Config, f func(t *testing.T, d *daemon, s *sink)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d, s := newDaemon(), newSink()
		dial := d.serve(t)
		_, stop := run(t, cfg, dial, s)
		defer stop()
		f(t, d, s)
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	})
}

func TestALineComesAtOnce(t *testing.T) {
	following(t, all(), func(t *testing.T, d *daemon, s *sink) {
		c := d.add("gateway")
		time.Sleep(time.Minute)
		for i := range 20 {
			c.print(stdout, fmt.Sprintf("line %d\n", i))
			time.Sleep(soon)
			expect(t, s, c)
		}
	})
}

func TestFaultsOfAConnection(t *testing.T) {
	for name, f := range map[string]fault{
		"cut":            {cut: 1000},
		"cut in follow":  {cut: 500, follow: true},
		"hang":           {hang: 3, follow: true},
		"replay":         {replay: 50, follow: true},
		"replay at once": {replay: 1, follow: true},
		"error 500":      {status: 500},
	} {
		for _, old := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, old %v", name, old), func(t *testing.T) {
				following(t, all(), func(t *testing.T, d *daemon, s *sink) {
					c := d.add("gateway", func(c *container) { c.old, c.faults = old, slices.Repeat([]fault{f}, 10) })
					for i := range 1000 {
						c.print(side(i%2), fmt.Sprintf("line %d\n", i))
						time.Sleep(time.Duration(i%7) * 10 * time.Millisecond)
					}
					time.Sleep(10 * time.Minute)
					expect(t, s, c)
					if len(s.gaps) > 0 {
						t.Errorf("gaps: %v", s.gaps)
					}
				})
			})
		}
	}
}

// A connection that is silent is told from a container that is.
func TestAStallIsNoticed(t *testing.T) {
	following(t, all(), func(t *testing.T, d *daemon, s *sink) {
		c := d.add("gateway", func(c *container) { c.faults = []fault{{hang: 1, follow: true}} })
		time.Sleep(time.Second)
		c.print(stdout, "heard\n")
		time.Sleep(soon)
		expect(t, s, c)
		c.print(stdout, "not heard\n")
		time.Sleep(3 * quietIdle)
		expect(t, s, c)
		c.print(stdout, "heard again\n")
		time.Sleep(soon)
		expect(t, s, c)
	})
}

// What rotation took before it was read is a gap, and reading goes on behind it.
func TestAGapIsReported(t *testing.T) {
	following(t, all(), func(t *testing.T, d *daemon, s *sink) {
		c := d.add("gateway")
		c.print(stdout, "read\n")
		time.Sleep(time.Second)
		c.change(func() {
			for range 8 {
				c.faults = append(c.faults, fault{status: 500})
			}
			c.d.tell("start", c.id)
		})
		c.stop()
		for i := range 100 {
			c.print(stdout, fmt.Sprintf("line %d\n", i))
		}
		c.rotate(10)
		c.start()
		time.Sleep(5 * time.Minute)
		if len(s.gaps) != 1 || s.gaps[0].Container != "gateway" || !s.gaps[0].After.Before(s.gaps[0].Before) {
			t.Errorf("gaps: %+v", s.gaps)
		}
		if got := s.of(c, stdout); !strings.HasPrefix(got, "read\nline 90\n") || !strings.HasSuffix(got, "line 99\n") {
			t.Errorf("got %q", got)
		}
	})
}

func TestContainersComeAndGo(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		t.Run(fmt.Sprintf("events are lost: %v", deaf), func(t *testing.T) {
			following(t, Config{Name: "litellm-*", Follow: true}, func(t *testing.T, d *daemon, s *sink) {
				other := d.add("postgres", func(*container) { d.deaf = deaf })
				a := d.add("litellm-1")
				a.print(stdout, "first\n")
				time.Sleep(time.Minute)
				b := d.add("litellm-2")
				b.print(stderr, "second\n")
				other.print(stdout, "not asked for\n")
				time.Sleep(time.Minute)
				a.stop()
				time.Sleep(time.Second)
				a.start()
				a.print(stdout, "after a restart\n")
				time.Sleep(time.Minute)
				expect(t, s, a)
				expect(t, s, b)
				d.remove(b)
				time.Sleep(2 * time.Minute)
				if s.of(other, stdout) != "" || s.final[b.id+"/stderr"] != 1 || s.final[a.id+"/stdout"] != 0 {
					t.Errorf("other %q, ends %v", s.of(other, stdout), s.final)
				}
			})
		})
	}
}

// A container that is renamed keeps its position, under any name.
func TestRename(t *testing.T) {
	following(t, Config{Name: "gateway-*", Follow: true}, func(t *testing.T, d *daemon, s *sink) {
		c := d.add("gateway-1")
		for _, name := range []string{"gateway-2", "away", "gateway-3"} {
			c.print(stdout, "before "+name+"\n")
			time.Sleep(time.Second)
			c.rename(name)
			time.Sleep(time.Second)
		}
		c.print(stdout, "end\n")
		time.Sleep(time.Second)
		expect(t, s, c)
		names := ""
		for _, b := range s.batches {
			if len(b.Records) > 0 {
				names += b.Origin.Name + " "
			}
		}
		if names != "gateway-1 gateway-2 gateway-3 gateway-3 " {
			t.Errorf("names %s", names)
		}
	})
}

func TestTheDaemonGoesAndComes(t *testing.T) {
	following(t, all(), func(t *testing.T, d *daemon, s *sink) {
		c := d.add("gateway")
		for i := range 5 {
			c.print(stdout, fmt.Sprintf("up %d\n", i))
			time.Sleep(time.Second)
			c.change(func() { d.down = true; d.hangUp() })
			time.Sleep(time.Minute)
			c.print(stdout, fmt.Sprintf("down %d\n", i))
			c.change(func() { d.down = false })
			time.Sleep(time.Minute)
		}
		expect(t, s, c)
		if len(s.gaps) > 0 {
			t.Errorf("gaps: %v", s.gaps)
		}
	})
}
