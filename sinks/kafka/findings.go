package kafka

import (
	"context"
	"fmt"

	"sluice/internal/kafkaclient"
	"sluice/internal/record"
	"sluice/internal/report"
)

// Findings writes each finding as a message: its value is report.Object as JSON,
// its key the print of the secret, so that all findings of a secret are in one
// partition, in order, whoever found them. Instances that are to agree on prints
// need the same print key.
type Findings struct {
	w          *writer
	partitions int
}

// NewFindings connects, and fails if the topic cannot be written to.
func NewFindings(ctx context.Context, cfg Config) (*Findings, error) {
	w, err := open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	n, err := w.partitions(ctx, cfg.Topic, 1)
	if err != nil {
		w.close()
		return nil, err
	}
	return &Findings{w, n}, nil
}

// OpenFindings makes the sink that a URI names, as Parse reads it; base has the
// rest of the Config.
func OpenFindings(uri string, env kafkaclient.Env, base Config) (*Findings, error) {
	cfg, err := Parse(uri, env)
	if err != nil {
		return nil, err
	}
	cfg.Log, cfg.Follow = base.Log, base.Follow
	return NewFindings(context.Background(), cfg)
}

// Write writes the findings of ds.
func (s *Findings) Write(ctx context.Context, ds []record.Delivery) error {
	out := map[int][]outgoing{}
	for i := range ds {
		for j := range ds[i].Findings {
			f := &ds[i].Findings[j]
			value, err := report.AppendFinding(nil, f)
			if err != nil {
				return fmt.Errorf("write findings: %w", err)
			}
			key := report.Print(f)
			p := spread(key, s.partitions)
			out[p] = append(out[p], outgoing{key: []byte(key), value: value})
		}
	}
	return s.w.writeAll(ctx, out)
}

// Close ends the connections; everything is written.
func (s *Findings) Close(context.Context) error {
	s.w.close()
	return nil
}
