//go:build !unix

package checkpoint

import (
	"fmt"
	"os"
	"path/filepath"
)

// hold opens the lock file; there is no lock to take where flock is missing.
func hold(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock state folder: %w", err)
	}
	return f, nil
}
