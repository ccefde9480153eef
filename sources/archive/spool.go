package archive

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// spoolMemory is the size of a zip that is kept in memory, in bytes: the logs of
// a run that a CI system packs. What is larger goes to disk.
const spoolMemory = 8 << 20

// spooled is a stream kept for random access.
type spooled struct {
	io.ReaderAt
	size int64
	file *os.File // nil: in memory
}

// spool reads r to its end.
func spool(r io.Reader, limit int64, dir string) (*spooled, error) {
	var head bytes.Buffer
	n, err := io.CopyN(&head, r, spoolMemory)
	if err == io.EOF {
		return &spooled{ReaderAt: bytes.NewReader(head.Bytes()), size: n}, nil
	} else if err != nil {
		return nil, err
	}
	f, err := unnamed(dir)
	if err != nil {
		return nil, &noDisk{err}
	}
	size, err := copyToDisk(f, io.MultiReader(&head, io.LimitReader(r, limit-n+1)))
	if err == nil && size > limit {
		err = refusal{why: fmt.Sprintf("a zip of more than %d bytes inside a stream", limit)}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &spooled{ReaderAt: f, size: size, file: f}, nil
}

// unnamed is a temporary file that nobody else can open and that is gone with
// its descriptor, whatever ends the process.
func unnamed(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "sluice-*") // 0600
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// copyToDisk tells errors of the disk from errors of the stream.
func copyToDisk(f *os.File, r io.Reader) (int64, error) {
	src := &watched{Reader: r}
	n, err := io.Copy(f, src)
	if err != nil && (src.err == nil || src.err == io.EOF) {
		err = &noDisk{err}
	}
	return n, err
}

func (s *spooled) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// noDisk is a temporary file that could not be written.
type noDisk struct{ err error }

func (e *noDisk) Error() string {
	return fmt.Sprintf("a zip inside a stream needs a temporary file (set TMPDIR): %v", e.err)
}

func (e *noDisk) Unwrap() error { return e.err }

func (e *noDisk) Unread() string { return "a zip inside a stream needs a temporary file" }
