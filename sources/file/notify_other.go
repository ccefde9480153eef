//go:build !linux

package file

import (
	"context"
	"errors"
)

// notifier: there is none here, and logs are looked at.
type notifier struct{}

func newNotifier() (*notifier, error)                        { return nil, nil }
func (*notifier) close()                                     {}
func (*notifier) folder(string) (watch, error)               { return 0, errors.ErrUnsupported }
func (*notifier) once(string) (watch, error)                 { return 0, errors.ErrUnsupported }
func (*notifier) drop(watch)                                 {}
func (*notifier) read(ctx context.Context, _ chan<- []event) { <-ctx.Done() }
