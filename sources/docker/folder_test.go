package docker

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// gzipFile makes path.gz of path, as a daemon does with compress=true.
func gzipFile(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, err = w.Write(text)
	if err := errors.Join(err, w.Close(), os.WriteFile(path+".gz", zipped.Bytes(), 0o600), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
}

// inFolder is a container whose log lies in a daemon's folder, seen from here as
// another one.
func inFolder(t *testing.T, d *daemon) (c *container, folder string) {
	t.Helper()
	folder = t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "id"), 0o755); err != nil {
		t.Fatal(err)
	}
	return d.add("gateway", func(c *container) { c.logPath = filepath.Join(folder, "id", "id-json.log") }), folder
}

// askedForLogs says whether the daemon was asked for a log.
func (d *daemon) askedForLogs() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Contains(strings.Join(d.requests, " "), "/logs?")
}

// One pass reads the files of all rotations, compressed ones too, and does not
// ask the daemon.
func TestFilesOfOnePass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon()
		c, folder := inFolder(t, d)
		for i := range 5 {
			c.print(side(i%2), fmt.Sprintf("line %d\n%s\n", i, strings.Repeat("x", 40_000)))
			c.turn()
		}
		c.print(stdout, "last\n")
		c.stop()
		gzipFile(t, c.logPath+".3")
		gzipFile(t, c.logPath+".5")
		cfg := Config{Name: "*", File: true, Folder: folder}
		path := c.logPath
		c.change(func() { c.logPath = "/var/lib/docker/containers/id/id-json.log" }) // as the daemon says it
		s, err := readOnce(t, cfg, d)
		if err != nil || d.askedForLogs() {
			t.Errorf("error %v, asked %v", err, d.askedForLogs())
		}
		expect(t, s, c)
		for tail := range 14 {
			log := newKeeper(path)
			if err := log.look(); err != nil {
				t.Fatal(err)
			}
			parts, err := lastOf(log.files, tail)
			if err != nil {
				t.Fatal(err)
			}
			var text []byte
			for _, p := range parts {
				more, failed := io.ReadAll(p)
				text, err = append(text, more...), errors.Join(err, failed)
			}
			if n := bytes.Count(text, []byte{'\n'}); err != nil || n != tail || !bytes.HasSuffix(append([]byte("}\n"), text...), []byte("}\n")) {
				t.Errorf("%d lines for the last %d, %v", n, tail, err)
			}
			log.close()
		}
	})
}

// Where the file is not here, the daemon is asked, and the user told why.
func TestFilesThatAreNotHere(t *testing.T) {
	for name, set := range map[string]func(c *container){
		"not mounted":    func(c *container) { c.logPath = "/nonesuch/id/id-json.log" },
		"another driver": func(*container) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, s := newDaemon(), newSink()
				c := d.add("gateway")
				c.print(stdout, "line\n")
				c.change(func() { set(c) })
				var log bytes.Buffer
				cfg := all()
				cfg.File, cfg.Log = true, slog.New(slog.NewTextHandler(&log, nil))
				_, stop := run(t, cfg, d.serve(t), s)
				time.Sleep(time.Minute)
				_ = stop()
				if got := s.of(c, stdout); got != "line\n" || strings.Count(log.String(), "asked of the daemon") != 1 {
					t.Errorf("got %q, log %s", got, log.String())
				}
			})
		})
	}
}

// A file that is cut to nothing, as with max-file=1 or by logrotate's
// copytruncate, which the daemon's own follow does not survive: nothing is
// doubled, and what was not read is told.
func TestAFileThatIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := newDaemon(), newSink()
		c, _ := inFolder(t, d)
		cfg := all()
		cfg.File = true
		_, stop := run(t, cfg, d.serve(t), s)
		defer stop()
		for i := range 20 {
			c.print(stdout, fmt.Sprintf("line %d\n", i))
			time.Sleep(time.Second)
			if i%5 == 4 {
				if err := os.Truncate(c.logPath, 0); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(time.Minute)
		expect(t, s, c)
	})
}
