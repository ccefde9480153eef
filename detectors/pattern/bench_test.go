//go:build unix

package pattern

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice/internal/record"
	"sluice/internal/view"
	"sluice/rules"
)

const batchBytes = 256 << 10 // what a source under load emits

// gatewayLog is about n bytes of what an LLM gateway prints: access lines,
// request dicts with hashes of keys and ids, prompts that speak of keys.
func gatewayLog(n int) string {
	r := rand.New(rand.NewPCG(1, 2))
	hexes := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "0123456789abcdef"[r.IntN(16)]
		}
		return string(b)
	}
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		stamp := fmt.Sprintf("2026-01-21 09:%02d:%02d,%03d", i/60%60, i%60, i%1000)
		switch i % 4 {
		case 0:
			fmt.Fprintf(&b, "INFO:     10.0.%d.%d:%d - \"POST /v1/chat/completions HTTP/1.1\" 200 OK\n", i%255, i%250, 30000+i%9999)
		case 1:
			fmt.Fprintf(&b, "%s - LiteLLM Proxy:DEBUG: proxy_server.py:%d - {'user_api_key_hash': '%s', 'user_api_key_alias': 'team-a-ci', 'litellm_call_id': '%s-%s', 'model': 'gpt-4o-mini', 'max_tokens': %d}\n", stamp, i%5000, hexes(64), hexes(8), hexes(4), i%4096)
		case 2:
			fmt.Fprintf(&b, "{\"message\": \"request %d done\", \"level\": \"INFO\", \"timestamp\": \"%s\", \"metadata\": {\"model_id\": \"%s\", \"total_tokens\": %d, \"api_base\": \"https://api.openai.com/v1\", \"response_id\": \"chatcmpl-%s\"}}\n", i, stamp, hexes(64), i%9000, hexes(24))
		case 3:
			fmt.Fprintf(&b, "%s - LiteLLM:DEBUG: utils.py:%d - RAW RESPONSE: {'content': 'To rotate an api key, open the settings page, choose the token and set a new password; never print the secret in a log, and keep access to it small.', 'usage': %d}\n", stamp, i%800, i%500)
		}
	}
	return b.String()
}

// corpora are texts by name: a made one, the real logs where they are, and the
// log that SLUICE_BENCH_LOG names.
func corpora(tb testing.TB) map[string]string {
	tb.Helper()
	all := map[string]string{"made": gatewayLog(8 << 20)}
	if name := os.Getenv("SLUICE_BENCH_LOG"); name != "" {
		text, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		all["given"] = string(text)
	}
	if root := os.Getenv("SLUICE_SHARED"); root != "" {
		for _, name := range []string{"v1.81.0.debug.stderr.log", "v1.106.2.debug.stdout.log"} {
			text, err := os.ReadFile(filepath.Join(root, "logs", name))
			if err != nil {
				tb.Fatal(err)
			}
			all[strings.TrimSuffix(name, ".log")] = string(text)
		}
	}
	return all
}

func batches(text string) []*record.Batch {
	var list []*record.Batch
	for _, piece := range pieces(text, batchBytes) {
		list = append(list, batchOf([]byte(piece), 0))
	}
	return list
}

