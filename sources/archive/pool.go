package archive

import (
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
)

// What a decoder may take, in bytes: the window that `zstd -d` allows without
// --long, and the dictionary of `xz -9`.
const (
	maxZstdWindow = 128 << 20
	maxXzDict     = 64 << 20
)

// pool keeps the decoders whose memory the input decides. A member of a few
// bytes may ask for 128 MiB; a tar of a million of them must not clear as much
// memory a million times. It holds as many as were open at a time, one for each
// layer.
type pool struct {
	zstd []*zstd.Decoder
	xz   []*xz.Reader
}

func (p *pool) openZstd(r io.Reader) (io.ReadCloser, error) {
	d, ok := pop(&p.zstd)
	if !ok {
		var err error
		// In the caller's goroutine, so that there is none to end.
		d, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderMaxMemory(maxZstdWindow))
		if err != nil {
			return nil, err
		}
	}
	back := func() { p.zstd = append(p.zstd, d) }
	if err := d.Reset(r); err != nil {
		back()
		return nil, err
	}
	return &lent{d, back}, nil
}

func (p *pool) openXz(r io.Reader) (io.ReadCloser, error) {
	d, ok := pop(&p.xz)
	var err error
	if ok {
		err = d.Reset(r)
	} else {
		d, err = xz.NewReader(r, maxXzDict)
	}
	back := func() { p.xz = append(p.xz, d) }
	if err != nil {
		back()
		return nil, noEOF(err)
	}
	return &lent{d, back}, nil
}

func (p *pool) close() {
	for _, d := range p.zstd {
		d.Close()
	}
}

func pop[T any](stack *[]T) (top T, ok bool) {
	n := len(*stack)
	if n == 0 {
		return top, false
	}
	top, *stack = (*stack)[n-1], (*stack)[:n-1]
	return top, true
}

// lent is a decoder that goes back to its pool.
type lent struct {
	io.Reader
	back func()
}

func (l *lent) Close() error {
	if l.back != nil {
		l.back()
		l.back = nil
	}
	return nil
}
