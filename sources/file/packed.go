package file

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"time"

	"sluice/internal/record"
	"sluice/sources/archive"
)

// settled is how long a compressed file that cannot be unpacked to its end has
// to be unchanged before it is damaged and not being written.
const settled = 10 * time.Second

var (
	errArchive = errors.New("is an archive of several files, which is not followed: scan it")
	errEnough  = errors.New("enough was unpacked")
)

// packed reads a compressed generation from the offset on where it was left
// when it was not compressed yet.
type packed struct {
	cfg   archive.Config
	pull  func() (record.Batch, bool) // nil: not begun, or to be begun again
	stop  func()
	ended error // of the unpacking, once pull gives nothing more
	size  int64 // when it was begun
	time  time.Time
	done  bool
}

// unpack emits what the compressed file holds.
func unpack(ctx context.Context, f *os.File, path string, cfg archive.Config, emit func(record.Batch) error) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	cfg.OnEntry = func(e archive.Entry) error {
		if n := len(e.Layers); n > 0 && e.Layers[n-1].Member != "" {
			return errArchive
		}
		return nil
	}
	in := archive.Input{
		Reader: io.NewSectionReader(f, 0, info.Size()),
		Entry:  archive.Entry{Origin: record.Origin{Kind: Kind, Name: path}, Stream: path, Path: path},
	}
	return archive.Expand(ctx, in, cfg, emit)
}

func (p *packed) begin(ctx context.Context, g *generation) error {
	info, err := g.file.Stat()
	if err != nil {
		return err
	}
	p.size, p.time, p.ended = info.Size(), info.ModTime(), nil
	path := g.seg.chain.path
	p.pull, p.stop = iter.Pull(func(yield func(record.Batch) bool) {
		p.ended = unpack(ctx, g.file, path, p.cfg, func(b record.Batch) error {
			if !yield(b) {
				return errEnough
			}
			return nil
		})
	})
	return nil
}

func (p *packed) close() {
	if p.pull != nil {
		p.stop()
		p.pull = nil
	}
}

// next is generation.next. A file that cannot be unpacked to its end may be
// being written: it is begun again once it has changed.
func (p *packed) next(ctx context.Context, g *generation) (record.Batch, error) {
	if p.done {
		return record.Batch{}, io.EOF
	}
	if g.file == nil {
		return record.Batch{}, g.atEnd()
	}
	if p.pull == nil {
		if err := p.begin(ctx, g); err != nil {
			g.fail(err)
			return record.Batch{}, g.atEnd()
		}
	}
	for {
		b, ok := p.pull()
		if err := ctx.Err(); err != nil {
			p.close()
			return record.Batch{}, err
		}
		if ok && b.Unread == "" {
			if skipTo(&b, g.sent) {
				return b, nil
			}
			continue
		}
		if ok || p.ended != nil {
			return p.broken(g, b)
		}
		p.done = true
		p.close()
		return record.Batch{}, io.EOF
	}
}

// broken is what becomes of a file that does not unpack to its end. b has what
// came before the damage, if anything did.
func (p *packed) broken(g *generation, b record.Batch) (record.Batch, error) {
	p.close()
	info, err := g.file.Stat()
	f := g.seg.chain.f
	if err == nil && (info.Size() != p.size || f.now().Sub(info.ModTime()) < settled && f.now().After(info.ModTime().Add(-settled))) {
		return record.Batch{}, g.waitFor(f.now())
	}
	p.done = true
	reason := "what is left of it is compressed and damaged"
	if errors.Is(p.ended, errArchive) {
		reason = errArchive.Error()
	}
	g.seg.chain.gap(g.sent, reason)
	if b.Unread == "" {
		b = record.Batch{Origin: record.Origin{Kind: Kind, Name: g.seg.chain.path}, Unread: reason}
		b.End.Offset = g.sent
	} else if !skipTo(&b, g.sent) {
		b.Records, b.Text, b.Views, b.Lead = nil, nil, nil, 0
		b.End.Offset = g.sent
	}
	return b, nil
}

// waitFor lets a file that is being written alone for a while.
func (g *generation) waitFor(now time.Time) error {
	g.retry = now.Add(time.Second)
	return errLater
}

// skipTo takes what stands before off from a batch; false: nothing is left.
func skipTo(b *record.Batch, off int64) bool {
	i := 0
	for i < len(b.Records) && b.Records[i].Next <= off {
		i++
	}
	if i == len(b.Records) {
		return false
	}
	recs := b.Records[i:]
	if cut := off - recs[0].Base; cut > 0 {
		recs[0].Start += int(cut)
		recs[0].Base = off
	}
	n := recs[0].Start
	if n == 0 || len(b.Views) > 0 { // views hold records together: twice is better than half
		return true
	}
	for j := range recs {
		recs[j].Start -= n
		recs[j].End -= n
	}
	b.Text, b.Records, b.Lead = b.Text[n:], recs, 0
	return true
}

// unpackedHead is how the content of a compressed file begins. ok is false if
// that much cannot be unpacked, and nothing shorter is all of it.
func unpackedHead(ctx context.Context, f *os.File, cfg archive.Config) (first []byte, ok bool) {
	err := unpack(ctx, f, f.Name(), cfg, func(b record.Batch) error {
		if b.Unread != "" {
			return io.ErrUnexpectedEOF
		}
		if first = append(first, b.Text[b.Lead:]...); len(first) >= headLen {
			first = first[:headLen]
			return errEnough
		}
		return nil
	})
	return first, err == nil || errors.Is(err, errEnough)
}

// unpackedSize is how long the content of a compressed file is; false: it does
// not unpack to its end.
func unpackedSize(ctx context.Context, f *os.File, cfg archive.Config) (n int64, ok bool) {
	err := unpack(ctx, f, f.Name(), cfg, func(b record.Batch) error {
		n += int64(len(b.Text) - b.Lead)
		return ctx.Err()
	})
	return n, err == nil
}