func detectors(tb testing.TB) map[string]*Detector {
	tb.Helper()
	set, err := rules.Default()
	if err != nil {
		tb.Fatal(err)
	}
	d, err := New(set, Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return map[string]*Detector{"gitleaks": gitleaksDetector(tb, Options{}), "default": d}
}

func detectAll(d *Detector, dst []record.Match, list []*record.Batch) []record.Match {
	for _, b := range list {
		dst = d.Detect(dst, b)
	}
	return dst
}

// cpuTime is what the process has used: a busy machine does not change it much.
func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// loop runs f, which reads n bytes, and reports megabytes a second of CPU.
func loop(b *testing.B, n int, f func()) {
	b.SetBytes(int64(n))
	b.ReportAllocs()
	f()
	times := 0
	begin := cpuTime(b)
	for b.Loop() {
		f()
		times++
	}
	b.ReportMetric(float64(n)*float64(times)/1e6/(cpuTime(b)-begin).Seconds(), "MB/cpu-s")
}

func BenchmarkDetect(b *testing.B) {
	for rules, d := range detectors(b) {
		for name, text := range corpora(b) {
			list := batches(text)
			b.Run(rules+"/"+name, func(b *testing.B) {
				var found []record.Match
				loop(b, len(text), func() { found = detectAll(d, found[:0], list) })
				b.ReportMetric(float64(len(found)), "findings")
			})
		}
	}
}

// BenchmarkViews is text and views together, without and with undoing them.
func BenchmarkViews(b *testing.B) {
	d := detectors(b)["default"]
	for name, text := range corpora(b) {
		list := batches(text)
		expand := func() (bytes int) {
			for _, batch := range list {
				batch.Views = batch.Views[:0]
				view.Expand(batch)
				for i := range batch.Views {
					bytes += len(batch.Views[i].Text)
				}
			}
			return bytes
		}
		b.Run("expand/"+name, func(b *testing.B) {
			loop(b, len(text), func() { expand() })
		})
		share := float64(expand()) / float64(len(text))
		b.Run("detect/"+name, func(b *testing.B) {
			var found []record.Match
			loop(b, len(text), func() { found = detectAll(d, found[:0], list) })
			b.ReportMetric(share, "viewbytes/byte")
		})
	}
}

// BenchmarkAgainstGitleaks runs gitleaks' engine with its rules and ours on the
// same bytes and says how many times less CPU ours takes: with gitleaks' rules,
// and with the default ones.
func BenchmarkAgainstGitleaks(b *testing.B) {
	ours := detectors(b)
	for name, text := range corpora(b) {
		part := text[:min(len(text), 2<<20)]
		list := batches(part)
		for _, d := range ours {
			detectAll(d, nil, list) // a running sidecar's caches are warm
		}
		b.Run(name, func(b *testing.B) {
			var theirs, same, all time.Duration
			for b.Loop() {
				t0 := cpuTime(b)
				for _, batch := range list {
					oracle().DetectString(string(batch.Text))
				}
				t1 := cpuTime(b)
				detectAll(ours["gitleaks"], nil, list)
				t2 := cpuTime(b)
				detectAll(ours["default"], nil, list)
				theirs, same, all = theirs+t1-t0, same+t2-t1, all+cpuTime(b)-t2
			}
			b.ReportMetric(theirs.Seconds()/same.Seconds(), "times-same-rules")
			b.ReportMetric(theirs.Seconds()/all.Seconds(), "times-default-rules")
			b.ReportMetric(float64(len(part)*b.N)/1e6/theirs.Seconds(), "gitleaks-MB/cpu-s")
		})
	}
}

// BenchmarkSidecar is the engine's share of one core while a gateway logs 10,000
// lines a second, by how many lines a read brings: each batch has a lead of 4 KiB
// that is searched again.
func BenchmarkSidecar(b *testing.B) {
	const linesPerSecond, lead = 10000, 4 << 10
	d := detectors(b)["default"]
	text := []byte(gatewayLog(1 << 20))
	for _, atOnce := range []int{1, 10, 100} {
		var list []*record.Batch
		lines := 0
		for from, end := 0, 0; end < len(text); from = end {
			for range atOnce {
				if i := bytes.IndexByte(text[end:], '\n'); i >= 0 {
					end += i + 1
					lines++
				} else {
					end = len(text)
				}
			}
			start := max(0, from-lead)
			list = append(list, batchOf(text[start:end], from-start))
		}
		b.Run(fmt.Sprintf("%d-lines-a-read", atOnce), func(b *testing.B) {
			var found []record.Match
			begin := cpuTime(b)
			for b.Loop() {
				for _, batch := range list {
					batch.Views = batch.Views[:0]
					view.Expand(batch)
				}
				found = detectAll(d, found[:0], list)
			}
			line := (cpuTime(b) - begin).Seconds() / float64(b.N*lines)
			b.ReportMetric(100*line*linesPerSecond, "%-of-a-core")
		})
	}
}

// BenchmarkHostile compares the cost of a byte of hostile text, its views and the
// search of them included, with that of a byte of ordinary log, and of one whose lines
// are known but for ids and numbers: the given one, or the made one, of which a byte
// costs half as much.
func BenchmarkHostile(b *testing.B) {
	d, searching := detectors(b)["default"], detectors(b)["default"]
	searching.kinds.list = make(map[string]*templates)
	for n := range mostKinds { // so that it has templates of no stream
		searching.kinds.list[strconv.Itoa(n)] = nil
	}
	examine := func(d *Detector, list []*record.Batch) {
		for _, batch := range list {
			_, free := view.Lend(batch)
			d.Detect(nil, batch)
			batch.Views = nil
			free()
		}
	}
	cost := func(d *Detector, list []*record.Batch, bytes int) float64 {
		best := 0.0
		for range 5 {
			begin := cpuTime(b)
			examine(d, list)
			if s := (cpuTime(b) - begin).Seconds() / float64(bytes); best == 0 || s < best {
				best = s
			}
		}
		return best
	}
	all := corpora(b)
	ordinary := all["made"]
	if given := all["given"]; given != "" {
		ordinary = given[:min(len(given), 8<<20)]
	}
	base, known := cost(searching, batches(ordinary), len(ordinary)), cost(d, batches(ordinary), len(ordinary))
	texts := hostile(b, 1<<20)
	maps.Copy(texts, nested(1<<20))
	for name, text := range texts {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			list := []*record.Batch{batchOf([]byte(text), 0)}
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				examine(d, list)
			}
			c := cost(d, list, len(text))
			b.ReportMetric(c/base, "times-ordinary")
			b.ReportMetric(c/known, "times-known")
		})
	}
}

// nested are texts of about n bytes in encodings within encodings.
func nested(n int) map[string]string {
	text := gatewayLog(n)[:n]
	again := func(times int, encode func(string) string) string {
		out := text
		for range times {
			out = encode(out)
		}
		return out[:n]
	}
	quoted := func(s string) string { return strings.Trim(strconv.Quote(s), `"`) }
	in64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	return map[string]string{
		"json in json in json": again(3, quoted), "percent in percent": again(3, url.QueryEscape),
		"base64 in base64 in base64": again(3, in64), "hex in hex": again(2, func(s string) string { return hex.EncodeToString([]byte(s)) }),
		"base64 in percent in json": again(1, func(s string) string { return quoted(url.QueryEscape(in64(s))) }),
		"u0025":                     strings.Repeat(`\\\\u0025`, n/9), "colours": strings.Repeat("\x1b[1mkey\x1b[0m=", n/12),
	}
}

// BenchmarkStart is from rules in memory to the answer on a first line.
func BenchmarkStart(b *testing.B) {
	line := batchOf([]byte("INFO: token='Zx9mQ2vR7tYpLk3WsDf8'\n"), 0)
	b.Run("rules", func(b *testing.B) {
		for b.Loop() {
			if _, err := rules.Default(); err != nil {
				b.Fatal(err)
			}
		}
	})
	set, err := rules.Default()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			if _, err := New(set, Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("first-line", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			d, err := New(set, Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			if len(d.Detect(nil, line)) == 0 {
				b.Fatal("nothing found")
			}
		}
	})
}
