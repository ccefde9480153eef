package gatetest

import (
	"bytes"
	"io"
	"regexp"
	"sync"
)

// Buffer is a log in memory. It is safe for concurrent use.
type Buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// Read returns what was written so far.
func (b *Buffer) Read() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.text.Bytes()), nil
}

// Log is the buffer as a log of that name.
func (b *Buffer) Log(name string) Log { return Log{Name: name, Group: name, Read: b.Read} }

var secretForm = regexp.MustCompile(`(sk|%73k)-[A-Za-z0-9_-]{9,}|(gsk_|tok_)[A-Za-z0-9_-]{9,}`)

// Redacted passes on to w without keys, as a redactor in front of a log does.
func Redacted(w io.Writer) io.Writer { return redacting{w} }

type redacting struct{ w io.Writer }

func (r redacting) Write(p []byte) (int, error) {
	_, err := r.w.Write(secretForm.ReplaceAll(p, []byte("REDACTED")))
	return len(p), err
}
