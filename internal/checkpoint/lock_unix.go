//go:build unix

package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"sluice/internal/record"
)

// holder is what a lock says of the process that holds it.
type holder struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
}

// hold takes the lock of a folder, which ends with the process however it ends.
func hold(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock state folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock state folder %s: %w", dir, err), f.Close())
		}
		return nil, errors.Join(fmt.Errorf("state folder %s is in use%s: stop that process, or name another folder", dir, who(f)), f.Close())
	}
	host, _ := os.Hostname() // "" says less, and is no reason to stop
	text, err := json.Marshal(holder{os.Getpid(), host, time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt(append(text, '\n'), 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock state folder: %w", err), f.Close())
	}
	return f, nil
}

// who names the holder, as far as the lock says.
func who(f *os.File) string {
	text, err := io.ReadAll(io.LimitReader(f, 1<<10))
	var h holder
	if err != nil || json.Unmarshal(text, &h) != nil || h.PID == 0 {
		return ""
	}
	return fmt.Sprintf(" by process %d on %s since %s", h.PID, record.Printable(h.Host), h.Since.Format(time.RFC3339))
}
