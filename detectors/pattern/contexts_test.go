package pattern

import (
	"math/rand/v2"
	"strings"
	"testing"

	"sluice/internal/record"
	"sluice/internal/view"
)

// contexts are everyday places of a key in a log; no scanner that we know finds
// a key in all of them.
var contexts = map[string]string{
	"plain":             "using KEY now\n",
	"json":              `{"api_key": "KEY", "n": 1}` + "\n",
	"json newline":      `{"message": "first line\nKEY\nthird"}` + "\n",
	"json tab":          `{"message": "the key\tKEY\tend"}` + "\n",
	"docker json-file":  `{"log":"{\"api_key\": \"KEY\"}\n","stream":"stderr","time":"2026-01-21T09:14:03.1Z"}` + "\n",
	"escaped twice":     `{"log":"{\"message\": \"{\\\"api_key\\\": \\\"KEY\\\"}\"}\n","stream":"stderr"}` + "\n",
	"colour":            "\x1b[92m12:00:01\x1b[0m \x1b[1mKEY\x1b[0m\n",
	"python":            "{'api_key': 'KEY', 'model': 'm'}\n",
	"query":             "\"GET /v1/models?key=KEY&alt=sse HTTP/1.1\" 200\n",
	"curl":              "curl https://x/v1 \\\n-H 'Authorization: Bearer KEY' \\\n-d '{}'\n",
	"comma and bracket": "acompletion(m, KEY, other), (KEY)\n",
	"full stop":         "the api key is KEY. Thank you\n",
	"escaped quotes":    `Incorrect API key provided: \"KEY\". You can` + "\n",
	"angle brackets":    "<key>KEY</key>\n",
	"percent":           "GET /x?token=%22KEY%22\n",
	"at the start":      "KEY is it\n", "at the end": "it is KEY",
}

// TestKeysInEveryContext: with views and our rules each kind of key is found in
// each context, and its raw bytes are covered.
func TestKeysInEveryContext(t *testing.T) {
	d := detectors(t)["default"]
	r := rand.New(rand.NewPCG(9, 9))
	word := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		return string(b)
	}
	keys := map[string]string{
		"anthropic": "sk-ant-api03-" + word(93) + "AA", "github": "ghp_" + word(36),
		"gateway": "sk-" + word(21) + "A", "openai": "sk-proj-" + word(74) + "T3BlbkFJ" + word(74),
	}
	for name, context := range contexts {
		for kind, key := range keys {
			text := strings.ReplaceAll(context, "KEY", key)
			b := batchOf([]byte(text), 0)
			view.Expand(b)
			covered := make([]bool, len(text))
			for _, m := range d.Detect(nil, b) {
				for _, s := range m.Spans {
					mark(covered, s)
				}
			}
			for at := 0; ; {
				i := strings.Index(text[at:], key)
				if i < 0 {
					break
				}
				for n := range len(key) {
					if !covered[at+i+n] {
						t.Errorf("%s key, %s: byte %d of the key is not covered", kind, name, n)
						break
					}
				}
				at += i + len(key)
			}
		}
	}
}

func mark(covered []bool, s record.Span) {
	for i := s.Start; i < s.End; i++ {
		covered[i] = true
	}
}
