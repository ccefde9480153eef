package docker

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff is how many tries in a row have failed.
type backoff int

const (
	firstPause = 250 * time.Millisecond
	lastPause  = 30 * time.Second
)

// pause is up to twice as long with each try, at most lastPause; the half of it
// is random, so that sources which lost one daemon do not come back as one.
func (b backoff) pause() time.Duration {
	most := lastPause
	if b < 8 {
		most = min(firstPause<<b, lastPause)
	}
	return most/2 + rand.N(most/2)
}

// wait pauses and counts; the error is that of ctx.
func (b *backoff) wait(ctx context.Context) error {
	t := time.NewTimer(b.pause())
	defer t.Stop()
	*b = min(*b+1, 32)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
