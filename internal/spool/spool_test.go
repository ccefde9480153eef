package spool

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// collect opens a spool and returns what it holds.
func collect(t interface {
	Helper()
	Fatal(...any)
}, dir string) (*File, []string, Found) {
	t.Helper()
	var got []string
	f, found, err := Open(dir, "x.spool", func(b []byte, _ Place) error {
		got = append(got, string(b))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return f, got, found
}

// A model: appends, rewrites, and crashes that tear off what was not synced.
// What was synced is there, in order, and nothing that was not written is.
func TestSpoolModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "spool")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		f, _, _ := collect(t, dir)
		var want []string // in the file
		places := []Place{}
		safe, safeSize := 0, int64(0)
		for i := range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0, 1, 2:
				text := fmt.Sprintf("record %d %s", i, strings.Repeat("é", rapid.IntRange(0, 300).Draw(t, "len")))
				at, end, err := f.Append([]byte(text))
				if err != nil {
					t.Fatal(err)
				}
				want, places = append(want, text), append(places, at)
				if rapid.Bool().Draw(t, "sync") {
					if err := f.Sync(end); err != nil {
						t.Fatal(err)
					}
					safe, safeSize = len(want), f.Size()
				}
			case 3:
				keep := rapid.SliceOfNDistinct(rapid.IntRange(0, max(len(want)-1, 0)), 0, len(want), rapid.ID[int]).Draw(t, "keep")
				slices.Sort(keep)
				var kept []string
				var at []Place
				err := f.Rewrite(func(read func(Place) ([]byte, error), add func([]byte) (Place, error)) error {
					for _, k := range keep {
						b, err := read(places[k])
						if err != nil {
							return err
						}
						p, err := add(b)
						if err != nil {
							return err
						}
						kept, at = append(kept, string(b)), append(at, p)
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				want, places, safe, safeSize = kept, at, len(kept), f.Size()
			case 4:
				for k, at := range places {
					if b, err := f.Read(at); err != nil || string(b) != want[k] {
						t.Fatalf("read %d: %q, %v", k, b, err)
					}
				}
			case 5:
				size := f.Size()
				_ = f.Close()
				cut := rapid.Int64Range(safeSize, size).Draw(t, "cut")
				if err := os.Truncate(filepath.Join(dir, "x.spool"), cut); err != nil {
					t.Fatal(err)
				}
				var got []string
				f, got, _ = collect(t, dir)
				if len(got) < safe || len(got) > len(want) || !slices.Equal(got, want[:len(got)]) {
					t.Fatalf("after the crash %d records, %d were safe, %d written", len(got), safe, len(want))
				}
				want, places = got, places[:len(got)]
				safe, safeSize = len(got), f.Size()
			}
		}
		_ = f.Close()
		f, got, found := collect(t, dir)
		if !slices.Equal(got, want) || found.Damaged != 0 {
			t.Fatalf("%d records, want %d; %+v", len(got), len(want), found)
		}
		_ = f.Close()
	})
}

// One damaged byte costs the record it stands in and no other.
func TestDamageCostsOneRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "spool")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		f, _, _ := collect(t, dir)
		var want []string
		for i := range 5 {
			want = append(want, fmt.Sprintf("record %d %s", i, strings.Repeat("x", rapid.IntRange(0, 100).Draw(t, "len"))))
			if _, _, err := f.Append([]byte(want[i])); err != nil {
				t.Fatal(err)
			}
		}
		_ = f.Close()
		path := filepath.Join(dir, "x.spool")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text[rapid.IntRange(0, len(text)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		f, got, found := collect(t, dir)
		_ = f.Close()
		if len(got) != 4 || found.Cut+found.Damaged == 0 {
			t.Fatalf("%d records left, %+v", len(got), found)
		}
		for _, g := range got {
			if !slices.Contains(want, g) {
				t.Fatalf("%q was never written", g)
			}
		}
	})
}

func TestOneHolder(t *testing.T) {
	dir := t.TempDir()
	f, _, _ := collect(t, dir)
	_, _, err := Open(dir, "x.spool", nil)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("by process %d", os.Getpid())) {
		t.Errorf("second holder: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f, _, _ = collect(t, dir)
	_ = f.Close()
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "spool")
	f, _, _ := collect(t, dir)
	err := f.Rewrite(func(func(Place) ([]byte, error), func([]byte) (Place, error)) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for path, want := range map[string]os.FileMode{dir: 0o700, dir + "/x.spool": 0o600, dir + "/x.spool.lock": 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

// A rewrite that fails leaves everything as it was.
func TestFailedRewrite(t *testing.T) {
	dir := t.TempDir()
	f, _, _ := collect(t, dir)
	at, _, err := f.Append([]byte("kept"))
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err = f.Rewrite(func(_ func(Place) ([]byte, error), add func([]byte) (Place, error)) error {
		_, err := add([]byte("new"))
		return errors.Join(err, broken)
	})
	if !errors.Is(err, broken) {
		t.Fatalf("%v", err)
	}
	if b, err := f.Read(at); err != nil || string(b) != "kept" {
		t.Errorf("%q, %v", b, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f, got, _ := collect(t, dir)
	_ = f.Close()
	if !slices.Equal(got, []string{"kept"}) {
		t.Errorf("%q", got)
	}
}

func TestConcurrentAppends(t *testing.T) {
	dir := t.TempDir()
	f, _, _ := collect(t, dir)
	const writers, each = 8, 50
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				_, end, err := f.Append(fmt.Appendf(nil, "%d/%d", w, i))
				if err = errors.Join(err, f.Sync(end)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f, got, _ := collect(t, dir)
	_ = f.Close()
	if len(got) != writers*each {
		t.Errorf("%d records", len(got))
	}
}

// Whatever stands in the file: Open ends, gives only what has a right
// checksum, and a second Open gives the same.
func FuzzOpen(f *testing.F) {
	whole := append(frame([]byte("a")), frame([]byte("bc"))...)
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(append([]byte{0xff, 'S', 'p', 1, 0xff, 0xff, 0xff, 0xff}, whole...))
	f.Add(bytes.Repeat([]byte{0xff, 'S', 'p'}, 100))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x.spool"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, first, _ := collect(t, dir)
		if _, _, err := s.Append([]byte("last")); err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
		s, second, _ := collect(t, dir)
		_ = s.Close()
		if !slices.Equal(append(first, "last"), second) {
			t.Fatalf("%q, then %q", first, second)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	f, _, err := Open(b.TempDir(), "x.spool", nil)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	payload := bytes.Repeat([]byte("x"), 1000)
	b.SetBytes(Cost(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := f.Append(payload); err != nil {
			b.Fatal(err)
		}
	}
}
