//go:build unix

package file

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"sluice/internal/record"
	"sluice/sources/sourcetest"
)

func fifo(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	return path
}

func TestConformanceOfAPipe(t *testing.T) {
	sourcetest.Run(t, sourcetest.Case{
		New: func(t *testing.T, content []byte) sourcetest.Source {
			path := fifo(t, t.TempDir())
			written := make(chan struct{})
			go func() {
				defer close(written)
				w, err := os.OpenFile(path, os.O_WRONLY, 0) // waits for the reader
				if err != nil {
					return
				}
				defer w.Close()
				_, _ = w.Write(content) // cut off where the reader ends first
			}()
			t.Cleanup(func() {
				drain(t, path, written)
			})
			return New(Config{Paths: []string{path}})
		},
		Waiting: func(t *testing.T, content []byte) sourcetest.Source {
			path := fifo(t, t.TempDir())
			both, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = both.Close() })
			if _, err := both.Write(content); err != nil {
				t.Fatal(err)
			}
			return New(Config{Paths: []string{path}})
		},
	})
}

// drain reads what a writer still has, whether it waits for a reader, for room,
// or is gone.
func drain(t *testing.T, path string, written <-chan struct{}) {
	r, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		select {
		case <-written:
			return
		default:
			_, _ = io.Copy(io.Discard, r)
		}
	}
}

// A pipe that nobody has opened for writing is waited for, and given up with
// the context.
func TestAPipeWithoutWriterIsGivenUp(t *testing.T) {
	path := fifo(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error)
	go func() {
		ran <- New(Config{Paths: []string{path}}).Run(ctx, func(record.Batch) error { return nil })
	}()
	select {
	case err := <-ran:
		t.Fatalf("it did not wait: %v", err)
	default:
		cancel()
	}
	if err := <-ran; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestWhatAFolderPassesOver(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	secret := write(t, outside, "outside.log", "not in the folder\n")
	write(t, dir, "a.log", "a\n")
	write(t, dir, "sub/b.log", "b\n")
	fifo(t, dir)
	sock, err := net.Listen("unix", filepath.Join(dir, "sock"))
	if err != nil {
		t.Skipf("no sockets here: %v", err)
	}
	defer sock.Close()
	for link, to := range map[string]string{
		"out.log": secret, "outdir": outside, "loop": ".", "sub/up": "..", "in.log": "a.log", "dangling": "nowhere",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skipf("no links here: %v", err)
		}
	}
	for _, path := range []string{".", "**", "**/*"} {
		order, _, s, err := run(t, dir, Config{Paths: []string{path}, Jobs: 2})
		slices.Sort(order)
		if err != nil || !slices.Equal(order, []string{"a.log", "sub/b.log"}) || s.Skipped() != 8 {
			t.Errorf("%s: read %q, passed over %d, %v", path, order, s.Skipped(), err)
		}
	}
	// Named, or matched by a plain glob, a link is followed.
	order, _, _, err := run(t, dir, Config{Paths: []string{"out.log", "in.*"}})
	if err != nil || !slices.Equal(order, []string{"out.log", "in.log"}) {
		t.Errorf("read %q, %v", order, err)
	}
	if _, _, _, err := run(t, dir, Config{Paths: []string{"sock"}}); err == nil || !strings.Contains(err.Error(), "socket") {
		t.Errorf("a socket: %v", err)
	}
}

// A folder that was swapped for a link behind our back leads nowhere.
func TestAFolderSwappedForALink(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	write(t, outside, "b.log", "not in the folder\n")
	write(t, dir, "a/a.log", strings.Repeat("first\n", 10))
	write(t, dir, "sub/b.log", "in the folder\n")
	var read string
	err := New(Config{Paths: []string{dir}}).Run(t.Context(), func(b record.Batch) error {
		if read += string(b.Text[b.Lead:]); strings.HasPrefix(read, "first") && len(read) == 60 && !b.Final {
			return nil
		}
		if _, err := os.Lstat(filepath.Join(dir, "old")); err == nil {
			return nil
		}
		return errors.Join(os.Rename(filepath.Join(dir, "sub"), filepath.Join(dir, "old")), os.Symlink(outside, filepath.Join(dir, "sub")))
	})
	if err == nil || strings.Contains(read, "not in the folder") {
		t.Errorf("read %q, %v", read, err)
	}
}

func TestAFileWithoutPermission(t *testing.T) {
	dir := t.TempDir()
	closed := write(t, dir, "closed.log", "x\n")
	write(t, dir, "shut/y.log", "y\n")
	write(t, dir, "open.log", "z\n")
	for _, path := range []string{closed, filepath.Join(dir, "shut")} {
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "shut"), 0o700) })
	if f, err := os.Open(closed); err == nil {
		_ = f.Close()
		t.Skip("this user may read everything")
	}
	order, _, _, err := run(t, dir, Config{Paths: []string{"."}})
	want := "read closed.log: permission denied: run as a user who may read it\n" +
		"read shut: permission denied: run as a user who may read it"
	if err == nil || err.Error() != want || !slices.Equal(order, []string{"open.log"}) {
		t.Errorf("read %q, error\n%v", order, err)
	}
}

func TestADeviceIsReadWhereItIsNamed(t *testing.T) {
	if _, err := os.Stat(os.DevNull); err != nil {
		t.Skip(err)
	}
	order, text, _, err := run(t, t.TempDir(), Config{Paths: []string{os.DevNull}})
	if err != nil || !slices.Equal(order, []string{os.DevNull}) || text[os.DevNull] != "" {
		t.Errorf("read %q, %v", text, err)
	}
}
