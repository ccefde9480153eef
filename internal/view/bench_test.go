package view_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/record"
	"sluice/internal/view"
)

// batchSize is what a source emits at most under load, in bytes.
const batchSize = 256 << 10

// batches cuts text at line ends, as a source does.
func batches(text []byte) [][]byte {
	var out [][]byte
	for len(text) > 0 {
		n := min(batchSize, len(text))
		if i := bytes.LastIndexByte(text[:n], '\n'); i >= 0 && n < len(text) {
			n = i + 1
		}
		out = append(out, text[:n])
		text = text[n:]
	}
	return out
}

// sharedLogs reads the logs that the environment offers.
func sharedLogs(tb testing.TB) map[string][]byte {
	dir := os.Getenv("SLUICE_SHARED")
	if dir == "" {
		tb.Skip("SLUICE_SHARED is not set: no logs to read")
	}
	paths, err := filepath.Glob(filepath.Join(dir, "logs", "*.log"))
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no logs under SLUICE_SHARED: %v", err)
	}
	logs := map[string][]byte{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		logs[filepath.Base(path)] = text
	}
	return logs
}

func benchmarkExpand(b *testing.B, text []byte) {
	parts := batches(text)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var made int
	for b.Loop() {
		made = 0
		for _, part := range parts {
			batch := record.Batch{Text: part}
			view.Expand(&batch)
			for i := range batch.Views {
				made += len(batch.Views[i].Text)
			}
		}
	}
	b.ReportMetric(float64(made)/float64(len(text)), "viewed/byte")
}

func BenchmarkExpandLogs(b *testing.B) {
	for name, text := range sharedLogs(b) {
		b.Run(name, func(b *testing.B) { benchmarkExpand(b, text) })
	}
}

func BenchmarkExpandPlain(b *testing.B) {
	line := `INFO:     127.0.0.1:39176 - "GET /v1/models HTTP/1.1" 200 OK, 17 models in 4 ms` + "\n"
	benchmarkExpand(b, []byte(strings.Repeat(line, 1<<14)))
}

// logSize is how much of a log is used, in bytes: a scan too has what it works on in
// its caches.
const logSize = 4 << 20

// BenchmarkLend makes the views of a log that is given, as a scan makes them.
func BenchmarkLend(b *testing.B) {
	path := os.Getenv("SLUICE_BENCH_LOG")
	if path == "" {
		b.Skip("SLUICE_BENCH_LOG is not set: no log to read")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	var parts []record.Batch
	for _, part := range batches(text[:min(len(text), logSize)]) {
		batch := record.Batch{Text: part}
		for at := 0; at < len(part); at = batch.Records[len(batch.Records)-1].End {
			end := len(part)
			if i := bytes.IndexByte(part[at:], '\n'); i >= 0 {
				end = at + i + 1
			}
			batch.Records = append(batch.Records, record.Record{Span: record.Span{Start: at, End: end}})
		}
		parts = append(parts, batch)
	}
	b.SetBytes(int64(min(len(text), logSize)))
	b.ReportAllocs()
	for b.Loop() {
		for _, batch := range parts {
			_, free := view.Lend(&batch)
			free()
		}
	}
}

func BenchmarkExpandAdversarial(b *testing.B) {
	for name, unit := range hostile() {
		text := bytes.Repeat([]byte(unit), (1<<20)/len(unit))
		b.Run(name, func(b *testing.B) { benchmarkExpand(b, text) })
	}
}
