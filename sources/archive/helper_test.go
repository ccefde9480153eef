package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mholt/archives"

	"sluice/internal/record"
)

// got is what came of one input, by name.
type got struct {
	text    map[string]string
	kind    map[string]string
	unread  map[string]string
	finals  map[string]int // by stream
	entries []Entry
	err     error
}

func expand(t testing.TB, r io.Reader, cfg Config) got {
	return expandInput(t, Input{Reader: r}, cfg)
}

func expandInput(t testing.TB, in Input, cfg Config) got {
	t.Helper()
	g := got{text: map[string]string{}, kind: map[string]string{}, unread: map[string]string{}, finals: map[string]int{}}
	in.Entry = Entry{Origin: record.Origin{Kind: "file", Name: "x"}, Stream: "x", Path: "x"}
	opened := map[string]bool{}
	cfg.OnEntry = func(e Entry) error {
		g.entries = append(g.entries, e)
		if opened[e.Stream] && e.Stream != "" {
			t.Errorf("stream %q is opened twice", e.Stream)
		}
		opened[e.Stream] = true
		return nil
	}
	g.err = Expand(t.Context(), in, cfg, func(b record.Batch) error {
		if !opened[b.End.Stream] {
			t.Errorf("a batch of %q before its entry", b.End.Stream)
		}
		g.text[b.Origin.Name] += string(b.Text[b.Lead:])
		g.kind[b.Origin.Name] = b.Origin.Kind
		if b.Unread != "" {
			g.unread[b.Origin.Name] = b.Unread
		}
		if b.Final {
			g.finals[b.End.Stream]++
		}
		return nil
	})
	for stream := range opened {
		if stream != "" && g.finals[stream] != 1 {
			t.Errorf("stream %q has %d final batches", stream, g.finals[stream])
		}
	}
	if (g.err == nil) != (len(g.unread) == 0) {
		t.Errorf("unread %q, error %v", g.unread, g.err)
	}
	return g
}

// writers are another library's, so that we do not test a reader with its own
// writer.
var writers = map[format]archives.Compressor{
	gzipped: archives.Gz{}, zstded: archives.Zstd{}, bzipped: archives.Bz2{},
	xzed: archives.Xz{}, lz4ed: archives.Lz4{},
}

func compress(t testing.TB, f format, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := writers[f].OpenWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// file is a member to be written; a name that ends in a slash is a folder.
type file struct {
	name    string
	content []byte
}

func makeTar(t testing.TB, files ...file) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		hdr := &tar.Header{Name: f.name, Mode: 0o640, Size: int64(len(f.content)), ModTime: time.Unix(1_700_000_000, 0)}
		if strings.HasSuffix(f.name, "/") {
			hdr.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(hdr); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func makeZip(t testing.TB, files ...file) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		m, err := w.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: time.Unix(1_700_000_000, 0)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Write(f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
