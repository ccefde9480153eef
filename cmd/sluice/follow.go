package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sluice/sinks/clean"
	"sluice/sources"
)

// copyFlags are those of redact --follow, a redacted copy of live logs.
type copyFlags struct {
	stateDir string
	backlog  string
}

func (f *copyFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.stateDir, "state-dir", "", "with --follow: `DIR` of ours alone that keeps positions and the key of the prints")
	fromEnv(flags, "state-dir", "SLUICE_STATE_DIR")
	flags.StringVar(&f.backlog, "backlog", "all", "with --follow: what a first start copies of what is there: all, none, or since=`TIME`")
	if follow := flags.Lookup("follow"); follow != nil {
		follow.Usage = "go on for ever, through rotation; with --state-dir also after a restart, and with -o FILE as well every line once"
	}
}

// checkUse refuses flags that nothing would heed. The environment and the
// configuration file, which serve all commands, may have them all the same.
func (f *copyFlags) checkUse(flags *pflag.FlagSet, topics *kafkaFlags) error {
	for _, name := range []string{"state-dir", "backlog", "listen", "max-lag"} {
		switch own := name == "state-dir" || name == "backlog"; {
		case !typed(flags, name):
		case !topics.follow:
			return usageError(fmt.Errorf("--%s has a meaning with --follow only", name), "add --follow, or leave it out")
		case own && topics.to != "":
			return usageError(fmt.Errorf("--%s has no meaning with --to", name), "a topic's place is kept by its group: kafka://…?group=NAME")
		}
	}
	return nil
}

// check finds wrong use before anything is opened.
func (f *copyFlags) check(p *passFlags, output string) error {
	switch {
	case p.since != "" || p.until != "":
		return usageError(errors.New("--since and --until bound one pass"), "with --follow: --backlog since=TIME")
	case output != "" && isFolder(output):
		return usageError(errors.New("--follow writes one copy, and -o names a folder"), "name a file: -o FILE")
	case p.detect.writeBaseline != "":
		return usageError(errors.New("--write-baseline: --follow has no end to write it at"), "make one with sluice scan")
	}
	return nil
}

// follow copies logs until it is told to stop.
func (f *copyFlags) follow(ctx context.Context, a *app, p *passFlags, args []string, output string) error {
	if err := f.check(p, output); err != nil {
		return err
	}
	backlog, err := sources.ParseBacklog(f.backlog, func(text string) (time.Time, error) { return parseTime(text, time.Now()) })
	if err != nil {
		return usageError(fmt.Errorf("--backlog: %w", err), "")
	}
	s, err := openState(f.stateDir, a.log)
	if err != nil {
		return err
	}
	if f.stateDir == "" {
		a.log.Warn("without --state-dir a restart copies everything again")
	}
	if output == "" {
		err = f.toStdout(ctx, a, p, s, args, backlog)
	} else {
		err = f.toFile(ctx, a, p, s, args, backlog, output)
	}
	if closed := s.close(); err == nil && closed != nil {
		err = incompleteError(closed, "")
	}
	return err
}

// toStdout passes clean bytes on; after a crash what was passed on since the
// last save comes again.
func (f *copyFlags) toStdout(ctx context.Context, a *app, p *passFlags, s *state, args []string, backlog sources.Backlog) error {
	w, err := newFollowing(a, p, s)
	if err != nil {
		return err
	}
	if err := w.passOn(a, p, clean.New(a.stdout)); err != nil {
		return err
	}
	if err := w.addSources(args, w.sourceOptions(ctx, a, p, backlog), s.track); err != nil {
		return err
	}
	return w.follow(ctx, p.kafka.listen, true)
}

// toFile writes a copy that has every line once, whatever ends the process.
func (f *copyFlags) toFile(ctx context.Context, a *app, p *passFlags, s *state, args []string, backlog sources.Backlog, output string) error {
	out, err := openCopy(output, copyMode(args), s, a.log)
	if err != nil {
		return err
	}
	defer out.close()
	w, err := newFollowing(a, p, s)
	if err != nil {
		return err
	}
	if err := w.passOn(a, p, out); err != nil {
		return err
	}
	o := w.sourceOptions(ctx, a, p, backlog)
	o.Never = out.is
	if err := w.addSources(args, o, out.track); err != nil {
		return err
	}
	w.ready = append(w.ready, out.unready)
	ending, stop := context.WithCancel(context.WithoutCancel(ctx))
	saved := make(chan struct{})
	go func() {
		defer close(saved)
		out.run(ending)
	}()
	err = w.follow(ctx, p.kafka.listen, true)
	stop()
	<-saved
	if failed := out.save(); err == nil && failed != nil {
		err = incompleteError(failed, "")
	}
	return err
}

// sameFile is a function that knows one file.
func sameFile(f *os.File) (func(fs.FileInfo) bool, error) {
	own, err := f.Stat()
	return func(info fs.FileInfo) bool { return os.SameFile(own, info) }, err
}

// copyMode is the most that a new copy of sources may permit: whoever may not read
// one of them may not read its copy. The owner writes it in any case.
func copyMode(args []string) fs.FileMode {
	mode := fs.FileMode(0o666)
	for _, arg := range args {
		if base, _, deep := strings.Cut(arg, "**"); deep {
			arg = filepath.Dir(base + "x")
		}
		paths, err := filepath.Glob(arg)
		if _, there := os.Lstat(arg); err != nil || there == nil {
			paths = []string{arg} // its own name, whatever is in it
		}
		for _, path := range paths {
			// What cannot be looked at is the source's to tell.
			_ = filepath.WalkDir(path, func(path string, _ fs.DirEntry, err error) error {
				if err != nil {
					return nil
				}
				if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
					mode &= info.Mode().Perm() | 0o600
				}
				return nil
			})
		}
	}
	return mode
}
