package clean

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"sluice/internal/record"
)

// give plays a pipeline: it tells the tree of an entry and delivers its text.
func give(t *testing.T, tree *Tree, e record.Entry, text string, final bool) {
	t.Helper()
	if err := tree.Enter(e); err != nil {
		t.Fatal(err)
	}
	if e.Stream == "" {
		return
	}
	for i, part := range []string{text[:len(text)/2], text[len(text)/2:]} {
		d := record.Delivery{Clean: []byte(part), End: record.Mark{Stream: e.Stream}, Final: final && i == 1}
		if err := tree.Write(t.Context(), []record.Delivery{d}); err != nil {
			t.Fatal(err)
		}
	}
}

func file(t *testing.T, path string, mode os.FileMode, at time.Time) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("raw"), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestTreeKeepsNamesCompressionModeAndTime(t *testing.T) {
	in, out := t.TempDir(), t.TempDir()
	at := time.Date(2026, 1, 21, 9, 14, 3, 0, time.UTC)
	plain, packed := filepath.Join(in, "a", "x.log"), filepath.Join(in, "y.log.gz")
	file(t, plain, 0o640, at)
	file(t, packed, 0o600, at)
	tree := NewTree(out, in)
	give(t, tree, record.Entry{Stream: plain, Path: plain}, "clean x\n", true)
	give(t, tree, record.Entry{Stream: packed, Path: packed, Layers: []record.Layer{{Format: "gzip"}}}, "clean y\n", true)
	if err := tree.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(out, "a", "x.log"))
	if err != nil || string(got) != "clean x\n" {
		t.Fatalf("%q, %v", got, err)
	}
	f, err := os.Open(filepath.Join(out, "y.log.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || string(got) != "clean y\n" {
		t.Fatalf("%q, %v", got, err)
	}
	for path, mode := range map[string]os.FileMode{"a/x.log": 0o640, "y.log.gz": 0o600} {
		info, err := os.Stat(filepath.Join(out, path))
		if err != nil || info.Mode().Perm() != mode || !info.ModTime().Equal(at) {
			t.Errorf("%s: %v %v, %v", path, info.Mode(), info.ModTime(), err)
		}
	}
}

// A .tar.gz that holds a folder, a file, a zip with two members and a .zst comes
// out as the same archive around its redacted members.
func TestTreeMakesNestedArchivesAnew(t *testing.T) {
	in, out := t.TempDir(), t.TempDir()
	path := filepath.Join(in, "all.tar.gz")
	file(t, path, 0o644, time.Unix(1e9, 0))
	gz := record.Layer{Format: "gzip"}
	member := func(name string, kind byte) record.Layer {
		return record.Layer{Format: "tar", Member: name, Header: &tar.Header{Name: name, Typeflag: kind, Mode: 0o640, Size: 999}}
	}
	inZip := func(name string) record.Layer {
		return record.Layer{Format: "zip", Member: name, Header: &zip.FileHeader{Name: name, Method: zip.Deflate}}
	}
	bundle := member("d/b.zip", tar.TypeReg)
	tree := NewTree(out, in)
	entry := func(stream string, layers ...record.Layer) record.Entry {
		return record.Entry{Stream: stream, Path: path, Layers: append([]record.Layer{gz}, layers...)}
	}
	give(t, tree, entry("", member("d/", tar.TypeDir)), "", true)
	give(t, tree, entry("1", member("d/one.log", tar.TypeReg)), "one\n", true)
	give(t, tree, entry("2", bundle, inZip("two.log")), "two\n", true)
	give(t, tree, entry("3", bundle, inZip("three.log")), "three\n", true)
	give(t, tree, entry("4", member("four.zst", tar.TypeReg), record.Layer{Format: "zstd"}), "four\n", true)
	if err := tree.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := unpack(t, filepath.Join(out, "all.tar.gz"))
	for name, want := range map[string]string{"d/": "", "d/one.log": "one\n", "d/b.zip!two.log": "two\n", "d/b.zip!three.log": "three\n", "four.zst": "four\n"} {
		if text, ok := got[name]; !ok || text != want {
			t.Errorf("%s: %q, want %q", name, text, want)
		}
	}
	if len(got) != 5 {
		t.Errorf("members %v", got)
	}
}

func unpack(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return members
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		switch filepath.Ext(h.Name) {
		case ".zip":
			zr, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range zr.File {
				f, err := m.Open()
				if err != nil {
					t.Fatal(err)
				}
				inner, err := io.ReadAll(f)
				if err != nil {
					t.Fatal(err)
				}
				members[h.Name+"!"+m.Name] = string(inner)
			}
		case ".zst":
			d, err := zstd.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			inner, err := io.ReadAll(d)
			if err != nil {
				t.Fatal(err)
			}
			members[h.Name] = string(inner)
		default:
			members[h.Name] = string(body)
		}
	}
}

func TestTreeLeavesNothingHalfWritten(t *testing.T) {
	in, out := t.TempDir(), t.TempDir()
	path := filepath.Join(in, "x.log")
	file(t, path, 0o644, time.Unix(1e9, 0))
	tree := NewTree(out, in)
	give(t, tree, record.Entry{Stream: path, Path: path}, "half of it", false)
	if err := tree.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(out)
	if err != nil || len(left) != 0 {
		t.Fatalf("left behind: %v, %v", left, err)
	}
}

func TestTreeWritesWithheldForWhatWasUnread(t *testing.T) {
	in, out := t.TempDir(), t.TempDir()
	path := filepath.Join(in, "x.7z")
	file(t, path, 0o644, time.Unix(1e9, 0))
	tree := NewTree(out, in)
	if err := tree.Enter(record.Entry{Stream: path, Path: path}); err != nil {
		t.Fatal(err)
	}
	d := record.Delivery{End: record.Mark{Stream: path}, Final: true, Unread: "a 7z archive is not read"}
	if err := tree.Write(t.Context(), []record.Delivery{d}); err != nil {
		t.Fatal(err)
	}
	if err := tree.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(out, "x.7z")); err != nil || string(got) != withheld {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestTreeStaysInItsFolder(t *testing.T) {
	out := t.TempDir()
	tree := NewTree(filepath.Join(out, "in"), "/base")
	for path, want := range map[string]string{
		"/base/a/b.log": "in/a/b.log", "/other/c.log": "in/other/c.log", "../../d.log": "in/d.log",
	} {
		got, err := tree.target(path)
		if rel, _ := filepath.Rel(out, got); err != nil || rel != want {
			t.Errorf("%s goes to %s, %v; want %s", path, rel, err, want)
		}
	}
}
