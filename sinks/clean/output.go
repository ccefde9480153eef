package clean

import (
	"archive/tar"
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dsnet/compress/bzip2"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"sluice/internal/record"
	"sluice/internal/report"
)

// output is one file that is written, with the layers its input had.
type output struct {
	target string
	path   string // of the input
	file   *report.File
	levels []level // outermost first
}

// level is a layer that is open: a compression, or an archive with a member.
type level struct {
	layer   record.Layer
	w       io.Writer    // content goes here
	end     func() error // ends the compressed stream, or the archive
	archive archiver     // nil: a compression
}

// archiver takes the members of one archive, one after the other.
type archiver interface {
	member(header any) (io.Writer, error)
	endMember() error
}

// Write writes content of the innermost layer.
func (o *output) Write(p []byte) (int, error) {
	if n := len(o.levels); n > 0 {
		if o.levels[n-1].w == nil {
			return len(p), nil // a folder or a link has no content
		}
		return o.levels[n-1].w.Write(p)
	}
	return o.file.Write(p)
}

// enter makes e's innermost layer the one that is written to. Layers that e
// shares with the last one stay open: one compressed stream holds one thing,
// and an archive is the same as long as its own place is.
func (o *output) enter(e record.Entry) error {
	same := 0
	for same < len(o.levels) && same < len(e.Layers) && o.levels[same].layer == e.Layers[same] {
		same++
	}
	next := same < len(o.levels) && same < len(e.Layers) && o.levels[same].archive != nil &&
		o.levels[same].layer.Format == e.Layers[same].Format
	keep := same
	if next {
		keep++
	}
	if err := o.close(keep); err != nil {
		return err
	}
	if next {
		if err := o.nextMember(same, e.Layers[same]); err != nil {
			return err
		}
		same++
	}
	for _, layer := range e.Layers[same:] {
		if err := o.push(layer); err != nil {
			return err
		}
	}
	return nil
}

func (o *output) nextMember(i int, layer record.Layer) error {
	l := &o.levels[i]
	if err := l.archive.endMember(); err != nil {
		return err
	}
	w, err := l.archive.member(layer.Header)
	l.layer, l.w = layer, w
	return err
}

// push opens a layer inside the innermost one.
func (o *output) push(layer record.Layer) error {
	l := level{layer: layer}
	out := inner{o, len(o.levels)}
	switch layer.Format {
	case "tar":
		w := tar.NewWriter(out)
		l.archive, l.end = &tarWriter{w: w}, w.Close
	case "zip":
		w := zip.NewWriter(out)
		l.archive, l.end = &zipWriter{w}, w.Close
	default:
		c, err := compressor(layer.Format, out)
		if err != nil {
			return err
		}
		l.w, l.end = c, c.Close
	}
	if l.archive != nil {
		w, err := l.archive.member(layer.Header)
		if err != nil {
			return err
		}
		l.w = w
	}
	o.levels = append(o.levels, l)
	return nil
}

// inner writes to what is open outside level n, which may be another writer by
// the time it does.
type inner struct {
	o *output
	n int
}

func (i inner) Write(p []byte) (int, error) {
	if i.n == 0 {
		return i.o.file.Write(p)
	}
	return i.o.levels[i.n-1].w.Write(p)
}

// close ends the levels from n on, innermost first.
func (o *output) close(n int) error {
	for len(o.levels) > n {
		l := o.levels[len(o.levels)-1]
		if l.archive != nil {
			if err := l.archive.endMember(); err != nil {
				return err
			}
		}
		if err := l.end(); err != nil {
			return err
		}
		o.levels = o.levels[:len(o.levels)-1]
	}
	return nil
}

func (o *output) finish() error { return o.close(0) }

func (o *output) discard() {
	for _, l := range o.levels {
		if t, ok := l.archive.(*tarWriter); ok {
			t.drop()
		}
	}
	o.file.Discard()
}

// compressor writes the format that was read.
func compressor(format string, w io.Writer) (io.WriteCloser, error) {
	switch format {
	case "gzip":
		return gzip.NewWriter(w), nil
	case "zstd":
		return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	case "bzip2":
		return bzip2.NewWriter(w, nil)
	case "xz":
		return xz.NewWriter(w)
	case "lz4":
		return lz4.NewWriter(w), nil
	case "snappy":
		return s2.NewWriter(w, s2.WriterSnappyCompat()), nil
	}
	return nil, fmt.Errorf("format %q cannot be written", format)
}

// zipWriter streams members: their sizes stand behind them.
type zipWriter struct{ w *zip.Writer }

func (z *zipWriter) member(header any) (io.Writer, error) {
	h, ok := header.(*zip.FileHeader)
	if !ok {
		return nil, errors.New("a zip member without its header")
	}
	fresh := &zip.FileHeader{
		Name: h.Name, NonUTF8: h.NonUTF8, Method: zip.Deflate, Modified: h.Modified, ExternalAttrs: h.ExternalAttrs, CreatorVersion: h.CreatorVersion,
	}
	if h.Method == zip.Store || h.Mode().IsDir() {
		fresh.Method = zip.Store
	}
	return z.w.CreateHeader(fresh)
}

func (z *zipWriter) endMember() error { return nil }

// tarWriter keeps a member's content in a file without a name until its size
// is known, since a tar header comes first.
type tarWriter struct {
	w      *tar.Writer
	header *tar.Header
	spool  *os.File
}

func (t *tarWriter) member(header any) (io.Writer, error) {
	h, ok := header.(*tar.Header)
	if !ok {
		return nil, errors.New("a tar member without its header")
	}
	fresh := *h
	fresh.Size, fresh.PAXRecords, fresh.Format = 0, nil, tar.FormatUnknown
	t.header = &fresh
	if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse {
		return nil, nil
	}
	fresh.Typeflag = tar.TypeReg
	f, err := os.CreateTemp("", ".sluice-*.tmp")
	if err != nil {
		return nil, fmt.Errorf("spool member: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("spool member: %w", err), f.Close())
	}
	t.spool = f
	return f, nil
}

func (t *tarWriter) endMember() error {
	if t.header == nil {
		return nil
	}
	defer t.drop()
	if t.spool != nil {
		size, err := t.spool.Seek(0, io.SeekEnd)
		if err != nil {
			return fmt.Errorf("spool member: %w", err)
		}
		t.header.Size = size
	}
	if err := t.w.WriteHeader(t.header); err != nil {
		return err
	}
	if t.spool == nil {
		return nil
	}
	if _, err := t.spool.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("spool member: %w", err)
	}
	_, err := io.Copy(t.w, t.spool)
	return err
}

func (t *tarWriter) drop() {
	if t.spool != nil {
		_ = t.spool.Close() // it has no name: closing deletes it
	}
	t.header, t.spool = nil, nil
}
