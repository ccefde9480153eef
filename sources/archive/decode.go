package archive

import (
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/pierrec/lz4/v4"

	"sluice/internal/lines"
)

// open starts a decoder. Its reads are metered and guarded by unpacked.
func (p *pool) open(f format, r io.Reader) (dec io.ReadCloser, err error) {
	defer guard(&err)
	switch f {
	case gzipped:
		return newGzip(r)
	case zstded:
		return p.openZstd(r)
	case bzipped:
		return io.NopCloser(bzip2.NewReader(r)), nil
	case xzed:
		return p.openXz(r)
	case lz4ed:
		return io.NopCloser(lz4.NewReader(r)), nil
	}
	return nil, fmt.Errorf("no decoder for %q", f)
}

// unpacked is what a decoder gives: counted, and with errors that say what is
// wrong with the data.
type unpacked struct {
	src    io.Reader
	format format
	meter  *meter
	err    error // sticky: some decoders go on behind an error
}

func (u *unpacked) Read(p []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	n, err := u.read(p)
	if over := u.meter.add(n); over != nil {
		err = over
	}
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF:
		u.err = io.EOF
	default:
		u.err = damage(u.format, err)
	}
	return n, u.err
}

func (u *unpacked) read(p []byte) (n int, err error) {
	defer guard(&err)
	return u.src.Read(p)
}

// guard turns the panic of a decoder on hostile input into an error.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = errors.New("the decoder panicked")
	}
}

// damaged is data that a decoder could not read on from.
type damaged struct {
	format format
	err    error
}

// damage says what is wrong, unless err knows better: a limit, or damage
// further out.
func damage(f format, err error) lines.Unread {
	var u lines.Unread
	if errors.As(err, &u) {
		return u
	}
	return &damaged{f, err}
}

func (d *damaged) Error() string {
	if errors.Is(d.err, io.ErrUnexpectedEOF) {
		return fmt.Sprintf("%s data is cut short; what follows was not examined", d.format)
	}
	return fmt.Sprintf("%s data is damaged, what follows was not examined: %v", d.format, d.err)
}

func (d *damaged) Unwrap() error { return d.err }

func (d *damaged) Unread() string {
	if errors.Is(d.err, io.ErrUnexpectedEOF) {
		return fmt.Sprintf("%s data is cut short", d.format)
	}
	return fmt.Sprintf("%s data is damaged", d.format)
}

// refusal is a stream that is not read at all or to its end, for a reason of
// ours.
type refusal struct{ why string }

func (r refusal) Error() string  { return r.why + "; not examined: unpack it and read the files" }
func (r refusal) Unread() string { return r.why }
