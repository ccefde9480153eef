package docker

import (
	"strings"
	"testing"

	"github.com/moby/moby/client"

	"sluice/internal/record"
	"sluice/sources/sourcetest"
)

// printed is a container that has printed content and stopped.
func printed(d *daemon, content []byte, tty bool) *container {
	c := d.add("gateway", func(c *container) { c.tty = tty })
	c.print(stdout, string(content))
	c.stop()
	return c
}

func TestConformance(t *testing.T) {
	for name, tty := range map[string]bool{"frames": false, "terminal": true} {
		t.Run(name, func(t *testing.T) {
			sourcetest.Run(t, sourcetest.Case{
				Messages: true,
				Origin:   record.Origin{Kind: "docker", Name: "gateway", Stream: "stdout"},
				New: func(t *testing.T, content []byte) sourcetest.Source {
					d := newDaemon()
					printed(d, content, tty)
					return New(Config{Name: "gateway", Self: "none", Env: environ("DOCKER_HOST=" + d.serveUnix(t))})
				},
				Waiting: func(t *testing.T, content []byte) sourcetest.Source {
					d := newDaemon()
					c := d.add("gateway", func(c *container) { c.tty = tty })
					c.print(stdout, string(content))
					return New(Config{Name: "gateway", Follow: true, Self: "none", Env: environ("DOCKER_HOST=" + d.serveUnix(t))})
				},
			})
		})
	}
}

// The text is the container's own: no frame header, no stamp of the daemon.
func TestTextIsWhatTheContainerWrote(t *testing.T) {
	line := strings.Repeat("x", 40_000) + "\n"
	for name, set := range map[string]func(c *container){
		"frames":               func(c *container) { c.d.version = "1.41" },
		"frames with a type":   func(c *container) { c.d.version = "1.42" },
		"ndjson":               func(c *container) { c.d.version = "1.54" },
		"ndjson, told pieces":  func(c *container) { c.d.version, c.told = "1.54", true },
		"ndjson of the newest": func(c *container) { c.d.version = client.MaxAPIVersion },
		"ndjson of a newer":    func(c *container) { c.d.version, c.told = "1.99", true },
		"newest without it":    func(c *container) { c.d.version, c.d.framed = client.MaxAPIVersion, true },
		"1.40":                 func(c *container) { c.d.version = "1.40" },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDaemon()
			c := d.add("gateway", set)
			for range 20 {
				c.print(stderr, line[:20_000])
				c.print(stdout, line+"short\n")
				c.print(stderr, line[20_000:])
			}
			c.stop()
			s, err := readOnce(t, Config{Name: "gate*"}, d)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, s, c)
			for _, b := range s.batches {
				for _, r := range b.Records {
					if text := b.Text[r.Start:r.End]; len(text) != len(line) && string(text) != "short\n" || r.More {
						t.Fatalf("a record of %d bytes (more: %v)", len(text), r.More)
					}
				}
			}
		})
	}
}
