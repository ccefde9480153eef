package docker

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/lines"
	"sluice/internal/record"
)

// A clock that is set back makes stamps go back: nothing is lost or doubled.
func TestTheClockIsSetBack(t *testing.T) {
	for _, by := range []time.Duration{time.Millisecond, 1500 * time.Millisecond, time.Hour} {
		for _, old := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, old %v", by, old), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d, s := newDaemon(), newSink()
					c := d.add("gateway", func(c *container) { c.old = old })
					dial := d.serve(t)
					_, stop := run(t, all(), dial, s)
					for i := range 100 {
						if i == 50 {
							c.change(func() { d.offset -= by })
						}
						if i == 70 {
							_ = stop()
							cfg := all()
							cfg.Marks = s.resume()
							_, stop = run(t, cfg, dial, s)
						}
						c.print(side(i%2), fmt.Sprintf("line %d\n", i))
						time.Sleep(time.Duration(i%3) * soon)
					}
					time.Sleep(3 * time.Hour)
					c.print(stdout, "end\n")
					time.Sleep(time.Minute)
					_ = stop()
					expect(t, s, c)
				})
			})
		}
	}
}

// A daemon that cannot read its own log in one place is read up to the place and
// from behind it: one message is missing, and told.
func TestADamagedLogIsReadBehindTheDamage(t *testing.T) {
	for _, behind := range []int{0, 1, 5, probe - 1, probe, 3*probe + 7} {
		for _, resumed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d, resumed %v", behind, resumed), func(t *testing.T) {
				following(t, all(), func(t *testing.T, d *daemon, s *sink) {
					c := d.add("gateway", func(c *container) { c.faults = []fault{{hang: 1, follow: true}} })
					c.print(stdout, "read before\n")
					if resumed {
						time.Sleep(time.Minute)
					}
					for i := range 10 {
						c.print(stdout, fmt.Sprintf("line %d\n", i))
					}
					c.change(func() { c.damage = c.log[5].stamp })
					for i := range behind {
						c.print(stdout, fmt.Sprintf("behind %d\n", i))
					}
					time.Sleep(time.Minute)
					c.print(stdout, "after\n")
					time.Sleep(time.Minute)
					want := strings.Replace(c.text(stdout), "line 4\n", "", 1)
					if got := s.of(c, stdout); got != want || len(s.gaps) != 1 {
						t.Errorf("got %.60q… %d bytes, want %d; gaps %v", got, len(got), len(want), s.gaps)
					}
				})
			})
		}
	}
}

// One that fails only now and then is asked again: nothing is given up.
func TestADaemonThatFailsOnceIsAskedAgain(t *testing.T) {
	following(t, all(), func(t *testing.T, d *daemon, s *sink) {
		c := d.add("gateway")
		for i := range 10 {
			for j := range 5 * probe / 4 {
				c.print(side(j%2), fmt.Sprintf("line %d of %d\n", j, i))
			}
			c.change(func() { c.faults = []fault{{broken: 3 + i}, {cut: 1000, follow: true}, {broken: 2 * i}} })
			time.Sleep(time.Minute)
		}
		expect(t, s, c)
		if len(s.gaps) > 0 {
			t.Errorf("gaps %v", s.gaps)
		}
	})
}

// message adds one to an assembler.
func (a *assembler) feed(text string, stamp, taken int64) {
	a.add(message{stamp: stamp, text: []byte(text)}, place{stamp, taken})
}

func texts(a *assembler) (out []string) {
	b, _ := a.batch("x")
	for _, r := range b.Records {
		out = append(out, string(b.Text[r.Start:r.End]))
	}
	return out
}

// Daemons of version 20.10 with the local driver leave out the line end of a
// line in pieces, be its last piece short or empty.
func TestALineEndThatTheDriverDropped(t *testing.T) {
	full := strings.Repeat("x", pieceSize)
	for name, c := range map[string]struct{ feed, want []string }{
		"short piece": {[]string{full, "rest", "next\n"}, []string{full + "rest\n", "next\n"}},
		"empty piece": {[]string{full, full, "", "next\n"}, []string{full + full + "\n", "next\n"}},
		"with end":    {[]string{full, "rest\n", "next\n"}, []string{full + "rest\n", "next\n"}},
		"just full":   {[]string{full, "\n", "next\n"}, []string{full + "\n", "next\n"}},
	} {
		a := &assembler{stream: "s", line: 1}
		for i, text := range c.feed[:len(c.feed)-1] {
			a.feed(text, 1, int64(i+1))
		}
		a.feed(c.feed[len(c.feed)-1], 2, 1)
		if got := texts(a); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %d records", name, len(got))
		}
	}
	a := &assembler{stream: "s", line: 1}
	a.feed("cut off", 1, 1)
	a.feed("next run\n", 2, 1)
	a.feed(full, 3, 1)
	a.feed("another\n", 4, 1) // another stamp: the line ended
	if got := texts(a); len(got) != 4 || got[0] != "cut off\n" || got[2] != full+"\n" {
		t.Errorf("%.40q", got)
	}
}

