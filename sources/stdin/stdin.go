// Package stdin reads standard input as one stream.
//
// The promise: a line that is written is emitted at once, whoever holds the
// pipe open; the end of ctx ends a read that waits. Input that is compressed or
// an archive is unpacked as sources/archive says, text arrives unchanged.
//
// The limits: it is read once and cannot be resumed. An Input that is no
// *os.File and blocks ends Run only with its next byte.
package stdin

import (
	"context"
	"fmt"
	"io"

	"sluice/internal/lines"
	"sluice/internal/record"
	"sluice/sources/archive"
)

// Kind and Name are what findings in standard input carry as their source.
const (
	Kind = "stdin"
	Name = "-"
)

// Config says what to read.
type Config struct {
	Input io.Reader // read to its end, not closed
	// Raw leaves compressed input as it is.
	Raw     bool
	Archive archive.Config
}

// Source reads one input once.
type Source struct{ cfg Config }

// New makes a source; nothing is read before Run.
func New(cfg Config) *Source { return &Source{cfg} }

// Run emits the input. What cannot be read of it is said in a Final batch and
// returned.
func (s *Source) Run(ctx context.Context, emit func(record.Batch) error) error {
	in, stop, err := lines.Interruptible(ctx, s.cfg.Input)
	if err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	defer stop()
	origin := record.Origin{Kind: Kind, Name: Name}
	if s.cfg.Raw {
		return lines.NewReader(in, origin, record.Mark{Stream: Name}).Emit(ctx, emit)
	}
	entry := archive.Entry{Origin: origin, Stream: Name, Path: Name}
	return archive.Expand(ctx, archive.Input{Reader: in, Entry: entry}, s.cfg.Archive, emit)
}

// Commit returns nil: standard input cannot be read again.
func (s *Source) Commit(context.Context, record.Mark) error { return nil }
