package docker

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"
)

// logFiles are the files of a json-file log, as they were at one moment: the
// newest first. A nil one is empty.
type logFiles struct{ files []*os.File }

// A daemon renames the files one by one, the oldest first, and then makes a new
// one: opening begins again settle later, at most rotations times, as long as
// what was opened has a hole, one file twice, or not the newest.
const (
	rotations = 500
	settle    = time.Millisecond
)

// openLog opens path, path.1, path.2 and so on, or their .gz, all of one moment.
func openLog(path string) (*logFiles, error) {
	for range rotations {
		s, err := openAll(path)
		if err == nil && s.whole(path) {
			return s, nil
		}
		s.close()
		if errors.Is(err, fs.ErrNotExist) && !isThere(path, 1) || err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		time.Sleep(settle)
	}
	return nil, errors.New("it is rotated faster than it can be opened")
}

// isThere says whether the file behind the nth rotation is.
func isThere(path string, n int) bool {
	name := path + "." + strconv.Itoa(n)
	_, err := os.Stat(name)
	_, zipped := os.Stat(name + ".gz")
	return err == nil || zipped == nil
}

// whole says whether no file was renamed while the files were opened.
func (s *logFiles) whole(path string) bool {
	for i, f := range s.files[1:] {
		here, err := f.Stat()
		before, also := s.files[i].Stat()
		if err != nil || also != nil || os.SameFile(here, before) {
			return false
		}
	}
	same, err := isAt(s.files[0], path)
	return err == nil && same && !isThere(path, len(s.files)) && !isThere(path, len(s.files)+1)
}

// isAt says whether path still names the file.
func isAt(f *os.File, path string) (bool, error) {
	here, err := f.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return os.SameFile(here, there), nil
}

func openAll(path string) (*logFiles, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &logFiles{files: []*os.File{f}}
	for i := 1; ; i++ {
		name := path + "." + strconv.Itoa(i)
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			f, err = os.Open(name + ".gz")
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return s, nil
		case err != nil:
			s.close()
			return nil, err
		}
		s.files = append(s.files, f)
	}
}

func (s *logFiles) close() { _ = s.Close() }

// Close closes the files.
func (s *logFiles) Close() error {
	if s == nil {
		return nil
	}
	var errs []error
	for _, f := range s.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// last is a reader of the last n lines, oldest first; n negative: of all.
func (s *logFiles) last(n int) (io.Reader, error) {
	var parts []io.Reader
	for i, f := range s.files {
		size := int64(1 << 62)
		if i == 0 { // it grows
			info, err := f.Stat()
			if err != nil {
				return nil, err
			}
			size = info.Size()
		}
		skip := 0
		if n >= 0 {
			r, err := contentOf(f, size)
			if err != nil {
				return nil, err
			}
			held, err := lineEnds(r)
			if err != nil {
				return nil, err
			}
			skip = max(held-n, 0)
			n -= held - skip
		}
		r, err := contentOf(f, size)
		if err == nil {
			r, err = behindLines(r, skip)
		}
		if err != nil {
			return nil, err
		}
		parts = append([]io.Reader{r}, parts...)
		if n == 0 {
			break
		}
	}
	return io.MultiReader(parts...), nil
}

// contentOf is a file's text from its beginning, of at most size bytes.
func contentOf(f *os.File, size int64) (io.Reader, error) {
	var head [2]byte
	if _, err := f.ReadAt(head[:], 0); err == nil && head == [2]byte{0x1f, 0x8b} {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		return gzip.NewReader(f)
	}
	return io.NewSectionReader(f, 0, size), nil
}

func lineEnds(r io.Reader) (n int, err error) {
	buf := make([]byte, fileBuffer)
	for {
		got, err := r.Read(buf)
		n += bytes.Count(buf[:got], []byte{'\n'})
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// behindLines is what follows the first n lines.
func behindLines(r io.Reader, n int) (io.Reader, error) {
	if n == 0 {
		return r, nil
	}
	b := bufio.NewReaderSize(r, fileBuffer)
	for n > 0 {
		_, err := b.ReadSlice('\n')
		if err == nil {
			n--
		} else if err != bufio.ErrBufferFull {
			return nil, err
		}
	}
	return b, nil
}
