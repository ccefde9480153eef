package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/pflag"
)

// logFlags say what Sluice tells of itself, on standard error.
type logFlags struct{ level, format string }

func (f *logFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.level, "log-level", "warn", "what to tell of the run itself: debug, info, warn or error")
	flags.StringVar(&f.format, "log-format", "text", "text or json")
}

// open makes the logger. No value of a log that is read ever reaches it.
func (f *logFlags) open(a *app) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.level)); err != nil {
		return usageError(fmt.Errorf("--log-level %q: want debug, info, warn or error", f.level), "")
	}
	o := &slog.HandlerOptions{Level: level}
	switch f.format {
	case "text":
		a.log = slog.New(slog.NewTextHandler(a.stderr, o))
	case "json":
		a.log = slog.New(slog.NewJSONHandler(a.stderr, o))
	default:
		return usageError(fmt.Errorf("--log-format %q: want text or json", f.format), "")
	}
	return nil
}

// defaultLevel opens the log at another level than usual, unless the user chose one.
func defaultLevel(flags *pflag.FlagSet, a *app, level string) error {
	if flags.Changed("log-level") {
		return nil
	}
	format, err := flags.GetString("log-format")
	if err != nil {
		return err
	}
	return (&logFlags{level: level, format: format}).open(a)
}
