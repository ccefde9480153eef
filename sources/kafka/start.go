package kafka

import (
	"fmt"
	"time"
)

// Start says where a partition begins of which the group has no offset. The
// zero value is its first message.
type Start struct {
	at        time.Time
	last      bool
	committed bool
}

// The places to start at.
func StartFirst() Start         { return Start{} }
func StartLast() Start          { return Start{last: true} }
func StartAt(t time.Time) Start { return Start{at: t} }
func StartCommitted() Start     { return Start{committed: true} } // no offset is an error

// ParseStart reads first, last, committed, a time as RFC 3339 has it, a day
// (2026-01-21, UTC) or how long ago (90m, 24h). now is the time.
func ParseStart(text string, now time.Time) (Start, error) {
	switch text {
	case "", "first":
		return StartFirst(), nil
	case "last":
		return StartLast(), nil
	case "committed":
		return StartCommitted(), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return StartAt(t), nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return StartAt(t), nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return StartAt(now.Add(-d)), nil
	}
	return Start{}, fmt.Errorf("start=%q: want first, last, committed, a time like 2026-01-21T09:00:00Z, or how long ago like 24h", text)
}

// The times that ListOffsets takes for the ends of a partition.
const (
	atFirst = -2
	atLast  = -1
)

// time is what ListOffsets is asked.
func (s Start) time() int64 {
	switch {
	case s.last:
		return atLast
	case s.at.IsZero():
		return atFirst
	}
	return s.at.UnixMilli()
}
