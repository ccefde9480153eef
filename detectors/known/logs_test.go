package known_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sluice/detectors/known"
	"sluice/internal/record"
	"sluice/internal/view"
)

// truth is what a folder of logs says of itself.
type truth struct {
	Secrets   map[string]string
	Tolerated []string
}

func sharedLogs(tb testing.TB) (logs map[string][]byte, t truth) {
	dir := os.Getenv("SLUICE_SHARED")
	if dir == "" {
		tb.Skip("SLUICE_SHARED is not set: no logs to read")
	}
	text, err := os.ReadFile(filepath.Join(dir, "logs", "truth.json"))
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	if err != nil {
		tb.Fatal(err)
	}
	paths, _ := filepath.Glob(filepath.Join(dir, "logs", "*.log"))
	logs = map[string][]byte{}
	for _, path := range paths {
		if logs[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			tb.Fatal(err)
		}
	}
	return logs, t
}

func (t truth) told() (told []known.Told) {
	for name, v := range t.Secrets {
		told = append(told, known.Told{Name: name, Value: record.NewSecret(v), Asked: true})
	}
	return told
}

// batches cuts a log as a source does: whole lines, 256 KiB at most.
func batches(text []byte) (out []record.Batch) {
	for len(text) > 0 {
		n := min(256<<10, len(text))
		if i := bytes.LastIndexByte(text[:n], '\n'); i >= 0 && n < len(text) {
			n = i + 1
		}
		out = append(out, record.Batch{Text: text[:n]})
		text = text[n:]
	}
	return out
}

// mark stands for what was taken out; no secret and no encoding has it.
const mark = 0xff

// blank writes mark over the spans of matches, so that positions stay.
func blank(text []byte, matches []record.Match) []byte {
	out := bytes.Clone(text)
	for _, m := range matches {
		for _, s := range m.Spans {
			for i := s.Start; i < s.End; i++ {
				out[i] = mark
			}
		}
	}
	return out
}

// TestLogs holds the detector against logs of real gateways: nothing of a
// secret is left, and nothing else is gone.
func TestLogs(t *testing.T) {
	logs, truth := sharedLogs(t)
	d, skipped := known.New(truth.told())
	if len(skipped) > 0 {
		t.Fatalf("skipped: %v", skipped)
	}
	for name, text := range logs {
		t.Run(name, func(t *testing.T) {
			var clean []byte
			kinds := map[string]int{}
			for _, b := range batches(text) {
				if over := view.Expand(&b); len(over) > 0 {
					t.Errorf("not examined: %v", over)
				}
				matches := d.Detect(nil, &b)
				for _, m := range matches {
					kinds[fmt.Sprintf("%s %s %v", m.Name, m.Encoding, m.Whole)]++
				}
				clean = append(clean, blank(b.Text, matches)...)
			}
			t.Log(kinds)
			left := marks(clean, truth.Secrets)
			for _, s := range left {
				t.Errorf("left of %s at %d", s.name, s.Start)
			}
			before := marks(text, truth.Secrets)
			covered := make([]bool, len(text))
			for _, s := range before {
				for i := s.Start; i < s.End; i++ {
					covered[i] = true
				}
			}
			for i := range clean {
				if clean[i] != text[i] && !covered[i] {
					t.Errorf("byte %d is gone and no secret's: %q", i, text[max(0, i-40):min(len(text), i+40)])
				}
			}
			t.Logf("%d occurrences and parts, by brute force", len(before))
		})
	}
}

type found struct {
	record.Span
	name string
}

var publicPrefix = regexp.MustCompile(`^(sk-ant-api\d\d-|sk-proj-|sk-lf-|sk-salt-|sk-custom-|sk-|AIza|AKIA|gsk_|hf_|ghp_|tok_|xai-)`)

var percentEncoded = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// marks finds the secrets of a text by brute force: whole values raw, escaped,
// in base64, with any characters percent-encoded, and parts of 12 bytes.
func marks(text []byte, secrets map[string]string) (all []found) {
	for name, v := range secrets {
		literal := []string{v, base64.RawStdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v)), strings.ReplaceAll(v, "/", `\/`)}
		for _, l := range literal {
			for at := 0; ; {
				i := bytes.Index(text[at:], []byte(l))
				if i < 0 {
					break
				}
				at += i
				all = append(all, found{record.Span{Start: at, End: at + len(l)}, name})
				at += len(l)
			}
		}
		percent := ""
		for _, c := range []byte(v) {
			percent += fmt.Sprintf("(?:%s|%%(?i:%02x))", regexp.QuoteMeta(string(c)), c)
		}
		pattern, at := regexp.MustCompile(percent), 0
		for line := range bytes.Lines(text) {
			if percentEncoded.Match(line) {
				for _, m := range pattern.FindAllIndex(line, -1) {
					all = append(all, found{record.Span{Start: at + m[0], End: at + m[1]}, name})
				}
			}
			at += len(line)
		}
		body := len(publicPrefix.FindString(v))
		for o := body; o+12 <= len(v); o++ {
			for at := 0; ; {
				i := bytes.Index(text[at:], []byte(v[o:o+12]))
				if i < 0 {
					break
				}
				at += i
				start, from := at, o
				for start > 0 && from > 0 && text[start-1] == v[from-1] {
					start, from = start-1, from-1
				}
				all = append(all, found{record.Span{Start: start, End: at + 12}, name})
				at++
			}
		}
	}
	return all
}
