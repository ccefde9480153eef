// Package clean writes redacted bytes: to one writer, or to a folder with the
// same tree, names, compression, mode and time as what was read.
//
// The promise: bytes appear in the order of their stream as soon as they are
// delivered; a file of a folder appears under its name when its stream has
// ended, whole, or not at all.
//
// The limits: one writer takes streams one after the other only if the
// pipeline delivers them so (pipeline.Config.Ordered).
package clean

import (
	"context"
	"fmt"
	"io"
	"sync"

	"sluice/internal/record"
)

// Sink writes clean bytes to one writer, each delivery at once.
type Sink struct {
	mu    sync.Mutex
	w     io.Writer
	close func() error
}

// New writes to w, which stays the caller's to close.
func New(w io.Writer) *Sink { return &Sink{w: w, close: func() error { return nil }} }

// Write writes the clean bytes of ds.
func (s *Sink) Write(_ context.Context, ds []record.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range ds {
		if len(ds[i].Clean) == 0 {
			continue
		}
		if _, err := s.w.Write(ds[i].Clean); err != nil {
			return fmt.Errorf("write clean bytes: %w", err)
		}
	}
	return nil
}

// Close puts a created file in its place.
func (s *Sink) Close(context.Context) error { return s.close() }
