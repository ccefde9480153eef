package archive

import (
	"bytes"
	"io"
	"strconv"
)

// format is what a stream's head says it is.
type format string

const (
	plain   format = "" // text, or anything else that is read as it is
	gzipped format = "gzip"
	zstded  format = "zstd"
	bzipped format = "bzip2"
	xzed    format = "xz"
	lz4ed   format = "lz4"
	tarred  format = "tar"
	zipped  format = "zip"
)

// magics are long enough that no text begins with one. bzip2's is the head and
// the first block (the digit between is free), or the head and the end.
var magics = []struct {
	head   string
	digit  int // this byte of head may be any digit; 0: none
	format format
}{
	{"\x1f\x8b\x08", 0, gzipped},
	{"\x28\xb5\x2f\xfd", 0, zstded},
	{"\x50\x2a\x4d\x18", 0, zstded}, // a skippable frame, as pzstd puts it first
	{"BZh9\x31\x41\x59\x26\x53\x59", 3, bzipped},
	{"BZh9\x17\x72\x45\x38\x50\x90", 3, bzipped},
	{"\xfd7zXZ\x00", 0, xzed},
	{"\x04\x22\x4d\x18", 0, lz4ed},
	{"PK\x03\x04", 0, zipped},
	{"PK\x05\x06", 0, zipped}, // without members
	{"PK\x07\x08", 0, zipped}, // in parts
	{"7z\xbc\xaf\x27\x1c", 0, "7z"},
	{"Rar!\x1a\x07", 0, "rar"},
	{"LZIP\x01", 0, "lzip"},
	{"\x89LZO\x00\r\n\x1a\n", 0, "lzop"},
	{"MSCF\x00\x00\x00\x00", 0, "cab"},
	{"\xff\x06\x00\x00sNaPpY", 0, "snappy"},
	{"\xff\x06\x00\x00S2sTwO", 0, "snappy"},
	{"\x1f\x9d", 0, "compress"},
	{"\x1f\xa0", 0, "compress"},
}

// foreign says that the format is known and not read.
func (f format) foreign() bool {
	switch f {
	case "7z", "rar", "lzip", "lzop", "cab", "snappy", "compress":
		return true
	}
	return false
}

const tarBlock = 512

// sniff looks at the head of r and returns a reader of all of it. It reads no
// more than decides: a line that begins like text is given on at once.
func sniff(r io.Reader) (format, io.Reader) {
	buf := make([]byte, 0, 4*tarBlock)
	for reads := 0; ; reads++ {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if reads == cap(buf) && err == nil {
			err = io.ErrNoProgress
		}
		if f, decided := recognise(buf); decided || err != nil || len(buf) == cap(buf) {
			if err != nil {
				r = ended{err}
			}
			return f, io.MultiReader(bytes.NewReader(buf), r)
		}
	}
}

// ended repeats the error that a Read gave together with data.
type ended struct{ err error }

func (e ended) Read([]byte) (int, error) { return 0, e.err }

// recognise judges a head; it is decided when more bytes would not change that.
func recognise(head []byte) (f format, decided bool) {
	undecided := len(head) == 0
	for _, m := range magics {
		n := min(len(head), len(m.head))
		if !sameHead(head[:n], m.head, m.digit) {
			continue
		}
		if n == len(m.head) {
			return m.format, true
		}
		undecided = true
	}
	if len(head) >= tarBlock {
		if isTar(head[:tarBlock]) {
			return tarred, true
		}
		return plain, true
	}
	return plain, !undecided && !mayBeTar(head)
}

// mayBeTar says that a head too short to tell is not worth giving on: it has no
// line, or a NUL as a tar has within its first 108 bytes.
func mayBeTar(head []byte) bool {
	switch {
	case bytes.HasSuffix(head, []byte{'\n'}):
		return false
	case bytes.IndexByte(head, 0) >= 0:
		return true
	}
	return len(head) < 108 && bytes.IndexByte(head, '\n') < 0
}

func sameHead(head []byte, magic string, digit int) bool {
	for i, c := range head {
		if c != magic[i] && (digit == 0 || i != digit || c < '1' || c > '9') {
			return false
		}
	}
	return true
}

// isTar checks the sum that every kind of tar has in its header, over bytes or,
// in very old ones, signed bytes.
func isTar(block []byte) bool {
	if len(block) < tarBlock {
		return false
	}
	field := bytes.Trim(block[148:156], " \x00")
	want, err := strconv.ParseInt(string(field), 8, 64)
	if err != nil || len(field) == 0 {
		return false
	}
	var sum, signed int64
	for i, c := range block {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int64(c)
		signed += int64(int8(c))
	}
	return want == sum || want == signed
}
