package virtualkey

import (
	"fmt"
	"strings"
	"testing"

	"sluice/internal/record"
)

// accessLines is n bytes of a log without keys.
func accessLines(n int) string {
	const line = `INFO:     127.0.0.1:39176 - "POST /v1/chat/completions HTTP/1.1" 200 OK {"id":"chatcmpl-7QyqpwdfhqwajicI","task":"risk-check"}` + "\n"
	return strings.Repeat(line, n/len(line))
}

func benchmarkDetect(b *testing.B, d *Detector, text string) {
	in := batch(text)
	var dst []record.Match
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		dst = d.Detect(dst[:0], in)
	}
}

func BenchmarkDetect(b *testing.B) {
	const size = 1 << 20
	for _, n := range []int{10, 100_000} {
		keys, last := many(n)
		hiding, _ := many(n)
		hiding.hide("sk-hidden-name")
		masked := "sk-..." + last[21:] + " " + last[:3] + strings.Repeat("x", 22) + " "
		for _, c := range []struct{ name, text string }{
			{"clean", accessLines(size)},
			{"unknown key in each KiB", strings.Repeat(accessLines(1000)+"key=sk-"+strings.Repeat("ab1", 16)+"\n", size/1000)},
			{"live key in each KiB", strings.Repeat(accessLines(1000)+"key="+last+"\n", size/1000)},
			{"prefixes", strings.Repeat("sk-", size/3)},
			{"prefixes and live suffixes", strings.Repeat("sk-"+last[21:], size/7)},
			{"masks", strings.Repeat(masked, size/len(masked))},
			{"one run", "sk-" + strings.Repeat("a", size)},
			{"cut keys", strings.Repeat("sk-mxf5vupvaQ0sFsvRt... ", size/24)},
			{"hex", strings.Repeat("0123456789abcdef", size/16)},
		} {
			b.Run(fmt.Sprintf("%s/keys=%d", c.name, n), func(b *testing.B) { benchmarkDetect(b, newDetector(b, keys), c.text) })
			b.Run(fmt.Sprintf("%s/keys=%d/hiding", c.name, n), func(b *testing.B) { benchmarkDetect(b, newDetector(b, hiding), c.text) })
		}
	}
}

func BenchmarkNew(b *testing.B) {
	keys, _ := many(100_000)
	b.ReportAllocs()
	for b.Loop() {
		newDetector(b, keys)
	}
}
