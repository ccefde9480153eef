package file

import (
	"bytes"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"sluice/internal/record"
	"sluice/sources/archive"
	"sluice/sources/sourcetest"
)

func TestConformance(t *testing.T) {
	sourcetest.Run(t, sourcetest.Case{New: func(t *testing.T, content []byte) sourcetest.Source {
		return New(Config{Paths: []string{write(t, t.TempDir(), "a.log", string(content))}})
	}})
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// run reads paths relative to dir, which becomes the working folder.
func run(t *testing.T, dir string, cfg Config) (order []string, text map[string]string, s *Source, err error) {
	t.Helper()
	t.Chdir(dir)
	var mu sync.Mutex
	text = map[string]string{}
	finals := map[string]int{}
	s = New(cfg)
	err = s.Run(t.Context(), func(b record.Batch) error {
		mu.Lock()
		defer mu.Unlock()
		if _, ok := text[b.Origin.Name]; !ok {
			order = append(order, b.Origin.Name)
		}
		text[b.Origin.Name] += string(b.Text[b.Lead:])
		if b.Final {
			finals[b.End.Stream]++
		}
		return nil
	})
	for stream, n := range finals {
		if n != 1 {
			t.Errorf("%q has %d final batches", stream, n)
		}
	}
	if len(finals) != len(text) {
		t.Errorf("%d final batches for %d files", len(finals), len(text))
	}
	return order, text, s, err
}

func tree(t *testing.T) string {
	dir := t.TempDir()
	for _, name := range []string{
		"b.log", "a.log", "app/web.log", "app/web.log.1", "app/deep/er/x.log", "app/deep/y.txt", "[odd].log", ".hidden.log", "z/only.txt",
	} {
		write(t, dir, name, name+"\n")
	}
	return dir
}

func TestWhatPathsStandFor(t *testing.T) {
	dir := tree(t)
	for name, c := range map[string]struct{ paths, want []string }{
		"files in the order given":  {[]string{"b.log", "a.log"}, []string{"b.log", "a.log"}},
		"as it is spelled":          {[]string{"./a.log", dir + "/b.log"}, []string{"./a.log", dir + "/b.log"}},
		"twice is once":             {[]string{"a.log", "./a.log", "a*.log"}, []string{"a.log"}},
		"a folder":                  {[]string{"app"}, []string{"app/deep/er/x.log", "app/deep/y.txt", "app/web.log", "app/web.log.1"}},
		"a folder with a slash":     {[]string{"app/deep/"}, []string{"app/deep/er/x.log", "app/deep/y.txt"}},
		"a star":                    {[]string{"*.log"}, []string{".hidden.log", "[odd].log", "a.log", "b.log"}},
		"a class":                   {[]string{"[ab].log"}, []string{"a.log", "b.log"}},
		"an existing name":          {[]string{"[odd].log"}, []string{"[odd].log"}},
		"a star that is a folder":   {[]string{"ap*"}, []string{"app/deep/er/x.log", "app/deep/y.txt", "app/web.log", "app/web.log.1"}},
		"a star in the middle":      {[]string{"*/deep/*.txt"}, []string{"app/deep/y.txt"}},
		"any depth":                 {[]string{"**/*.log"}, []string{".hidden.log", "[odd].log", "a.log", "app/deep/er/x.log", "app/web.log", "b.log"}},
		"any depth below":           {[]string{"app/**/*.log"}, []string{"app/deep/er/x.log", "app/web.log"}},
		"any depth to a folder":     {[]string{"**/deep"}, []string{"app/deep/er/x.log", "app/deep/y.txt"}},
		"any depth at the end":      {[]string{"app/deep/**"}, []string{"app/deep/er/x.log", "app/deep/y.txt"}},
		"any depth twice":           {[]string{"**/**/e*/**/x.log"}, []string{"app/deep/er/x.log"}},
		"an absolute glob":          {[]string{dir + "/*/only.*"}, []string{dir + "/z/only.txt"}},
		"a glob of a folder's name": {[]string{"app/web.log*"}, []string{"app/web.log", "app/web.log.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			order, text, s, err := run(t, dir, Config{Paths: c.paths})
			if err != nil || !slices.Equal(order, c.want) {
				t.Fatalf("read %q, want %q, %v", order, c.want, err)
			}
			for name, content := range text {
				if rel, err := filepath.Rel(dir, name); filepath.IsAbs(name) && err == nil {
					name = rel
				}
				if content != filepath.Clean(name)+"\n" {
					t.Errorf("%s holds %q", name, content)
				}
			}
			if done, total, current := s.Progress(); done != total || total == 0 || current != order[len(order)-1] {
				t.Errorf("progress %d of %d at %q", done, total, current)
			}
			_, parallel, _, err := run(t, dir, Config{Paths: c.paths, Jobs: 4})
			if err != nil || !maps.Equal(text, parallel) {
				t.Errorf("four jobs read %q, %v", parallel, err)
			}
		})
	}
}

func TestWhatIsMissingIsSaidAndTheRestRead(t *testing.T) {
	dir := tree(t)
	order, _, _, err := run(t, dir, Config{Paths: []string{"gone.log", "a.log", "*.none", "gone/*.log", "a[", "no/**/x", "b.log"}})
	if !slices.Equal(order, []string{"a.log", "b.log"}) {
		t.Errorf("read %q", order)
	}
	want := []string{
		"read gone.log: no such file or directory: check the path",
		"read *.none: no file matches: check the pattern",
		"read gone/*.log: no file matches: check the pattern",
		"read a[: is not a pattern: a [ has no end",
		"read no/**/x: no file matches: check the pattern",
	}
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("error\n%v", err)
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Error("the cause is lost")
	}
}

