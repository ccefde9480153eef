package docker

import (
	"bufio"
	"bytes"
	"io"
)

// ttyDecoder reads the log of a container with a terminal: no frames, all of it
// standard output. Each message begins with its stamp, and so does each piece of
// a long line, in the middle of the line with nothing to show it but its place:
// at least pieceSize behind the last one, and the same stamp again.
type ttyDecoder struct {
	r     *bufio.Reader
	stamp []byte // of the message that is read, as it stands there, with its space
	at    int64
	buf   []byte // of the message; the text given out aliases it
	kept  int    // buf[:kept] was given out by the last call
	open  bool   // buf[kept:] belongs to a message whose end is not read
}

// stampLength is the daemon's fixed width, with the space behind it.
const stampLength = len("2006-01-02T15:04:05.000000000Z ")

// grabbing is how a daemon begins its own words where it cannot read a log.
const grabbing = "Error grabbing logs: "

func (d *ttyDecoder) pending() bool { return d.r.Buffered() > 0 }

func (d *ttyDecoder) next() (message, error) {
	d.buf = d.buf[:copy(d.buf, d.buf[d.kept:])]
	d.kept = 0
	if !d.open {
		if err := d.begin(); err != nil {
			return message{}, err
		}
		d.open = true
	}
	for {
		if n, skip := d.end(); n > 0 {
			text := d.buf[:n]
			d.kept = n + skip
			d.open = skip > 0
			return message{stamp: d.at, text: text}, nil
		}
		if err := d.fill(); err != nil {
			if err == io.EOF && len(d.buf) > 0 {
				d.kept, d.open = len(d.buf), false
				return message{stamp: d.at, text: d.buf}, nil
			}
			return message{}, err
		}
	}
}

// begin reads the stamp of a message. Text without one follows the last stamp.
func (d *ttyDecoder) begin() error {
	head, err := d.r.Peek(stampLength)
	if len(head) == 0 {
		return err
	}
	if bytes.HasPrefix(head, []byte(grabbing)) {
		return daemonError{}
	}
	if len(head) < stampLength && err != io.EOF {
		return unexpected(err)
	}
	m, perr := stamped(stdout, head)
	if perr != nil || len(head)-len(m.text) != stampLength {
		d.stamp = nil
		if d.at == 0 {
			return errNoStamp
		}
		return nil
	}
	d.stamp, d.at = append(d.stamp[:0], head...), m.stamp
	_, err = d.r.Discard(stampLength)
	return err
}

// end finds where the message in buf ends, and how many bytes of a repeated
// stamp follow it; 0: not in what was read.
func (d *ttyDecoder) end() (n, skip int) {
	line := bytes.IndexByte(d.buf, '\n') + 1
	if len(d.stamp) > 0 && len(d.buf) >= pieceSize {
		if i := bytes.Index(d.buf[pieceSize:], d.stamp); i >= 0 && (line == 0 || pieceSize+i < line) {
			return pieceSize + i, len(d.stamp)
		}
	}
	if line == 0 && len(d.buf) >= maxMessage {
		return len(d.buf), 0
	}
	return line, 0
}

// fill takes what lies ready up to the line's end, at least a byte.
func (d *ttyDecoder) fill() error {
	if _, err := d.r.Peek(1); err != nil {
		return err
	}
	ready, _ := d.r.Peek(d.r.Buffered())
	if i := bytes.IndexByte(ready, '\n'); i >= 0 {
		ready = ready[:i+1]
	}
	d.buf = append(d.buf, ready...)
	_, err := d.r.Discard(len(ready))
	return err
}