// The beginning of a long line that does not go on is given out, and the rest
// when it comes; it stays one line.
func TestAHeldLineIsReleased(t *testing.T) {
	full := strings.Repeat("x", pieceSize)
	following(t, all(), func(t *testing.T, d *daemon, s *sink) {
		c := d.add("gateway")
		time.Sleep(time.Second)
		c.print(stdout, full)
		time.Sleep(holdFor / 2)
		if s.of(c, stdout) != "" {
			t.Error("a piece was given out at once")
		}
		time.Sleep(holdFor)
		expect(t, s, c)
		c.print(stdout, "rest\nnext\n")
		time.Sleep(soon)
		expect(t, s, c)
		var got []record.Record
		for _, b := range s.batches {
			got = append(got, b.Records...)
		}
		if len(got) != 3 || !got[0].More || got[0].Line != 1 || got[1].Line != 1 || got[2].Line != 2 {
			t.Errorf("records %+v", got)
		}
	})
}

// However long a line is, little of it is held.
func TestALineWithoutEndIsBounded(t *testing.T) {
	a := &assembler{stream: "s", line: 1}
	piece := strings.Repeat("token ", pieceSize)[:pieceSize]
	for i := range int64(1000) {
		a.feed(piece, 1, i+1)
		if len(a.open) > lines.MaxLine+pieceSize {
			t.Fatalf("%d bytes are held", len(a.open))
		}
		for _, text := range texts(a) {
			if text[len(text)-1] != ' ' {
				t.Fatal("a cut in a token")
			}
		}
	}
}

// onBare is a container with a terminal on a daemon before version 23 with the
// "local" driver, which drops the line end of a line in pieces.
func onBare(c *container) { c.tty, c.bare, c.old = true, true, true }

// The line behind a line in pieces comes, whether it is there at once or later.
func TestALineEndThatATerminalLost(t *testing.T) {
	for _, pause := range []time.Duration{0, time.Minute} {
		for _, size := range []int{2*pieceSize - 2, 2*pieceSize - 1, 2 * pieceSize, 40_000} {
			t.Run(fmt.Sprintf("%d bytes, pause %s", size, pause), func(t *testing.T) {
				following(t, all(), func(t *testing.T, d *daemon, s *sink) {
					c := d.add("gateway", onBare)
					for i := range 5 {
						c.print(stdout, strings.Repeat("x", size)+"\r\n")
						time.Sleep(pause)
						c.print(stdout, fmt.Sprintf("line %d\r\n", i))
						time.Sleep(pause)
					}
					time.Sleep(time.Minute)
					expect(t, s, c)
				})
			})
		}
	}
}

// A stamp that the container printed itself is text.
func TestAStampThatTheContainerPrints(t *testing.T) {
	following(t, all(), func(t *testing.T, d *daemon, s *sink) {
		c := d.add("gateway", onBare)
		for i := range 5 {
			forged := time.Now().Add(time.Hour).UTC().Format(wireStamp)
			c.print(stdout, strings.Repeat("x", 20_000)+"\r"+forged+" forged\r\n")
			c.print(stdout, forged+" at the beginning\r\n")
			c.print(stdout, strings.Repeat("many\r"+forged+" ", mostAsked/10)+"\r\n")
			time.Sleep(time.Minute)
			c.print(stdout, fmt.Sprintf("line %d\r\n", i))
		}
		time.Sleep(time.Minute)
		expect(t, s, c)
	})
}

// A container that is started right behind the question whether it runs is in the
// middle of a line when its log is read: the line goes on.
func TestALineThatAStartBegins(t *testing.T) {
	following(t, all(), func(t *testing.T, d *daemon, s *sink) {
		c := d.add("gateway", func(c *container) {
			c.running = false
			c.faults = []fault{{meanwhile: func() {
				c.running = true
				c.write(stdout, strings.Repeat("x", 3*pieceSize))
			}}}
		})
		time.Sleep(time.Second)
		c.print(stdout, strings.Repeat("x", pieceSize)+" and its end\n")
		time.Sleep(time.Minute)
		expect(t, s, c)
	})
}
