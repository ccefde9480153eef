package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/sinks/clean"
	"sluice/sources/stdin"
)

// BenchmarkRedact is the whole way of a record, from a reader to clean bytes, on
// real debug logs of LiteLLM.
func BenchmarkRedact(b *testing.B) {
	dir := os.Getenv("SLUICE_SHARED")
	if dir == "" {
		b.Skip("SLUICE_SHARED names no folder with real logs")
	}
	for _, name := range []string{"v1.81.0.debug.stderr.log", "v1.106.2.debug.stdout.log", "v1.81.0.plain.stderr.log"} {
		text, err := os.ReadFile(filepath.Join(dir, "logs", name))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			set, err := rules.Default()
			if err != nil {
				b.Fatal(err)
			}
			d, err := newDetection(detectionConfig{rules: set, master: record.NewSecret("sk-a-master-key-that-is-told-1234")})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				cfg := d.pipeline()
				cfg.Sources = []pipeline.Source{stdin.New(stdin.Config{Input: bytes.NewReader(text)})}
				cfg.Sink, cfg.Jobs, cfg.Ordered = clean.New(discard{}), 1, true
				if err := pipeline.Run(context.Background(), context.Background(), cfg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkScan is the command itself, from its arguments to its last line of
// output, over the log that SLUICE_BENCH_LOG names; one core does all of it with
// -cpu 1. A profile of it is where the time of the program goes.
func BenchmarkScan(b *testing.B) {
	name := os.Getenv("SLUICE_BENCH_LOG")
	if name == "" {
		b.Skip("SLUICE_BENCH_LOG names no log; bench/corpus makes them")
	}
	info, err := os.Stat(name)
	if err != nil {
		b.Fatal(err)
	}
	for _, command := range []string{"scan", "redact"} {
		b.Run(command, func(b *testing.B) {
			b.SetBytes(info.Size())
			b.ReportAllocs()
			for b.Loop() {
				a := process()
				a.stdout, a.stderr = discard{}, discard{}
				if code := run([]string{command, name}, a); code > exitFound {
					b.Fatal("exit code", code)
				}
			}
		})
	}
}

// BenchmarkCores scans the log that SLUICE_BENCH_LOG names with one worker up to
// one for each core; throughput should grow with them.
func BenchmarkCores(b *testing.B) {
	name := os.Getenv("SLUICE_BENCH_LOG")
	info, err := os.Stat(name)
	if err != nil {
		b.Skip("SLUICE_BENCH_LOG names no log; bench/corpus makes them")
	}
	for jobs := 1; jobs <= runtime.NumCPU(); jobs++ {
		b.Run(strconv.Itoa(jobs), func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(jobs))
			b.SetBytes(info.Size())
			for b.Loop() {
				a := process()
				a.stdout, a.stderr = discard{}, discard{}
				if code := run([]string{"scan", name, "--jobs", strconv.Itoa(jobs)}, a); code > exitFound {
					b.Fatal("exit code", code)
				}
			}
		})
	}
}

// BenchmarkStart is the command from its arguments to the clean line of a first
// byte, with all rules. Its parts have benchmarks beside them: reading the rules
// (rules, new and first-line in detectors/pattern).
func BenchmarkStart(b *testing.B) {
	for _, command := range []string{"scan", "redact"} {
		b.Run(command, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				a := process()
				a.stdin, a.stdinTerminal = strings.NewReader("INFO: token='Zx9mQ2vR7tYpLk3WsDf8'\n"), false
				a.stdout, a.stderr = discard{}, discard{}
				if code := run([]string{command, "-"}, a); code > exitFound {
					b.Fatal("exit code", code)
				}
			}
		})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
