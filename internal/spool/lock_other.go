//go:build !unix

package spool

import (
	"fmt"
	"os"
)

// hold opens the lock file; there is no lock to take where flock is missing.
func hold(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock spool: %w", err)
	}
	return f, nil
}
