package sources

import (
	"context"
	"time"

	"sluice/internal/logtime"
	"sluice/internal/pipeline"
	"sluice/internal/record"
)

// Range is a stretch of log time; a zero end is open.
type Range struct{ Since, Until time.Time }

// Within passes on the records of a source whose time is in the range: the
// transport's stamp, else the line's own, else that of the line before, so that
// a traceback stays with its head. A record whose time nobody knows is passed:
// what can't be placed is examined.
func Within(src pipeline.Source, r Range) pipeline.Source {
	if r.Since.IsZero() && r.Until.IsZero() {
		return src
	}
	return within{src, r}
}

type within struct {
	pipeline.Source
	r Range
}

func (w within) Run(ctx context.Context, emit func(record.Batch) error) error {
	last := map[string]time.Time{} // by stream; a source may interleave streams
	return w.Source.Run(ctx, func(b record.Batch) error {
		b = w.r.cut(b, last)
		if len(b.Records) == 0 && !b.Final && b.Unread == "" {
			return nil
		}
		return emit(b)
	})
}

// cut drops the records of b that are out of range. A batch with views is
// passed whole: they hold records together.
func (r Range) cut(b record.Batch, last map[string]time.Time) record.Batch {
	if len(b.Views) > 0 {
		return b
	}
	at := last[b.End.Stream]
	out := b
	out.Text, out.Records, out.Lead = make([]byte, 0, len(b.Text)), nil, 0
	for _, rec := range b.Records {
		line := b.Text[rec.Start:rec.End]
		if !rec.Time.IsZero() {
			at = rec.Time
		} else if t, ok := logtime.Parse(line); ok {
			at = t
		}
		if !r.holds(at) {
			continue
		}
		rec.Start, rec.End = len(out.Text), len(out.Text)+len(line)
		out.Text = append(out.Text, line...)
		out.Records = append(out.Records, rec)
	}
	if b.Final {
		delete(last, b.End.Stream)
	} else {
		last[b.End.Stream] = at
	}
	return out
}

func (r Range) holds(t time.Time) bool {
	if t.IsZero() {
		return true
	}
	return (r.Since.IsZero() || !t.Before(r.Since)) && (r.Until.IsZero() || t.Before(r.Until))
}
