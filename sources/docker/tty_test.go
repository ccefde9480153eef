package docker

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

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
