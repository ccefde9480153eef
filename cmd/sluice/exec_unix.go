//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/sinks/clean"
	"sluice/sources/child"
)

// execGrace is how long output may still come once the child has ended: its own
// children may hold the pipes open for ever.
const execGrace = 10 * time.Second

// The codes that shells use for commands that could not be started.
const (
	exitNotFound  = 127
	exitNotToRun  = 126
	exitBySignals = 128
)

func newExecCommand(a *app) *cobra.Command {
	var f passFlags
	var listen string
	cmd := &cobra.Command{
		Use:   "exec [FLAGS] -- CMD [ARG...]",
		Short: "Run the gateway, its output redacted before anyone stores it",
		Long: "Runs CMD as a child; both its output streams pass redaction before Docker or anyone stores them. Signals are\n" +
			"forwarded, and the exit code is the child's. The child is never made to wait: what Sluice can't keep up with\n" +
			"is withheld, and a line with the number of lines stands in its place.",
		Args: oneArgument("command", "sluice exec -- CMD [ARG...]", math.MaxInt),
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := f.prepareExec(a)
			if err != nil {
				return err
			}
			return e.run(cmd.Context(), a, listen, args)
		},
	}
	cmd.Flags().SetInterspersed(false)
	f.detect.register(cmd.Flags())
	f.gateway.register(cmd.Flags())
	f.out.register(cmd.Flags(), "")
	registerListen(cmd.Flags(), &listen, "")
	cmd.Flags().IntVar(&f.jobs, "jobs", 0, "workers; 0: one a core")
	return cmd
}

// execution is a child and what becomes of its output. Nothing of it outlives
// the child: there are no positions to keep.
type execution struct{ *following }

// prepareExec makes all but the child. Live keys come later: the gateway that
// has them is the child.
func (f *passFlags) prepareExec(a *app) (*execution, error) {
	nothing, err := openState("", a.log)
	if err != nil {
		return nil, err
	}
	a.buffers = 2 * child.MostBuffered
	w, err := newFollowing(a, f, nothing)
	if err != nil {
		return nil, err
	}
	if err := w.passOn(a, f, byStream{clean.New(a.stdout), clean.New(a.stderr)}); err != nil {
		return nil, err
	}
	w.reload = nil // all signals are the child's
	return &execution{w}, nil
}

// byStream gives each stream of the child its own place.
type byStream struct{ stdout, stderr *clean.Sink }

func (s byStream) Write(ctx context.Context, ds []record.Delivery) error {
	for i := range ds {
		to := s.stdout
		if ds[i].Origin.Stream == "stderr" {
			to = s.stderr
		}
		if err := to.Write(ctx, ds[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (s byStream) Close(ctx context.Context) error {
	return errors.Join(s.stdout.Close(ctx), s.stderr.Close(ctx))
}

// run runs the child and the pipeline to their ends.
func (e *execution) run(ctx context.Context, a *app, listen string, args []string) error {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // signals are the child's
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer stop()
	if err := e.start(ctx, &helpers, listen); err != nil {
		return err
	}
	c, err := startChild(args)
	if err != nil {
		return err
	}
	piped := make(chan error, 1)
	cfg := e.config(ctx, c, filepath.Base(args[0]))
	readBeside(a)
	go func() { piped <- pipeline.Run(ctx, ctx, cfg) }()
	code := c.wait()
	c.closeAfter(execGrace)
	if err := <-piped; err != nil {
		a.log.Error("pass the child's output on", "err", err)
	}
	c.grace.Stop()
	if n := e.stats.Withheld.Load(); n > 0 {
		a.log.Warn("records were withheld", "records", n)
	}
	return &exitError{code: code}
}

func (e *execution) config(ctx context.Context, c *running, name string) pipeline.Config {
	for stream, r := range map[string]*os.File{"stdout": c.stdout, "stderr": c.stderr} {
		e.sources = append(e.sources, child.New(child.Config{Input: r, Origin: record.Origin{Kind: child.Kind, Name: name, Stream: stream}}))
	}
	return e.pipeline(ctx)
}

// readBeside gives the reading of the child's output a core's worth of its own
// among those that examine it: these leave none free for as long as a flood lasts,
// and the child would wait for each turn. GOMAXPROCS, if it is set, is the user's
// choice.
func readBeside(a *app) {
	if a.env("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}

// running is a child whose output comes through pipes of ours.
type running struct {
	process        *os.Process
	stdout, stderr *os.File
	signals        chan os.Signal
	grace          *time.Timer
}

func startChild(args []string) (*running, error) {
	path, err := exec.LookPath(args[0])
	if err != nil {
		return nil, &exitError{code: exitNotFound, err: err}
	}
	c := &running{signals: make(chan os.Signal, 16)}
	var outW, errW *os.File
	if c.stdout, outW, err = os.Pipe(); err == nil {
		c.stderr, errW, err = os.Pipe()
	}
	if err != nil {
		return nil, fmt.Errorf("make pipes: %w", err)
	}
	widen(c.stdout)
	widen(c.stderr)
	signal.Notify(c.signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH)
	c.process, err = os.StartProcess(path, args, &os.ProcAttr{Files: []*os.File{os.Stdin, outW, errW}})
	err = errors.Join(err, outW.Close(), errW.Close())
	if err != nil {
		signal.Stop(c.signals)
		return nil, &exitError{code: exitNotToRun, err: fmt.Errorf("start %s: %w", args[0], err)}
	}
	return c, nil
}

// wait forwards signals and reaps whoever ends, the child's orphans too: in a
// container this process is the first. It returns the child's exit code.
func (c *running) wait() int {
	ended := make(chan unix.WaitStatus, 1)
	go func() {
		for {
			var status unix.WaitStatus
			pid, err := unix.Wait4(-1, &status, 0, nil)
			switch {
			case errors.Is(err, unix.EINTR):
			case err != nil:
				return // no child is left
			case pid == c.process.Pid && (status.Exited() || status.Signaled()):
				ended <- status
			}
		}
	}()
	for {
		select {
		case s := <-c.signals:
			_ = c.process.Signal(s) // it may have ended just now
		case status := <-ended:
			signal.Stop(c.signals)
			if status.Signaled() {
				return exitBySignals + int(status.Signal())
			}
			return status.ExitStatus()
		}
	}
}

// closeAfter ends reading once the grace period is over.
func (c *running) closeAfter(d time.Duration) {
	c.grace = time.AfterFunc(d, func() {
		_ = c.stdout.Close()
		_ = c.stderr.Close()
	})
}
