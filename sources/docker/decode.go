package docker

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// readBuffer is what a connection reads at once: a daemon flushes every frame,
// and many small ones lie ready when it is ahead.
const readBuffer = 32 << 10

// newDecoder reads a log in the form that contentType names. Daemons before API
// 1.42 name none, so tty decides between the other two. known is for a
// bareTerminal.
func newDecoder(r io.Reader, contentType string, tty terminal, known func(stamp int64) (bool, error)) decoder {
	b := bufio.NewReaderSize(r, readBuffer)
	switch {
	case isJSON(contentType):
		return &jsonDecoder{r: b}
	case tty != noTerminal:
		d := &ttyDecoder{r: b}
		if tty == bareTerminal {
			d.known = known
		}
		return d
	}
	return &muxDecoder{r: b}
}

// muxDecoder reads frames: an 8-byte header, stream and length, before each
// message, which begins with its stamp.
type muxDecoder struct {
	r   *bufio.Reader
	buf []byte
}

const frameHeader = 8

func (d *muxDecoder) pending() bool { return d.r.Buffered() > 0 }

func (d *muxDecoder) next() (message, error) {
	var head [frameHeader]byte
	if _, err := io.ReadFull(d.r, head[:]); err != nil {
		return message{}, err
	}
	size := binary.BigEndian.Uint32(head[4:])
	if head[0] > 3 || head[1] != 0 || head[2] != 0 || head[3] != 0 || size > maxMessage {
		return message{}, errors.New("the answer is not a log with frames")
	}
	if int(size) > cap(d.buf) {
		d.buf = make([]byte, size)
	}
	text := d.buf[:size]
	if _, err := io.ReadFull(d.r, text); err != nil {
		return message{}, unexpected(err)
	}
	switch head[0] {
	case 3:
		return message{}, daemonError{}
	case 2:
		return stamped(stderr, text)
	}
	return stamped(stdout, text)
}

// unexpected is an end where none may be.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// maxStamp is the longest stamp that is looked for, in bytes. The daemon's has
// 30; others that speak its API leave out zeros or write an offset.
const maxStamp = 40

var errNoStamp = errors.New("a message has no time stamp")

// inRange says whether a time has Unix nanoseconds above 0; cursors use 0 for
// nothing.
func inRange(t time.Time) bool { return t.Year() >= 1971 && t.Year() < 2262 }

// stamped takes the stamp off a message.
func stamped(s side, text []byte) (message, error) {
	i := bytes.IndexByte(text[:min(len(text), maxStamp)], ' ')
	if i < 0 {
		return message{}, errNoStamp
	}
	at, err := time.Parse(time.RFC3339Nano, string(text[:i]))
	if err != nil || !inRange(at) {
		return message{}, errNoStamp // err quotes the log
	}
	return message{side: s, stamp: at.UnixNano(), text: text[i+1:]}, nil
}

// jsonDecoder reads NDJSON, which daemons offer from API 1.54 on.
type jsonDecoder struct {
	r   *bufio.Reader
	buf []byte
}

// maxJSON bounds a line of NDJSON: a byte of text takes up to six.
const maxJSON = 6*maxMessage + 64<<10

// isJSON says whether a content type is one line of JSON per message.
func isJSON(contentType string) bool {
	return bytes.HasPrefix([]byte(contentType), []byte("application/x-ndjson")) ||
		bytes.HasPrefix([]byte(contentType), []byte("application/jsonl"))
}

func (d *jsonDecoder) pending() bool { return d.r.Buffered() > 0 }

func (d *jsonDecoder) next() (message, error) {
	if err := d.line(); err != nil {
		return message{}, err
	}
	var m struct {
		Line, Source, Error string
		Timestamp           time.Time
		MetaData            *struct{ Last bool }
	}
	if json.Unmarshal(d.buf, &m) != nil {
		return message{}, errors.New("the answer is not NDJSON")
	}
	if m.Error != "" {
		return message{}, daemonError{}
	}
	if !inRange(m.Timestamp) {
		return message{}, errNoStamp
	}
	out := message{stamp: m.Timestamp.UnixNano(), text: []byte(m.Line)}
	switch m.Source {
	case "stdout":
	case "stderr":
		out.side = stderr
	default:
		return message{}, errors.New("a message of an unknown stream")
	}
	if m.MetaData != nil {
		if out.part = partMore; m.MetaData.Last {
			out.part = partLast
		}
	}
	return out, nil
}

// line reads one into buf.
func (d *jsonDecoder) line() error {
	d.buf = d.buf[:0]
	for {
		piece, err := d.r.ReadSlice('\n')
		d.buf = append(d.buf, piece...)
		switch {
		case err == nil:
			return nil
		case err == io.EOF && len(d.buf) == 0:
			return io.EOF
		case err != bufio.ErrBufferFull:
			return unexpected(err)
		case len(d.buf) > maxJSON:
			return fmt.Errorf("a message is longer than %d bytes", maxJSON)
		}
	}
}
