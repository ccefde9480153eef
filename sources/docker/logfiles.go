package docker

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// logFiles are the files of a json-file log, as they were at one moment: the
// newest first.
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

func (s *logFiles) close() {
	if s == nil {
		return
	}
	for _, f := range s.files {
		_ = f.Close() // read only
	}
}

// part is a file of a log as it is read, or the last lines of it.
type part struct {
	io.Reader
	n    int64 // generation.n
	hole bool  // generation.hole
}

// lastOf is the last n lines of files, oldest first; n negative: all.
func lastOf(files []*generation, n int) ([]part, error) {
	parts := []part{{Reader: strings.NewReader("")}}
	for i, g := range slices.Backward(files) {
		size := int64(1 << 62)
		if i == len(files)-1 { // it grows
			info, err := g.Stat()
			if err != nil {
				return nil, err
			}
			size = info.Size()
		}
		skip := 0
		if n >= 0 {
			r, err := contentOf(g.File, size)
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
		r, err := contentOf(g.File, size)
		if err == nil {
			r, err = behindLines(r, skip)
		}
		if err != nil {
			return nil, err
		}
		parts = slices.Insert(parts, 1, part{r, g.n, g.hole && skip == 0})
		if n == 0 {
			break
		}
	}
	return parts, nil
}

// contentOf is a file's text from its beginning, of at most size bytes.
func contentOf(f *os.File, size int64) (io.Reader, error) {
	var head [2]byte
	if _, err := f.ReadAt(head[:], 0); err == nil && head == [2]byte{0x1f, 0x8b} {
		return gzip.NewReader(io.NewSectionReader(f, 0, 1<<62))
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
