package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// tar reads the members of a tar, and of those that follow it in the same
// stream, as `cat a.tar b.tar` makes them.
func (x *expander) tar(n node) error {
	src := bufio.NewReaderSize(n.r, 64<<10)
	for nth := 1; ; {
		var ended bool
		var err error
		if nth, ended, err = x.oneTar(n, src, nth); err != nil || !ended {
			return err
		}
		switch more, err := behindTar(src); {
		case err != nil:
			return x.broken(n, tarred, err)
		case more == nil:
			return nil
		case !isTar(more):
			return x.refuse(n, refusal{why: "other bytes follow the end of the tar"})
		}
	}
}

// oneTar reads up to the end mark of a tar. It is not ended when the rest of
// the stream cannot be read, which it has said.
func (x *expander) oneTar(n node, r io.Reader, nth int) (next int, ended bool, fatal error) {
	src := &watched{Reader: r}
	tr := tar.NewReader(src)
	for ; ; nth++ {
		hdr, err := tr.Next()
		switch {
		case x.ctx.Err() != nil:
			return nth, false, x.ctx.Err()
		case err == io.EOF:
			return nth, true, nil
		case err != nil && !errors.Is(err, tar.ErrInsecurePath):
			return nth, false, x.broken(n, tarred, err)
		}
		failed := x.failed()
		if err := x.tarMember(n, nth, tr, hdr); err != nil {
			return nth, false, err
		}
		if x.failed() > failed && src.err != nil {
			return nth + 1, false, nil // said with the member
		}
	}
}

func (x *expander) tarMember(n node, nth int, tr io.Reader, hdr *tar.Header) error {
	m := n.member(nth, Layer{Format: string(tarred), Member: hdr.Name, Header: hdr})
	m.Mode, m.ModTime = hdr.FileInfo().Mode(), hdr.ModTime
	if !hasContent(hdr) {
		return x.skip(m)
	}
	content := &unpacked{src: tr, format: tarred}
	if isSparse(hdr) {
		content.meter = &x.meter // its holes are bytes that nobody read
	}
	m.r = content
	return x.content(m)
}

// watched remembers the error that ended its reads.
type watched struct {
	io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil {
		w.err = err
	}
	return n, err
}

func isSparse(hdr *tar.Header) bool {
	if hdr.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range hdr.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

func hasContent(hdr *tar.Header) bool {
	switch hdr.Typeflag {
	case tar.TypeLink, tar.TypeSymlink, tar.TypeChar, tar.TypeBlock, tar.TypeDir, tar.TypeFifo, tar.TypeXGlobalHeader:
		return false
	}
	return true
}

// behindTar skips the zeros that pad a tar and returns what stands behind them,
// up to a block of it and unread; nil at the end.
func behindTar(src *bufio.Reader) ([]byte, error) {
	for {
		block, err := src.Peek(tarBlock)
		switch {
		case len(bytes.TrimLeft(block, "\x00")) > 0:
			return block, nil
		case err == io.EOF:
			return nil, nil
		case err != nil:
			return nil, err
		}
		_, _ = src.Discard(len(block))
	}
}
