package sinks

import (
	"context"
	"errors"

	"sluice/internal/pipeline"
	"sluice/internal/record"
)

// Tee gives every delivery to all sinks, one after the other. A write that one
// of them refuses is refused: what not all have is not delivered.
func Tee(all ...pipeline.Sink) pipeline.Sink {
	if len(all) == 1 {
		return all[0]
	}
	return tee(all)
}

type tee []pipeline.Sink

func (t tee) Write(ctx context.Context, ds []record.Delivery) error {
	for _, s := range t {
		if err := s.Write(ctx, ds); err != nil {
			return err
		}
	}
	return nil
}

// Close closes all, whatever the others say: each report is written whole.
func (t tee) Close(ctx context.Context) error {
	errs := make([]error, len(t))
	for i, s := range t {
		errs[i] = s.Close(ctx)
	}
	return errors.Join(errs...)
}

// Committing closes s and then calls commit: for a sink whose writer is a file
// that has to be put in its place.
func Committing(s pipeline.Sink, commit func() error) pipeline.Sink { return committing{s, commit} }

type committing struct {
	pipeline.Sink
	commit func() error
}

func (c committing) Close(ctx context.Context) error {
	return errors.Join(c.Sink.Close(ctx), c.commit())
}