func TestArchivesAreKnownByContent(t *testing.T) {
	dir := t.TempDir()
	// gzip of "in gzip\n", under a name that says something else.
	packed := "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01\x08\x00\xf7\xffin gzip\n"
	packed += "\xf7\x4f\x6f\xb7\x08\x00\x00\x00"
	write(t, dir, "a.log", packed)
	write(t, dir, "b.log.gz", "not gzip at all\n")
	var entries []archive.Entry
	cfg := Config{Paths: []string{"."}, Archive: archive.Config{OnEntry: func(e archive.Entry) error {
		entries = append(entries, e)
		return nil
	}}}
	_, text, _, _ := run(t, dir, cfg)
	if text["a.log"] != "in gzip\n" || text["b.log.gz"] != "not gzip at all\n" {
		t.Errorf("read %q", text)
	}
	if len(entries) != 2 || len(entries[0].Layers) != 1 || entries[0].Path != "a.log" || entries[0].Mode.Perm() != 0o644 || entries[0].ModTime.IsZero() {
		t.Errorf("entries %+v", entries)
	}
}

func TestAReceiverThatEndsEndsAllJobs(t *testing.T) {
	stop := errors.New("nothing more")
	var mu sync.Mutex
	calls := 0
	err := New(Config{Paths: []string{tree(t)}, Jobs: 3}).Run(t.Context(), func(record.Batch) error {
		mu.Lock()
		defer mu.Unlock()
		calls++
		return stop
	})
	if err != stop || calls > 3 {
		t.Errorf("%v after %d calls", err, calls)
	}
	told := New(Config{Paths: []string{tree(t)}, Archive: archive.Config{OnEntry: func(archive.Entry) error { return stop }}})
	if err := told.Run(t.Context(), func(record.Batch) error { return nil }); err != stop {
		t.Errorf("an entry that is refused: %v", err)
	}
}

func TestAFileThatChangesWhileItIsRead(t *testing.T) {
	for name, c := range map[string]struct {
		change func(path string) error
		unread bool
		said   string
	}{
		"grows": {func(p string) error {
			f, err := os.OpenFile(p, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteString("behind\n")
			return err
		}, false, "grew"},
		"shrinks": {func(p string) error { return os.Truncate(p, 100) }, true, "got shorter"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			path := write(t, t.TempDir(), "a.log", strings.Repeat("a line\n", 200_000))
			size, changed, why := 0, false, ""
			s := New(Config{Paths: []string{path}, Log: slog.New(slog.NewTextHandler(&log, nil))})
			err := s.Run(t.Context(), func(b record.Batch) error {
				size += len(b.Text) - b.Lead
				why += b.Unread
				if !changed {
					changed = true
					return c.change(path)
				}
				return nil
			})
			if (err != nil) != c.unread || (why != "") != c.unread || !c.unread && size != 1_400_000 {
				t.Errorf("%d bytes, unread %q, %v", size, why, err)
			}
			if said := log.String() + why; !strings.Contains(said, c.said) {
				t.Errorf("said %q", said)
			}
		})
	}
}
