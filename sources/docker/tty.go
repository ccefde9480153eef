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
	r *bufio.Reader
	// known asks the daemon whether it holds a message with a stamp; nil: the
	// driver drops no line ends.
	known func(stamp int64) (bool, error)
	asked int

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
		if m, ok, err := d.end(); ok || err != nil {
			return m, err
		}
		if err := d.fill(); err != nil {
			if err == io.EOF && (len(d.buf) > 0 || d.known != nil) { // without its line end, a piece can be nothing
				return d.give(len(d.buf), len(d.buf)), nil
			}
			return message{}, err
		}
	}
}

// give is a message of n bytes; all bytes of buf up to used are done with.
func (d *ttyDecoder) give(n, used int) message {
	d.kept, d.open = used, false
	return message{stamp: d.at, text: d.buf[:n]}
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

// end is the message in buf, if its end is there.
func (d *ttyDecoder) end() (message, bool, error) {
	line := bytes.IndexByte(d.buf, '\n') + 1
	if len(d.stamp) > 0 && len(d.buf) >= pieceSize {
		if i := bytes.Index(d.buf[pieceSize:], d.stamp); i >= 0 && (line == 0 || pieceSize+i < line) {
			m := d.give(pieceSize+i, pieceSize+i+len(d.stamp))
			d.open = true
			return m, true, nil
		}
	}
	if n, next, err := d.dropped(line); next != 0 || err != nil {
		m := d.give(n, n+stampLength)
		d.stamp, d.at, d.open = append(d.stamp[:0], d.buf[n:n+stampLength]...), next, true
		return m, true, err
	}
	if line == 0 && len(d.buf) >= maxMessage {
		line = len(d.buf)
	}
	if line == 0 {
		return message{}, false, nil
	}
	return d.give(line, line), true, nil
}

// mostAsked bounds the questions of one response: a container can print stamps.
const mostAsked = 100

// dropped finds where the last piece of a line ends whose line end the driver has
// dropped: a terminal ends lines with "\r\n", and the next message's stamp stands
// right behind the "\r", or behind nothing. A container could print the same, so
// the daemon is asked whether it has a message with that stamp: nobody knows the
// nanoseconds beforehand. line is where buf has a line end; next 0: not found.
func (d *ttyDecoder) dropped(line int) (n int, next int64, err error) {
	text := d.buf
	if line > 0 {
		text = text[:line]
	}
	for d.known != nil && n+stampLength <= len(text) {
		m, err := stamped(stdout, text[n:n+stampLength])
		if err == nil && len(m.text) == 0 && m.stamp > d.at && d.asked < mostAsked {
			d.asked++
			if ok, err := d.known(m.stamp); ok || err != nil {
				return n, m.stamp, err
			}
		}
		i := bytes.IndexByte(text[n:], '\r')
		if i < 0 {
			break
		}
		n += i + 1
	}
	return 0, 0, nil
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
