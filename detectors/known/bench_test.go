package known_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sluice/detectors/known"
	"sluice/internal/record"
	"sluice/internal/view"
)

const alnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// random is a secret of a prefix and n random characters.
func random(r *rand.Rand, prefix string, n int) string {
	b := []byte(prefix)
	for range n {
		b = append(b, alnum[r.IntN(len(alnum))])
	}
	return string(b)
}

// manyTold are n secrets of the forms that gateways have.
func manyTold(n int) (told []known.Told) {
	r := rand.New(rand.NewPCG(1, 2))
	prefixes := []string{"sk-", "sk-proj-", "gsk_", "", "hf_", "AIza"}
	for i := range n {
		v := random(r, prefixes[i%len(prefixes)], 30+i%20)
		told = append(told, known.Told{Name: fmt.Sprint("KEY_", i), Value: record.NewSecret(v)})
	}
	return told
}

// access is a log without any secret.
func access(size int) []byte {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "INFO:     127.0.0.1:%d - \"POST /v1/chat/completions?user=u-%d&trace=%08x HTTP/1.1\" 200 OK in %d ms, model claude-3-haiku-20240307, team research-%d\n", 1024+i%60000, i%977, i*2654435761, i%3000, i%17)
	}
	return []byte(b.String())
}

func benchmarkDetect(b *testing.B, d *known.Detector, parts []record.Batch, size int) {
	b.SetBytes(int64(size))
	b.ReportAllocs()
	found := 0
	for b.Loop() {
		found = 0
		for i := range parts {
			found += len(d.Detect(nil, &parts[i]))
		}
	}
	b.ReportMetric(float64(found), "found")
}

func BenchmarkDetectClean(b *testing.B) {
	text := access(4 << 20)
	for _, n := range []int{1, 100} {
		d, _ := known.New(manyTold(n))
		b.Run(fmt.Sprintf("told=%d", n), func(b *testing.B) { benchmarkDetect(b, d, batches(text), len(text)) })
	}
	short, _ := known.New([]known.Told{{Name: "PASSWORD", Value: record.NewSecret("q7Rw2-zX9")}})
	b.Run("short", func(b *testing.B) { benchmarkDetect(b, short, batches(text), len(text)) })
	for _, n := range []int{1000, 100_000} {
		d, _ := known.New(manyTold(100))
		r := rand.New(rand.NewPCG(3, 4))
		for range n {
			d.Add(known.Told{Name: "key", Value: record.NewSecret(random(r, "sk-", 22)), Gateway: true})
		}
		b.Run(fmt.Sprintf("added=%d", n), func(b *testing.B) { benchmarkDetect(b, d, batches(text), len(text)) })
	}
}

// BenchmarkDetectHostile reads what costs most: line breaks, and secrets whole,
// cut, and over breaks, one after the other.
func BenchmarkDetectHostile(b *testing.B) {
	d, _ := known.New(append(manyTold(100), told(secrets...)...))
	s := secrets[0]
	for name, unit := range map[string]string{
		"breaks": "\n", "quoted breaks": "'\n'", "indents": "\n" + strings.Repeat(" ", 60), "whole": s, "parts": s[3:20], "short parts": s[3:14],
		"split": s[:20] + "\n" + s[20:], "shredded": strings.Join(strings.Split(s, ""), "\n"), "escaped": `\u0073` + s[1:],
	} {
		text := []byte(strings.Repeat(unit, (1<<20)/len(unit)))
		parts := batches(text)
		for i := range parts {
			view.Expand(&parts[i])
		}
		b.Run(name, func(b *testing.B) { benchmarkDetect(b, d, parts, len(text)) })
	}
}

func BenchmarkDetectLogs(b *testing.B) {
	logs, truth := sharedLogs(b)
	d, _ := known.New(truth.told())
	for name, text := range logs {
		parts := batches(text)
		for i := range parts {
			view.Expand(&parts[i])
		}
		b.Run(name, func(b *testing.B) { benchmarkDetect(b, d, parts, len(text)) })
	}
}

func BenchmarkAdd(b *testing.B) {
	d, _ := known.New(nil)
	r := rand.New(rand.NewPCG(5, 6))
	b.ReportAllocs()
	for b.Loop() {
		d.Add(known.Told{Name: "key", Value: record.NewSecret(random(r, "sk-", 22)), Gateway: true})
	}
}

func BenchmarkHold(b *testing.B) {
	d, _ := known.New(manyTold(100))
	text := access(4 << 10)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		d.Hold(text)
	}
}

func BenchmarkNew(b *testing.B) {
	told := manyTold(100)
	b.ReportAllocs()
	for b.Loop() {
		known.New(told)
	}
}
