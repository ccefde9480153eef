package main

import (
	"context"

	"sluice/internal/pipeline"
	"sluice/sources"
)

// follow redacts topics for ever: the group's offsets are the positions, so there
// is nothing to keep.
func (f *passFlags) follow(ctx context.Context, a *app, args []string, first pipeline.Sink) error {
	nothing, err := openState("", a.log)
	if err != nil {
		return err
	}
	w, err := newFollowing(a, f, nothing)
	if err != nil {
		return err
	}
	if err := w.passOn(a, f, first); err != nil {
		return err
	}
	w.sources, err = sources.Open(args, sources.Options{Log: a.log, Follow: true, Kafka: kafkaEnv(a)})
	if err != nil {
		return usageError(err, "")
	}
	w.watchSources(w.sources)
	return w.follow(ctx, f.kafka.listen, true)
}
