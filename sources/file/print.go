package file

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"io"
)

const (
	// headLen is how many first bytes of a generation tell it from others.
	headLen = 1 << 10
	// tailLen is how many bytes before a position have to be the same for the
	// position to count: logs may all begin with the same banner.
	tailLen = 64

	lenBits = 11 // of headLen
)

// headOf names a generation by its first bytes, at most headLen of them: 53
// bits of their hash, 11 of their number. 0: there are none.
func headOf(first []byte) int64 {
	first = first[:min(len(first), headLen)]
	if len(first) == 0 {
		return 0
	}
	sum := sha256.Sum256(first)
	return int64(binary.BigEndian.Uint64(sum[:])<<lenBits | uint64(len(first)))
}

// headBytes is how many bytes a name rests on.
func headBytes(head int64) int { return int(uint64(head) & (1<<lenBits - 1)) }

// hasHead says that a file that begins with first may be the one of that name.
func hasHead(first []byte, head int64) bool {
	n := headBytes(head)
	return n > 0 && n <= len(first) && headOf(first[:n]) == head
}

// tailOf names the bytes before a position, tailLen of them or all there are.
// It is never 0, which means that they are not known.
func tailOf(last []byte) int64 {
	sum := sha256.Sum256(last)
	return int64(binary.BigEndian.Uint64(sum[:]) | 1)
}

// lastOf is the last tailLen bytes of before and b together.
func lastOf(before, b []byte) []byte {
	if len(b) >= tailLen {
		return bytes.Clone(b[len(b)-tailLen:])
	}
	all := append(bytes.Clone(before), b...)
	return all[max(0, len(all)-tailLen):]
}

// readFirst reads the first bytes of a file.
func readFirst(r io.ReaderAt) ([]byte, error) {
	buf := make([]byte, headLen)
	n, err := readAt(r, buf, 0)
	return buf[:n], err
}

// readBefore reads the tailLen bytes before off, or all there are.
func readBefore(r io.ReaderAt, off int64) ([]byte, error) {
	n := min(off, tailLen)
	buf := make([]byte, n)
	got, err := readAt(r, buf, off-n)
	return buf[:got], err
}

// readAt is ReadAt, for which the end is no error.
func readAt(r io.ReaderAt, buf []byte, off int64) (int, error) {
	n, err := r.ReadAt(buf, off)
	if err == io.EOF {
		err = nil
	}
	return n, err
}

// packedMagics are what compressed files begin with.
var packedMagics = []string{"\x1f\x8b\x08", "\x28\xb5\x2f\xfd", "BZh", "\xfd7zXZ\x00", "\x04\x22\x4d\x18"}

// isPacked says that a file that begins so is compressed.
func isPacked(first []byte) bool {
	for _, m := range packedMagics {
		if bytes.HasPrefix(first, []byte(m)) {
			return true
		}
	}
	return false
}
