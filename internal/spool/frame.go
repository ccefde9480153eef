package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// MaxRecord is the longest record, bytes. A length read from a damaged head can
// ask for no more memory than this.
const MaxRecord = 1 << 20

// A record's head: four bytes that say that one starts here, its length, and
// the checksum of length and bytes, the numbers little endian.
const headLen = 4 + 4 + 4

var start = [4]byte{0xff, 'S', 'p', 0x01}

// errTorn says that what stands at a place is no record.
var errTorn = errors.New("damaged record")

func frame(payload []byte) []byte {
	out := make([]byte, headLen, headLen+len(payload))
	copy(out, start[:])
	binary.LittleEndian.PutUint32(out[4:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(out[8:], checksum(out[4:8], payload))
	return append(out, payload...)
}

// checksum is CRC-32C, which processors compute themselves.
func checksum(length, payload []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Update(0, table, length), table, payload)
}

// read returns the record at a place.
func read(f *os.File, at Place) ([]byte, error) {
	framed := make([]byte, headLen+at.Len)
	if _, err := f.ReadAt(framed, at.Offset); err != nil {
		return nil, fmt.Errorf("read spool: %w", err)
	}
	payload, ok := parse(framed)
	if !ok || len(payload) != at.Len {
		return nil, fmt.Errorf("read spool at %d: %w", at.Offset, errTorn)
	}
	return payload, nil
}

// parse is the record that b begins with.
func parse(b []byte) (payload []byte, ok bool) {
	if len(b) < headLen || !bytes.Equal(b[:4], start[:]) {
		return nil, false
	}
	n := binary.LittleEndian.Uint32(b[4:])
	if n == 0 || n > MaxRecord || len(b)-headLen < int(n) {
		return nil, false
	}
	payload = b[headLen : headLen+int(n)]
	if binary.LittleEndian.Uint32(b[8:]) != checksum(b[4:8], payload) {
		return nil, false
	}
	return payload, true
}

// scan gives the records of a file to each. end is behind the last whole one:
// bytes between records are damage, bytes behind the last are a torn tail.
func scan(f *os.File, each func([]byte, Place) error) (found Found, end int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return found, 0, err
	}
	size := info.Size()
	for at := int64(0); at < size; {
		payload, ok, err := recordAt(f, at, size)
		if err != nil {
			return found, end, err
		}
		if !ok {
			if at, err = nextStart(f, at+1, size); err != nil {
				return found, end, err
			}
			continue
		}
		found.Damaged += at - end
		found.Records++
		if err := each(payload, Place{at, len(payload)}); err != nil {
			return found, end, err
		}
		at += headLen + int64(len(payload))
		end = at
	}
	found.Cut = size - end
	return found, end, nil
}

// recordAt reads the record at an offset, if there is one.
func recordAt(f *os.File, at, size int64) (payload []byte, ok bool, err error) {
	if size-at < headLen {
		return nil, false, nil
	}
	var head [headLen]byte
	if _, err := f.ReadAt(head[:], at); err != nil {
		return nil, false, err
	}
	n := int64(binary.LittleEndian.Uint32(head[4:]))
	if !bytes.Equal(head[:4], start[:]) || n == 0 || n > MaxRecord || size-at-headLen < n {
		return nil, false, nil
	}
	framed := make([]byte, headLen+n)
	if _, err := f.ReadAt(framed, at); err != nil {
		return nil, false, err
	}
	payload, ok = parse(framed)
	return payload, ok, nil
}

// nextStart is where the next record may begin, or size.
func nextStart(f *os.File, from, size int64) (int64, error) {
	buf := make([]byte, 1<<16)
	for at := from; at < size; {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if err != nil && err != io.EOF {
			return 0, err
		}
		if i := bytes.Index(buf[:n], start[:]); i >= 0 {
			return at + int64(i), nil
		}
		if n < len(start) {
			break
		}
		at += int64(n - len(start) + 1) // a start may stand across the edge
	}
	return size, nil
}
