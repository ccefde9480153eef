package jsonl

import (
	"bytes"
	"errors"
	"os"
)

// tailLimit is how far back from a file's end its last line may begin, in
// bytes: a line holds a clipped context and names, a few KiB.
const tailLimit = 1 << 20

// errNotOurs keeps Append from cutting what something else wrote.
var errNotOurs = errors.New("does not end in a line of findings; name another file, or end its last line")

// cutTornLine shortens f, of size bytes, to the end of its last whole line and
// returns the new size. Only the beginning of a line of ours is cut.
func cutTornLine(f *os.File, size int64) (int64, error) {
	tail := make([]byte, min(size, tailLimit))
	if len(tail) == 0 {
		return 0, nil
	}
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil {
		return 0, err
	}
	torn := tail[bytes.LastIndexByte(tail, '\n')+1:]
	if len(torn) == 0 {
		return size, nil
	}
	if int64(len(torn)) == tailLimit || !ours(torn) {
		return 0, errNotOurs
	}
	size -= int64(len(torn))
	return size, f.Truncate(size)
}

// ours says whether a line of this package can begin like that.
func ours(torn []byte) bool {
	for _, head := range []string{`{"rule":"`, `{"complete":false`} {
		n := min(len(head), len(torn))
		if string(torn[:n]) == head[:n] {
			return true
		}
	}
	return false
}
