package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"maps"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

func layersOf(e Entry) string {
	var out []string
	for _, l := range e.Layers {
		out = append(out, l.Format)
	}
	return strings.Join(out, " ")
}

func TestACompressedFileKeepsItsName(t *testing.T) {
	text := strings.Repeat("2026-01-21 a line of a log\n", 20_000) + "no end"
	for f := range writers {
		t.Run(string(f), func(t *testing.T) {
			packed := compress(t, f, []byte(text))
			for name, r := range map[string]io.Reader{
				"whole": bytes.NewReader(packed), "halves": iotest.HalfReader(bytes.NewReader(packed)),
				"bytes": iotest.OneByteReader(bytes.NewReader(packed)), "end with data": iotest.DataErrReader(bytes.NewReader(packed)),
			} {
				g := expand(t, r, Config{})
				if g.err != nil || g.text["x"] != text || g.kind["x"] != "file" || len(g.entries) != 1 {
					t.Fatalf("%s: %d bytes, kind %q, %v", name, len(g.text["x"]), g.kind["x"], g.err)
				}
				if l := layersOf(g.entries[0]); l != string(f) {
					t.Errorf("layers %q", l)
				}
			}
			twice := expand(t, bytes.NewReader(append(packed, packed...)), Config{})
			if twice.err != nil || twice.text["x"] != text+text {
				t.Errorf("two frames: %d bytes, %v", len(twice.text["x"]), twice.err)
			}
		})
	}
}

func TestMembersOfMembers(t *testing.T) {
	inner := makeTar(t, file{"dir/", nil}, file{"dir/b.log", []byte("b\n")}, file{"c.log.zst", compress(t, zstded, []byte("c\n"))})
	outer := makeZip(t, file{"a.log", []byte("a\n")}, file{"logs/", nil}, file{"logs/in.tgz", compress(t, gzipped, inner)}, file{"empty", nil})
	want := map[string]string{"x!a.log": "a\n", "x!logs/in.tgz!dir/b.log": "b\n", "x!logs/in.tgz!c.log.zst": "c\n", "x!empty": ""}
	inputs := map[string]Input{
		"a stream": {Reader: bytes.NewReader(outer)},
		"a file":   {Reader: bytes.NewReader(outer), At: bytes.NewReader(outer), Size: int64(len(outer))},
	}
	for name, in := range inputs {
		g := expandInput(t, in, Config{})
		if g.err != nil || !maps.Equal(g.text, want) {
			t.Errorf("%s: %q, %v", name, g.text, g.err)
		}
		for member, kind := range g.kind {
			if kind != Kind {
				t.Errorf("%s: %s is of kind %q", name, member, kind)
			}
		}
		last := g.entries[len(g.entries)-2]
		if layersOf(last) != "zip gzip tar zstd" || last.Layers[2].Member != "c.log.zst" || last.Mode != 0o640 || last.ModTime.Unix() != 1_700_000_000 {
			t.Errorf("%s: entry %+v", name, last)
		}
		if _, ok := last.Layers[0].Header.(*zip.FileHeader); !ok {
			t.Errorf("%s: no header of the zip", name)
		}
		if _, ok := last.Layers[2].Header.(*tar.Header); !ok {
			t.Errorf("%s: no header of the tar", name)
		}
		folders := 0
		for _, e := range g.entries {
			if e.Stream == "" {
				folders++
			}
		}
		if folders != 2 {
			t.Errorf("%s: %d folders", name, folders)
		}
	}
}

func TestTheSameNameTwiceIsTwoStreams(t *testing.T) {
	for name, packed := range map[string][]byte{
		"tar":      makeTar(t, file{"a", []byte("1\n")}, file{"a", []byte("2\n")}),
		"zip":      makeZip(t, file{"a", []byte("1\n")}, file{"a", []byte("2\n")}),
		"two tars": append(makeTar(t, file{"a", []byte("1\n")}), makeTar(t, file{"a", []byte("2\n")})...),
	} {
		if g := expand(t, bytes.NewReader(packed), Config{}); g.err != nil || g.text["x!a"] != "1\n2\n" || len(g.finals) != 2 {
			t.Errorf("%s: %q, streams %v, %v", name, g.text, g.finals, g.err)
		}
	}
}

func TestNamesAreGivenAsTheyAre(t *testing.T) {
	for _, name := range []string{"/etc/passwd", "../../up", "a\x1b[2Jb", "a!b", "C:\\x", "\xff\xfe", strings.Repeat("n", 300)} {
		for kind, packed := range map[string][]byte{
			"tar": makeTar(t, file{name, []byte("1\n")}), "zip": makeZip(t, file{name, []byte("1\n")}),
		} {
			if g := expand(t, bytes.NewReader(packed), Config{}); g.err != nil || g.text["x!"+name] != "1\n" {
				t.Errorf("%s of %q: %q, %v", kind, name, g.text, g.err)
			}
		}
	}
}

// What is no archive is text, however it begins.
func TestTextIsLeftAlone(t *testing.T) {
	for _, text := range []string{
		"", "P", "PK", "PK are initials\n", "BZh9 is a magic\n", "\x1f", "\x1f\x8b\x07", "Rar!\n", "\x00", strings.Repeat("\x00", 5000),
		strings.Repeat("ustar", 200), "a\x00b\n" + strings.Repeat("x", 600),
	} {
		if g := expand(t, strings.NewReader(text), Config{}); g.err != nil || g.text["x"] != text || g.kind["x"] != "file" {
			t.Errorf("%.20q: %.40q, %v", text, g.text, g.err)
		}
	}
}

func TestALineIsGivenWithoutMore(t *testing.T) {
	for _, line := range []string{"a\n", "\n", "PK\n", "with \x00 NUL\n", "BZh\n", strings.Repeat("long ", 200) + "\n"} {
		in, out := io.Pipe()
		go func() { _, _ = io.WriteString(out, line) }()
		stop := errors.New("enough")
		err := Expand(t.Context(), Input{Reader: in}, Config{}, func(b record.Batch) error {
			if string(b.Text[b.Lead:]) != line {
				t.Errorf("got %q, want %q", b.Text[b.Lead:], line)
			}
			return stop
		})
		if err != stop {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// Any nesting of anything comes out as it went in.
func TestAnyNesting(t *testing.T) {
	formats := []format{gzipped, zstded, bzipped, xzed, lz4ed, tarred, zipped}
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching(`[a-z\n]{0,200}`).Draw(rt, "text")
		packed, name := []byte(text), ""
		for range rapid.IntRange(0, DefaultDepth).Draw(rt, "layers") {
			switch f := rapid.SampledFrom(formats).Draw(rt, "format"); f {
			case tarred:
				packed, name = makeTar(t, file{"m", packed}), "!m"+name
			case zipped:
				packed, name = makeZip(t, file{"m", packed}), "!m"+name
			default:
				packed = compress(t, f, packed)
			}
		}
		g := expand(t, bytes.NewReader(packed), Config{})
		if g.err != nil || g.text["x"+name] != text || len(g.text) != 1 {
			rt.Fatalf("%q of %q: %q, %v", name, text, g.text, g.err)
		}
	})
}
