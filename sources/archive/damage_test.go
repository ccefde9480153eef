package archive

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// one checks that what went wrong is one error of one line.
func one(t *testing.T, g got, name string, words ...string) {
	t.Helper()
	if g.err == nil || strings.Contains(g.err.Error(), "\n") {
		t.Fatalf("error %v", g.err)
	}
	for _, w := range append(words, "read "+name+": ") {
		if !strings.Contains(g.err.Error(), w) {
			t.Errorf("error %q does not say %q", g.err, w)
		}
	}
	if why := g.unread[name]; why == "" || len(g.unread) != 1 {
		t.Errorf("unread %q", g.unread)
	}
}

// sample compresses to something, and differs everywhere.
func sample() []byte {
	var b bytes.Buffer
	for i := range 30_000 {
		fmt.Fprintf(&b, "line %d of %d\n", i, i*i)
	}
	return b.Bytes()
}

func TestACutStreamSaysSo(t *testing.T) {
	text := sample()
	for f := range writers {
		t.Run(string(f), func(t *testing.T) {
			packed := compress(t, f, text)
			for _, keep := range []int{12, len(packed) / 3, len(packed) / 2, len(packed) - 9, len(packed) - 1} {
				g := expand(t, bytes.NewReader(packed[:keep]), Config{})
				one(t, g, "x", string(f))
				if !bytes.HasPrefix(text, []byte(g.text["x"])) {
					t.Fatalf("cut at %d: the text is not the beginning", keep)
				}
			}
		})
	}
}

