package docker

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/record"
)

// slowly follows the file of a container whose log keeps two files, with a
// receiver that takes nothing for a minute, while f lets it print.
func slowly(t *testing.T, f func(c *container)) (c *container, s *sink, src *Source) {
	t.Helper()
	d, s := newDaemon(), newSink()
	c, _ = inFolder(t, d)
	c.keeps, c.driver = 2, map[string]string{"max-size": "50k", "max-file": "2"}
	cfg := all()
	cfg.File, cfg.Self, cfg.OnGap = true, "none", s.gap
	src = New(cfg)
	src.dial = d.serve(t)
	c.print(stdout, "first\n") // a log that runs has its file from the start
	slow := true
	_, stop := runSource(src, func(b record.Batch) error {
		if slow {
			slow = false
			time.Sleep(time.Minute)
		}
		return s.emit(b)
	})
	time.Sleep(time.Second)
	f(c)
	time.Sleep(10 * time.Minute)
	if err := stop(); err == nil {
		t.Error("the source ended by itself")
	}
	return c, s, src
}

// What rotation takes off the disk while nothing is taken is read from the files
// that are held open: nothing is lost, and nothing told.
func TestFilesAreHeldUntilTheyAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, src := slowly(t, func(c *container) {
			for i := range 40 {
				for j := range 7 {
					c.print(side(j%2), fmt.Sprintf("line %d of file %d\n%s\n", j, i, strings.Repeat("x", 20_000*(j/6))))
				}
				c.turn()
				time.Sleep(2 * latest)
			}
		})
		expect(t, s, c)
		if len(s.gaps) > 0 {
			t.Errorf("gaps %v, %d requests", s.gaps, src.Stats().Requests.Load())
		}
	})
}

// Where rotation was too quick for that, each place where something is missing is
// told, and what is held before and behind it read.
func TestAHoleBetweenHeldFilesIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s, _ := slowly(t, func(c *container) {
			c.print(stdout, "line 0\n")
			c.turn()
			time.Sleep(2 * latest)
			c.print(stdout, "line 1\n")
			for i := range 20 { // in no time, but a look may fall between
				c.turn()
				c.print(stdout, fmt.Sprintf("line %d\n", i+2))
			}
		})
		got, want := s.text[strings.Repeat("0", 61)+"abc/stdout"], []string{"line 0", "line 1", "line 20", "line 21"}
		at, holes := 0, 0
		for line := range strings.Lines(strings.TrimPrefix(got, "first\n")) {
			var n int
			if _, err := fmt.Sscanf(line, "line %d\n", &n); err != nil || n < at {
				t.Fatalf("%q where line %d has to come", line, at)
			}
			if n > at {
				holes++
			}
			at = n + 1
		}
		for _, line := range want {
			if !strings.Contains(got, line+"\n") {
				t.Errorf("no %s in %q", line, got)
			}
		}
		if at != 22 || holes == 0 || holes != len(s.gaps) {
			t.Errorf("got %q: %d holes; gaps %v", got, holes, s.gaps)
		}
	})
}

// What is held has a bound, and what that takes is told.
func TestWhatIsHeldIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 2 * mostFiles
		_, s, _ := slowly(t, func(c *container) {
			for i := range n {
				c.print(stdout, fmt.Sprintf("line %d\n", i))
				c.turn()
				time.Sleep(2 * latest)
			}
		})
		got := strings.Count(s.text[strings.Repeat("0", 61)+"abc/stdout"], "\n")
		if got < mostFiles || got >= n || len(s.gaps) != 1 {
			t.Errorf("%d lines, gaps %v", got, s.gaps)
		}
	})
}

// Files that were read are let go of, also while others are followed without a
// request; a compressed file is known for the one that it was.
func TestFilesThatWereReadAreLetGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x-json.log")
	d := newDaemon()
	c := d.add("gateway", func(c *container) { c.logPath, c.keeps = path, 4 })
	k := newKeeper(path)
	defer k.close()
	for i := range 20 {
		c.print(stdout, fmt.Sprintf("line %d\n", i))
		if err := k.look(); err != nil {
			t.Fatal(err)
		}
		c.turn()
		if i%3 == 0 {
			gzipFile(t, path+".1")
		}
		if err := k.look(); err != nil {
			t.Fatal(err)
		}
		for _, g := range k.files {
			if g.hole {
				t.Fatalf("rotation %d: a hole before file %d", i, g.n)
			}
		}
		if n := k.files[len(k.files)-1].n; n != int64(i)+2 {
			t.Fatalf("rotation %d: the newest file is the %dth", i, n)
		}
	}
	if len(k.files) != 21 {
		t.Errorf("%d files are held", len(k.files))
	}
	k.taken(15)
	if k.files[0].n != 15-spare {
		t.Errorf("held from file %d on", k.files[0].n)
	}
	if k.taken(21); len(k.files) != 4 { // what the daemon keeps stays
		t.Errorf("%d files are held", len(k.files))
	}
}

// A container of docker run --rm takes its log along when it ends: what is held
// is read to its end, and where the last file was full, so that there may have
// been another, that is told.
func TestARemovedContainersFilesAreReadToTheirEnd(t *testing.T) {
	for name, full := range map[string]bool{"all was held": false, "the last file was full": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s, _ := slowly(t, func(c *container) {
					for i := range 7 {
						c.print(side(i%2), fmt.Sprintf("line %d\n%s\n", i, strings.Repeat("x", 60_000)))
						c.turn()
						time.Sleep(2 * latest)
					}
					last := "the last line\n"
					if full {
						last = strings.Repeat("y", 60_000) + "\n"
					}
					c.print(stdout, last)
					time.Sleep(2 * latest)
					c.stop()
					c.d.remove(c)
					if err := os.RemoveAll(filepath.Dir(c.logPath)); err != nil {
						t.Error(err)
					}
				})
				expect(t, s, c)
				if (len(s.gaps) > 0) != full || len(s.gaps) > 1 {
					t.Errorf("gaps %v", s.gaps)
				}
			})
		})
	}
}
