package main

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// app is what a command gets from the process it runs in, so that nothing
// below reads os.Args, os.Environ or the standard streams by itself.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) string
	lookupEnv      func(string) (string, bool)
	stdinTerminal  bool
	stdoutTerminal bool
	stderrTerminal bool
	log            *slog.Logger
	buffers        int64 // bytes that are meant to be full at times, beside memoryBase
	alone          bool  // the process does nothing else: its heap is that of one command
}

// process is the real one. Libraries that log by themselves are silenced: what
// net/http says of an answer that nobody asked for quotes it, keys and all.
func process() *app {
	log.SetOutput(io.Discard)
	return &app{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		env: os.Getenv, lookupEnv: os.LookupEnv,
		stdinTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		stdoutTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		stderrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		log:            slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
}

// The exit codes of DESIGN section 3.
const (
	exitClean      = 0
	exitFound      = 1
	exitUsage      = 2
	exitIncomplete = 3
	exitInterrupt  = 130
)

// exitError is an error that decides the exit code. An err of nil ends with
// the code and prints nothing.
type exitError struct {
	code int
	err  error
	hint string // what to do, printed on a line of its own
}

func (e *exitError) Error() string {
	if e.err == nil {
		return "exit"
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usageError is wrong use or configuration: exit code 2.
func usageError(err error, hint string) error {
	return &exitError{code: exitUsage, err: err, hint: hint}
}

// incompleteError is a job that could not be finished: exit code 3.
func incompleteError(err error, hint string) error {
	return &exitError{code: exitIncomplete, err: err, hint: hint}
}

// withSignals ends the context at SIGINT or SIGTERM and says which it was.
func withSignals(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case s := <-signals:
			cancel(signalError{s})
			signal.Stop(signals) // a second one ends the process at once
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(context.Canceled)
		<-done
		signal.Stop(signals)
	}
}

// signalError is the cause of a context that a signal ended.
type signalError struct{ os.Signal }

func (e signalError) Error() string { return "stopped by " + e.String() }

// interrupted says whether a signal ended ctx.
func interrupted(ctx context.Context) bool {
	var s signalError
	return errors.As(context.Cause(ctx), &s)
}