// A changed byte is noticed, or it changes nothing.
func TestAChangedByteIsNoticed(t *testing.T) {
	text := sample()[:20_000]
	packed := map[format][]byte{tarred: compress(t, gzipped, makeTar(t, file{"a", text})), zipped: makeZip(t, file{"a", text})}
	for f := range writers {
		packed[f] = compress(t, f, text)
	}
	formats := slices.Sorted(maps.Keys(packed))
	rapid.Check(t, func(rt *rapid.T) {
		f := rapid.SampledFrom(formats).Draw(rt, "format")
		p := bytes.Clone(packed[f])
		p[rapid.IntRange(10, len(p)-1).Draw(rt, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		g := expand(t, bytes.NewReader(p), Config{})
		var out string
		for _, text := range g.text {
			out += text
		}
		if g.err == nil && out != string(text) || g.err != nil && len(g.unread) == 0 {
			rt.Fatalf("%s: %d bytes of %d, %v, unread %q", f, len(out), len(text), g.err, g.unread)
		}
	})
}

func TestBytesBehindTheEnd(t *testing.T) {
	text, plainTar := []byte("a line\n"), makeTar(t, file{"a", []byte("1\n")})
	gz := compress(t, gzipped, text)
	if g := expand(t, bytes.NewReader(append(bytes.Clone(gz), make([]byte, 1000)...)), Config{}); g.err != nil || g.text["x"] != string(text) {
		t.Errorf("zeros behind gzip: %q, %v", g.text, g.err)
	}
	if g := expand(t, bytes.NewReader(append(bytes.Clone(plainTar), make([]byte, 10_000)...)), Config{}); g.err != nil || g.text["x!a"] != "1\n" {
		t.Errorf("zeros behind tar: %q, %v", g.text, g.err)
	}
	for name, packed := range map[string][]byte{"gzip": gz, "tar": plainTar, "zip": makeZip(t, file{"a", text})} {
		g := expand(t, bytes.NewReader(append(bytes.Clone(packed), strings.Repeat("password=hidden here\n", 50)...)), Config{})
		one(t, g, "x")
		if name != "zip" && len(g.text["x"]+g.text["x!a"]) == 0 {
			t.Errorf("%s: what stands before them is lost", name)
		}
	}
}

func TestTarsThatEndEarly(t *testing.T) {
	packed := makeTar(t, file{"a", []byte("1\n")}, file{"b", sample()}, file{"c", []byte("3\n")})
	inMember := packed[:2048+5000]
	one(t, expand(t, bytes.NewReader(inMember), Config{}), "x!b", "tar data is cut short")
	one(t, expand(t, bytes.NewReader(packed[:1024+100]), Config{}), "x", "tar data is cut short")

	gz := compress(t, gzipped, packed)
	g := expand(t, bytes.NewReader(gz[:len(gz)/2]), Config{})
	one(t, g, "x!b", "gzip data is cut short")
	if g.text["x!a"] != "1\n" || !strings.HasPrefix(string(sample()), g.text["x!b"]) || g.text["x!b"] == "" {
		t.Error("what stands before the cut is lost")
	}

	badHeader := bytes.Clone(packed)
	badHeader[1024] ^= 1 // the second header's name, so its sum
	g = expand(t, bytes.NewReader(badHeader), Config{})
	one(t, g, "x", "tar data is damaged")
	if g.text["x!a"] != "1\n" {
		t.Error("the member before it is lost")
	}
}

func TestADamagedMemberCostsNoOther(t *testing.T) {
	bad := compress(t, gzipped, sample())
	bad = bad[:len(bad)/2]
	files := []file{{"a", []byte("1\n")}, {"b.gz", bad}, {"c", []byte("3\n")}}
	for name, packed := range map[string][]byte{"tar": makeTar(t, files...), "zip": makeZip(t, files...)} {
		g := expand(t, bytes.NewReader(packed), Config{})
		one(t, g, "x!b.gz", "gzip data is cut short")
		if g.text["x!a"] != "1\n" || g.text["x!c"] != "3\n" {
			t.Errorf("%s: %.60q", name, g.text)
		}
	}
}

func TestAZipMemberThatCannotBeRead(t *testing.T) {
	packed := makeZip(t, file{"a", sample()[:3000]}, file{"b", []byte("2\n")})
	entry := bytes.Index(packed, []byte("PK\x01\x02"))
	for name, c := range map[string]struct {
		change func([]byte)
		word   string
	}{
		"encrypted":      {func(p []byte) { p[entry+8] |= 1 }, "encrypted"},
		"unknown method": {func(p []byte) { p[entry+10] = 97 }, "method 97"},
		"wrong sum":      {func(p []byte) { p[entry+16] ^= 1 }, "checksum"},
		"no header":      {func(p []byte) { p[0+2] = 9; p[0+3] = 9 }, "zip"},
		"wrong size":     {func(p []byte) { binary.LittleEndian.PutUint32(p[entry+24:], 9999) }, "cut short"},
	} {
		t.Run(name, func(t *testing.T) {
			p := bytes.Clone(packed)
			c.change(p)
			if name == "no header" {
				p = append([]byte(nil), p...)
				g := expandInput(t, Input{Reader: strings.NewReader("PK\x03\x04"), At: bytes.NewReader(p), Size: int64(len(p))}, Config{})
				if g.err == nil || g.text["x!b"] != "2\n" {
					t.Fatalf("%q, %v", g.text, g.err)
				}
				return
			}
			g := expand(t, bytes.NewReader(p), Config{})
			one(t, g, "x!a", c.word)
			if g.text["x!b"] != "2\n" {
				t.Errorf("the other member: %q", g.text["x!b"])
			}
		})
	}
}

func TestAZipThatHidesMembers(t *testing.T) {
	first, second := makeZip(t, file{"a", []byte("1\n")}), makeZip(t, file{"b", []byte("2\n")})
	empty := makeZip(t)
	one(t, expand(t, bytes.NewReader(append(bytes.Clone(first), second...)), Config{}), "x", "directory does not name")
	one(t, expand(t, bytes.NewReader(append(bytes.Clone(first), empty...)), Config{}), "x", "directory does not name")
	one(t, expand(t, bytes.NewReader(first[:len(first)-20]), Config{}), "x", "zip")
}

func TestWhatIsNoContentIsSkipped(t *testing.T) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i, kind := range []byte{tar.TypeSymlink, tar.TypeLink, tar.TypeChar, tar.TypeBlock, tar.TypeFifo, tar.TypeDir} {
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprint("m", i), Linkname: "/etc/passwd", Typeflag: kind}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	g := expand(t, &out, Config{})
	if g.err != nil || len(g.text) != 0 || len(g.entries) != 6 {
		t.Errorf("%q, %d entries, %v", g.text, len(g.entries), g.err)
	}
}
