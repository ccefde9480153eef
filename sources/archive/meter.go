package archive

import (
	"fmt"
	"io"
)

// meter compares what was read with what it unpacked to.
type meter struct {
	read, out    int64
	total, ratio int64
	over         error // sticky
}

// add counts unpacked bytes, and returns an error at a limit. A nil meter has
// none.
func (m *meter) add(n int) error {
	if m == nil {
		return nil
	}
	m.out += int64(n)
	switch {
	case m.over != nil:
	case m.out > m.total:
		m.over = refusal{why: fmt.Sprintf("unpacks to more than %d bytes", m.total)}
	case m.out > ratioFrom && m.out/m.ratio > m.read:
		m.over = refusal{why: fmt.Sprintf("unpacks to more than %d times its size", m.ratio)}
	}
	return m.over
}

// counted counts the bytes of the input itself.
type counted struct {
	io.Reader
	meter *meter
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.meter.read += int64(n)
	return n, err
}
