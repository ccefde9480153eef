// Package archive reads streams that may be compressed or be archives, to any
// depth, and emits the text of every file in them.
//
// The promise: what a stream is, its content says, never its name. gzip, zstd,
// bzip2, xz, lz4, tar and zip are read as they stream by; a member is never
// whole in memory. A member's name is ARCHIVE!MEMBER, its kind
// "archive"; a stream that is only compressed keeps the name and the kind of
// its file, and its offsets are those of the text. What cannot be read (damaged,
// encrypted, over a limit, of another format) is a Final batch with Unread and
// an error with its name, and everything else is still read.
//
// The limits: 7z, rar, lzip, lzop, cab, snappy and compress are recognised and
// reported as not examined: their decoders take the memory that the archive
// asks for, or their format cannot tell its end. Bytes that a format says to
// skip (extra fields, skippable frames) are not seen. A zip is read by its directory, which needs random access: one that
// arrives in a stream is kept in memory up to 8 MiB and beyond that in a
// temporary file without a name; bytes between its members are not seen. Memory
// is bounded for each layer: 128 MiB (zstd), 64 MiB (xz), 16 MiB of directory
// (zip), a few MiB (all others).
package archive

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sluice/internal/record"
)

// Kind is the Origin.Kind of a member.
const Kind = "archive"

// The limits that stand where a Config names none.
const (
	DefaultDepth = 8        // 42.zip has six layers, a .tar.gz in a .zip three
	DefaultTotal = 64 << 30 // bytes unpacked
	DefaultRatio = 1000     // gzip cannot do more than 1032 to 1; logs do 10 to 50
	DefaultSpool = 4 << 30  // bytes of a zip that has to be kept on disk
	ratioFrom    = 64 << 20 // bytes unpacked before the ratio counts
	maxErrors    = 100      // a hostile archive can be wrong a million times
)

// Config bounds what one input may unpack to. Zero values are the defaults.
type Config struct {
	Depth   int    // layers, compression and archives alike
	Total   int64  // bytes unpacked, over all layers and members
	Ratio   int64  // bytes unpacked for one byte read
	Spool   int64  // bytes of a temporary file
	TempDir string // of temporary files; "" is the system's
	// OnEntry is told of every stream before its first batch, and of every
	// member that has no content (a folder, a link). An error ends Expand.
	OnEntry func(Entry) error
}

// Input is one stream to expand.
type Input struct {
	Reader io.Reader
	// At and Size give random access to the same bytes; nil: there is none.
	At   io.ReaderAt
	Size int64
	// Entry describes the stream from outside: Origin and Stream have to be set.
	Entry Entry
}

// Entry describes a stream, as whoever writes it back needs it.
type Entry = record.Entry

// Layer is one thing that was undone to get at a stream.
type Layer = record.Layer

// Expand emits the text of in, or of everything in it. It returns the error of
// emit, of OnEntry or of ctx alone; else all that could not be read, joined.
func Expand(ctx context.Context, in Input, cfg Config, emit func(record.Batch) error) error {
	x := &expander{ctx: ctx, cfg: cfg.withDefaults(), out: emit}
	defer x.pool.close()
	x.meter = meter{total: x.cfg.Total, ratio: x.cfg.Ratio}
	n := node{Entry: in.Entry, r: &counted{in.Reader, &x.meter}, at: in.At, size: in.Size}
	if err := x.content(n); err != nil && !errors.Is(err, errStop) {
		return err
	}
	if x.more > 0 {
		x.errs = append(x.errs, fmt.Errorf("read %s: %d more errors", record.Printable(in.Entry.Origin.Name), x.more))
	}
	return errors.Join(x.errs...)
}

func (c Config) withDefaults() Config {
	if c.Depth <= 0 {
		c.Depth = DefaultDepth
	}
	if c.Total <= 0 {
		c.Total = DefaultTotal
	}
	if c.Ratio <= 0 {
		c.Ratio = DefaultRatio
	}
	if c.Spool <= 0 {
		c.Spool = DefaultSpool
	}
	if c.OnEntry == nil {
		c.OnEntry = func(Entry) error { return nil }
	}
	return c
}
