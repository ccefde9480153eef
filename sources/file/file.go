// Package file reads files, folders and globs, once from start to end, or follows
// them.
//
// The promise: every file that the paths name is read up to the size it had
// when it was opened, in the order given, folders and globs in lexical order;
// what is compressed or an archive is unpacked as sources/archive says. What
// cannot be read (a path that is not there, a glob without match, no
// permission, a file that got shorter) is an error with its path, and the
// others are still read.
//
// Following (Config.Follow), a path is one log whatever rotation does beneath it:
// renaming, compressing, deleting, copying and emptying, a link that is turned.
// Every byte that is still in a file is emitted once and in order, over restarts
// too where marks and State are kept; what is not there any more is a Gap. Files
// are looked at, from 5 ms apart while they grow to 250 ms while they are quiet:
// no notification of a file system is needed. Where there are some (inotify), a
// quiet log is read as soon as it grows, a new file as soon as it is there, and a
// log whose file system has proved to tell is looked at once a second. Generations are known by their first
// KiB and by the bytes before a position, not by name or number.
//
// The limits: a file that a second path names again is read once. Links are
// followed where the user names them, as a path or as the match of a glob
// without "**"; in a folder they are passed over, since what they lead to is in
// the folder or none of its business. Devices and pipes are read where they are
// named and passed over in a folder. Following, a line without its end is held
// until that comes or the log is rotated; a file that is emptied before it was
// read, or made and deleted between two looks, is gone; of two generations that
// begin with the same KiB, or that are shorter and begin alike, one may be taken
// for the other where neither was open. A rotated generation is known by its
// name: the log's with a number or a date. What a writer appends to a generation
// later than 100 ms after it wrote to the next one is read, behind that.
package file

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"sluice/internal/record"
	"sluice/sources/archive"
)

// Kind is the Origin.Kind of a file; a member of an archive has archive.Kind.
const Kind = "file"

// Config says what to read.
type Config struct {
	// Paths are files, folders and globs: *, ?, [a-z] within a name, ** for any
	// number of folders. A path that exists is taken as it is written.
	Paths []string
	// Except is the absolute path of a folder that one pass does not enter where
	// it lies in a folder of Paths: its own output.
	Except string
	// Jobs is how many files are read at a time; 0 is one. Archive.OnEntry is
	// then called from as many goroutines.
	Jobs    int
	Archive archive.Config
	Log     *slog.Logger // told of what is passed over; nil: nobody

	// Follow reads until the context ends. The fields of Following then count.
	Follow bool
	Following
}

// Source reads its paths once, or follows them. It is used for one Run.
type Source struct {
	cfg         Config
	follower    *follower // nil: one pass
	done, total atomic.Int64
	skipped     atomic.Int64
	current     atomic.Pointer[string]
}

// New makes a source; nothing is opened before Run.
func New(cfg Config) *Source {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Jobs = max(1, cfg.Jobs)
	s := &Source{cfg: cfg}
	if cfg.Follow {
		s.follower = newFollower(cfg)
	}
	return s
}

// Run reads everything and emits it, each file as a stream of its own. It
// returns what could not be read, joined in the order of the paths; or the error
// of ctx or emit alone.
//
// Following, it returns only the error of ctx or emit, or what is wrong with a
// path of the user: no pattern, a socket.
func (s *Source) Run(ctx context.Context, emit func(record.Batch) error) error {
	if s.follower != nil {
		return s.follower.run(ctx, emit)
	}
	f := finder{ctx: ctx, log: s.cfg.Log, except: s.cfg.Except}
	defer f.close()
	for _, path := range s.cfg.Paths {
		f.find(path)
	}
	s.total.Store(f.size)
	s.skipped.Store(f.skipped)
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.readAll(ctx, &f, emit)
}

// Commit takes note of what is delivered: State then knows what is of no use any
// more. It stores nothing; whoever stores marks gives them back in Config.Marks.
func (s *Source) Commit(_ context.Context, at record.Mark) error {
	if s.follower != nil {
		s.follower.commit(at)
	}
	return nil
}

// Progress is how many bytes of how many were read (of files as they are,
// before unpacking), and the file that was opened last. It may be called while
// Run runs; total is 0 until everything is found.
func (s *Source) Progress() (done, total int64, current string) {
	if p := s.current.Load(); p != nil {
		current = *p
	}
	return s.done.Load(), s.total.Load(), current
}

// Skipped is how many devices, pipes, sockets and links in folders were passed
// over.
func (s *Source) Skipped() int64 { return s.skipped.Load() }

// failure is an error of the nth thing named or found.
type failure struct {
	nth int
	err error
}

// readAll reads what was found with cfg.Jobs goroutines and waits for them.
func (s *Source) readAll(parent context.Context, f *finder, emit func(record.Batch) error) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	var mu sync.Mutex
	failures := f.failures // guarded by mu
	next := make(chan int) // sent and closed here
	var workers sync.WaitGroup
	for range min(s.cfg.Jobs, max(1, len(f.targets))) {
		workers.Go(func() {
			for i := range next {
				err, fatal := s.read(ctx, f.targets[i], emit)
				if fatal != nil {
					cancel(fatal)
					return
				}
				if err != nil {
					mu.Lock()
					failures = append(failures, failure{f.targets[i].nth, err})
					mu.Unlock()
				}
			}
		})
	}
feed:
	for i := range f.targets {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	workers.Wait()
	if ctx.Err() != nil {
		return ended(parent, ctx)
	}
	slices.SortStableFunc(failures, func(a, b failure) int { return cmp.Compare(a.nth, b.nth) })
	errs := make([]error, len(failures))
	for i, f := range failures {
		errs[i] = f.err
	}
	return errors.Join(errs...)
}

// ended is why ctx ended: its parent, or what a reader met.
func ended(parent, ctx context.Context) error {
	if err := parent.Err(); err != nil {
		return err
	}
	return context.Cause(ctx)
}
