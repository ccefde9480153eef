package main

import (
	"bytes"
	"context"
	"sync"

	"sluice/internal/gate"
	"sluice/internal/pipeline"
	"sluice/internal/record"
)

// sinceBegin knows what the streams held before the run and looks for markers
// in what came after.
type sinceBegin struct {
	ends    map[record.Origin]record.Mark
	markers []string

	mu      sync.Mutex // guards streams
	streams map[record.Origin]*gate.LogStream
}

// newerSource passes on what a source reads behind the marks of sinceBegin.
type newerSource struct {
	pipeline.Source
	since *sinceBegin
}

// Run cuts what is older from the batches of the source.
func (s *newerSource) Run(ctx context.Context, emit func(record.Batch) error) error {
	return s.Source.Run(ctx, func(b record.Batch) error {
		newer, any := s.since.cut(b)
		s.since.look(&newer)
		if !any {
			return ctx.Err()
		}
		return emit(newer)
	})
}

// cut is what of a batch is newer than the mark of its stream; any is false if
// nothing is. A stream whose head changed since (Mark.Epoch) is new as a whole.
func (s *sinceBegin) cut(b record.Batch) (newer record.Batch, any bool) {
	end, known := s.ends[b.Origin]
	if !known || end.Stream != b.End.Stream || end.Epoch != b.End.Epoch {
		return b, true
	}
	first := len(b.Records)
	for i := range b.Records {
		if m := b.MarkAfter(i); m.Offset > end.Offset || m.Offset == end.Offset && m.Sub > end.Sub {
			first = i
			break
		}
	}
	switch first {
	case 0:
		return b, true
	case len(b.Records):
		b.Text, b.Records, b.Lead, b.Views = nil, nil, 0, nil
		return b, b.Final || b.Unread != ""
	}
	from := b.Records[first].Start
	records := make([]record.Record, 0, len(b.Records)-first)
	for _, r := range b.Records[first:] {
		r.Start, r.End = r.Start-from, r.End-from
		records = append(records, r)
	}
	b.Text, b.Records, b.Lead, b.Views = b.Text[from:], records, 0, nil
	return b, true
}

// look counts a batch and searches it for markers.
func (s *sinceBegin) look(b *record.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stream := s.streams[b.Origin]
	if stream == nil {
		stream = &gate.LogStream{Name: streamName(b.Origin), Group: processName(b.Origin), Seen: map[string]bool{}}
		s.streams[b.Origin] = stream
	}
	stream.Lines += int64(len(b.Records))
	stream.Bytes += int64(len(b.Text) - b.Lead)
	for _, m := range s.markers {
		if bytes.Contains(b.Text, []byte(m)) {
			stream.Seen[m] = true
		}
	}
}
