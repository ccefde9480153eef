package docker

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moby/moby/client"
	"pgregory.net/rapid"
)

// step is one thing that happens to a container, its source or its daemon.
type step struct {
	what  string
	side  side
	text  string
	pause time.Duration
	fault fault
}

var pauses = []time.Duration{0, 0, time.Millisecond, 60 * time.Millisecond, 400 * time.Millisecond, 3 * time.Second, time.Minute}

func steps(t *rapid.T) []step {
	whats := []string{"print", "print", "print", "print", "burst", "fault", "restart", "resume", "equal", "down", "up", "rotate"}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		s := step{
			what:  rapid.SampledFrom(whats).Draw(t, "what"),
			side:  side(rapid.IntRange(0, 1).Draw(t, "side")),
			pause: rapid.SampledFrom(pauses).Draw(t, "pause"),
		}
		n := rapid.SampledFrom([]int{0, 1, 20, 300, 16383, 16384, 16385, 40_000}).Draw(t, "length")
		s.text = strings.Repeat(rapid.SampledFrom([]string{"a", "xyz "}).Draw(t, "fill"), n)[:n] + "\n"
		s.fault = fault{
			follow: rapid.Bool().Draw(t, "follow"),
			cut:    rapid.SampledFrom([]int{0, 1, 50, 20_000}).Draw(t, "cut"),
			hang:   rapid.IntRange(0, 3).Draw(t, "hang"),
			replay: rapid.IntRange(0, 5).Draw(t, "replay"),
			status: rapid.SampledFrom([]int{0, 0, 0, 500}).Draw(t, "status"),
		}
		return s
	}), 1, 40).Draw(t, "steps")
}

// Whatever happens to connections, container, daemon and source: what was printed
// comes once and in order, as long as it is held.
func TestNothingIsLostOrDoubled(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		plan, old := steps(rt), rapid.Bool().Draw(rt, "old")
		file := rapid.Bool().Draw(rt, "file")
		tty, version := rapid.Bool().Draw(rt, "tty"), rapid.SampledFrom([]string{"1.40", "1.41", "1.42", "1.54", client.MaxAPIVersion}).Draw(rt, "version")
		bare, wrong := rapid.Bool().Draw(rt, "bare"), ""
		synctest.Test(t, func(t *testing.T) {
			wrong = play(t, plan, func(c *container) {
				c.told = !bare && !file
				if c.d.version, c.old, c.tty, c.bare = version, old, tty, bare && !file; file {
					c.logPath = filepath.Join(t.TempDir(), "x-json.log")
				}
			})
		})
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

func play(t *testing.T, plan []step, set func(*container)) string {
	d, s := newDaemon(), newSink()
	c := d.add("gateway", set)
	dial, cfg := d.serve(t), all()
	cfg.File = c.logPath != ""
	turns, end := 0, "\n"
	if c.tty {
		end = "\r\n" // as a terminal ends a line
	}
	_, stop := run(t, cfg, dial, s)
	defer func() { _ = stop() }()
	for i, step := range plan {
		side := step.side
		if c.tty {
			side = stdout
		}
		switch step.what {
		case "print":
			c.print(side, fmt.Sprint(i, " ", strings.ReplaceAll(step.text, "\n", end)))
		case "burst":
			for j := range 50 {
				c.print(side, fmt.Sprint(i, ".", j, end))
			}
		case "equal": // stamps do not move
			c.change(func() {
				for j := range 3 {
					c.write(side, fmt.Sprint(i, "=", j%2, end))
					d.tick--
				}
				d.tick++
			})
		case "fault":
			c.change(func() { c.faults = append(c.faults, step.fault) })
		case "restart":
			c.stop()
			time.Sleep(step.pause)
			c.start()
		case "resume": // a clean stop: what was emitted was delivered
			_ = stop()
			cfg.Marks = s.resume()
			_, stop = run(t, cfg, dial, s)
		case "rotate":
			if turns++; c.logPath != "" && turns < 9 {
				c.turn()
			}
		case "down":
			c.change(func() { d.down = true; d.hangUp() })
		case "up":
			c.change(func() { d.down = false })
		}
		time.Sleep(step.pause)
	}
	c.change(func() { d.down = false })
	time.Sleep(3 * time.Minute)
	for side := range sides {
		if got, want := s.of(c, side), c.text(side); got != want {
			return fmt.Sprintf("%s: got %d bytes, want %d:\n%.600q\n%.600q", side, len(got), len(want), got, want)
		}
	}
	if len(s.gaps) > 0 || d.broken {
		return fmt.Sprintf("gaps: %+v", s.gaps)
	}
	return ""
}
