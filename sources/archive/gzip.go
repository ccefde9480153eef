package archive

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

// gzipStream reads the members of a gzip file one behind the other. The
// library would do so too, but takes the zeros that a tape or a preallocating
// writer puts behind the last one for damage.
type gzipStream struct {
	src *bufio.Reader
	dec *gzip.Reader
}

var errTrailing = errors.New("other bytes follow it")

func newGzip(r io.Reader) (*gzipStream, error) {
	src := bufio.NewReaderSize(r, 64<<10)
	dec, err := gzip.NewReader(src)
	if err != nil {
		return nil, noEOF(err)
	}
	dec.Multistream(false)
	return &gzipStream{src, dec}, nil
}

func (g *gzipStream) Read(p []byte) (int, error) {
	n, err := g.dec.Read(p)
	if err != io.EOF {
		return n, err
	}
	return n, g.next()
}

// next goes on to the next member, io.EOF if there is none.
func (g *gzipStream) next() error {
	zeros := false
	for {
		head, err := g.src.Peek(1)
		switch {
		case err != nil:
			return err
		case head[0] == 0:
			zeros = true
			_, _ = g.src.Discard(1)
		case zeros || head[0] != 0x1f:
			return errTrailing
		default:
			if err := g.dec.Reset(g.src); err != nil {
				return noEOF(err)
			}
			g.dec.Multistream(false)
			return nil
		}
	}
}

func (g *gzipStream) Close() error { return g.dec.Close() }

// noEOF is for places where the end cannot be.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
