// Package checkpoint keeps the marks of all streams, and what else a restart
// needs, in a folder of its own.
//
// The promise: a document that Save confirmed is there after a SIGKILL or a
// power cut. One that is torn, cut at any byte, changed, or none of ours is
// never used and never ends the program: Load then gives the one saved before
// it, and says so. A mark that Load gives was saved in a whole document, so
// nothing is ever skipped; the worst that damage costs is reading twice. Folder
// 0700, files 0600. One process at a time holds a folder; the second is told
// who does.
//
// The limits: two documents are kept. Each Save writes all of it; whoever calls
// decides how often. On a file system without flock (or outside unix) two
// processes can hold one folder.
package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"sluice/internal/record"
)

// Names in the folder.
const (
	current  = "checkpoint"
	previous = "checkpoint.previous"
	next     = "checkpoint.next" // being written; of no value after a crash
	lockName = "lock"
)

// maxSize is the longest document that is read, bytes: 100,000 streams take a
// tenth of it.
const maxSize = 256 << 20

// Document is what is known at one moment; its parts belong together.
type Document struct {
	Saved   time.Time         // set by Save
	Sources map[string]Source // by the name that the wiring gives a source
	Output  *Output           // of exactly-once output; nil: there is none
}

// Source is how far a source is delivered.
type Source struct {
	Marks map[string]record.Mark // by Mark.Stream
	State json.RawMessage        // the source's own; opaque here
}

// Output is a file that is cut back to Length before more is appended.
type Output struct {
	Path   string `json:"path"`
	Length int64  `json:"length"` // bytes that the marks account for
	// Head is a hash of the first HeadLen bytes: it tells the file from another
	// one that was put under its name.
	HeadLen int    `json:"head_length"`
	Head    string `json:"head"`
}

// Store is an open folder. It is not for concurrent use.
type Store struct {
	dir  string
	lock *os.File
	// reached is told of each step of a Save; tests end the process there.
	reached func(step string)
}

// Open makes the folder if it is not there, and holds it until Close. The error
// names who else holds it.
func Open(dir string) (*Store, error) {
	if err := private(dir); err != nil {
		return nil, err
	}
	lock, err := hold(dir)
	if err != nil {
		return nil, err
	}
	return &Store{dir: dir, lock: lock, reached: func(string) {}}, nil
}

// private makes the folder ours alone. One that others may enter and that holds
// files which are not ours was named by mistake, and is left as it is.
func private(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make state folder: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("open state folder: %w", err)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("open state folder: %w", err)
	}
	for _, e := range entries {
		switch e.Name() {
		case current, previous, next, lockName:
		default:
			return fmt.Errorf("state folder %s is open to other users and holds %s: name a folder of its own, or chmod 700 it",
				dir, record.Printable(e.Name()))
		}
	}
	if err := os.Chmod(dir, 0o700); errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("state folder %s is on a read-only file system: mount a volume there, or name another folder", dir)
	} else if err != nil {
		return fmt.Errorf("close state folder to others: %w", err)
	}
	return nil
}

// Dir is the folder.
func (s *Store) Dir() string { return s.dir }

// Load gives the newest document that is whole, an empty one if there is none.
// warnings say in a sentence each what was found damaged; there is an error only
// where the disk refuses to be read.
func (s *Store) Load() (doc Document, warnings []string, err error) {
	for _, name := range []string{current, previous} {
		path := filepath.Join(s.dir, name)
		text, err := readBounded(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Document{}, warnings, fmt.Errorf("read checkpoint: %w", err)
		}
		doc, err := decode(text)
		if err == nil {
			return doc, warnings, nil
		}
		older := "the one before it is used"
		if name == previous {
			older = "there is no other: everything is read again"
		}
		warnings = append(warnings, fmt.Sprintf("checkpoint %s is not used: %v; %s", path, err, older))
	}
	return Document{}, warnings, nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSize+1))
}

// Save makes doc the one that Load gives. After an error the documents on disk
// are as good as before.
func (s *Store) Save(doc Document) error {
	doc.Saved = time.Now().UTC().Truncate(time.Millisecond)
	text, err := encode(doc)
	if err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	if err := s.replace(text); err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	return nil
}

// replace puts text in the place of the current document, which becomes the
// previous one: at every moment one of them is whole under its name.
func (s *Store) replace(text []byte) error {
	path := func(name string) string { return filepath.Join(s.dir, name) }
	s.reached("begin")
	if err := s.write(path(next), text); err != nil {
		return err
	}
	s.reached("synced")
	if err := os.Rename(path(current), path(previous)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.reached("previous kept")
	if err := os.Rename(path(next), path(current)); err != nil {
		return err
	}
	s.reached("renamed")
	err := syncFolder(s.dir)
	s.reached("folder synced")
	return err
}

func (s *Store) write(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	half := len(text) / 2
	_, err = f.Write(text[:half])
	s.reached("half written")
	if err == nil {
		_, err = f.Write(text[half:])
	}
	s.reached("written")
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Close lets go of the folder.
func (s *Store) Close() error { return s.lock.Close() }

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
