package archive

import (
	"archive/zip"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/klauspost/compress/zstd"
)

// maxDirectory is how much of a zip may be its directory, in bytes: about
// 150,000 members with the names that logs have. The library holds it whole.
const maxDirectory = 16 << 20

// maxLink is the longest target of a link; more than that is content.
const maxLink = 4 << 10

// Methods of compression in a zip beyond the library's two.
const (
	zipBzip2 = 12
	zipXz    = 95
)

// zip reads the members of a zip in the order of its directory.
func (x *expander) zip(n node) error {
	at, size := n.at, n.size
	if at == nil {
		s, err := spool(n.r, x.cfg.Spool, x.cfg.TempDir)
		if err != nil {
			return x.broken(n, zipped, err)
		}
		defer s.Close()
		at, size = s, s.size
	} else {
		x.meter.read = size
	}
	zr, err := openZip(at, size, &x.pool)
	if err != nil {
		return x.broken(n, zipped, err)
	}
	if unlisted(zr, at, size) {
		if err := x.refuse(n, refusal{why: "it holds bytes that its directory does not name"}); err != nil {
			return err
		}
	}
	for i, f := range zr.File {
		if err := x.ctx.Err(); err != nil {
			return err
		}
		m := n.member(i+1, Layer{Format: string(zipped), Member: f.Name, Header: &f.FileHeader})
		m.Mode, m.ModTime = f.Mode(), f.Modified
		if err := x.zipMember(m, f); err != nil {
			return err
		}
	}
	return nil
}

func (x *expander) zipMember(m node, f *zip.File) error {
	switch content := f.UncompressedSize64 | f.CompressedSize64; {
	case f.Mode().IsDir() && content == 0, f.Mode()&fs.ModeType&^fs.ModeDir != 0 && content <= maxLink:
		return x.skip(m)
	case f.Flags&1 != 0:
		return x.refuse(m, refusal{why: "it is encrypted"})
	}
	r, err := openMember(f)
	if errors.Is(err, zip.ErrAlgorithm) {
		return x.refuse(m, refusal{why: fmt.Sprintf("zip method %d is not read", f.Method)})
	} else if err != nil {
		return x.broken(m, zipped, err)
	}
	defer r.Close()
	m.r = &unpacked{src: r, format: zipped, meter: &x.meter}
	return x.content(m)
}

// openMember guards what a decoder does with its header.
func openMember(f *zip.File) (r io.ReadCloser, err error) {
	defer guard(&err)
	return f.Open()
}

// openZip reads the directory.
func openZip(at io.ReaderAt, size int64, p *pool) (zr *zip.Reader, err error) {
	defer guard(&err)
	dir := &directory{ReaderAt: at, left: maxDirectory}
	zr, err = zip.NewReader(dir, size)
	if dir.full {
		return nil, refusal{why: fmt.Sprintf("its directory has more than %d bytes", maxDirectory)}
	}
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, err
	}
	dir.left = 1<<63 - 1 // from here on members are read
	zr.RegisterDecompressor(zipBzip2, func(r io.Reader) io.ReadCloser { return io.NopCloser(bzip2.NewReader(r)) })
	zr.RegisterDecompressor(zipXz, deferred(p.openXz))
	zr.RegisterDecompressor(zstd.ZipMethodWinZip, deferred(p.openZstd))
	return zr, nil
}

// deferred gives an error of opening with the first read, where a zip's
// decoders can.
func deferred(open func(io.Reader) (io.ReadCloser, error)) zip.Decompressor {
	return func(r io.Reader) io.ReadCloser {
		d, err := open(r)
		if err != nil {
			return io.NopCloser(ended{err})
		}
		return d
	}
}

// directory ends the reads of a directory that is too large.
type directory struct {
	io.ReaderAt
	left int64
	full bool
}

func (d *directory) ReadAt(p []byte, off int64) (int, error) {
	if d.left -= int64(len(p)); d.left < 0 {
		d.full = true
		return 0, errors.New("too large")
	}
	return d.ReaderAt.ReadAt(p, off)
}
