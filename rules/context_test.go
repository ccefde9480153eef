package rules

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// contexts are the places a key stands in: those of the comparison with other
// scanners, and more. KEY is the key. Percent-encoded text is not among them:
// that is for views to undo.
var contexts = map[string]string{
	"plain":              "using KEY now",
	"json":               `{"api_key":"KEY","n":1}`,
	"json newline":       `{"message":"first line\nKEY\nthird"}`,
	"json tab":           `{"message":"key:\tKEY\tend"}`,
	"docker json-file":   `{"log":"{\"api_key\":\"KEY\"}\n","stream":"stderr"}`,
	"escaped twice":      `{\\\"api_key\\\": \\\"KEY\\\"}`,
	"colour before":      "\x1b[92mKEY\x1b[0m",
	"colour in json":     `{"message":"\u001b[92mKEY\u001b[0m"}`,
	"colour in python":   `'\x1b[1;31mKEY\x1b[0m'`,
	"python dict":        "{'api_key': 'KEY', 'model': 'm'}",
	"python call":        "acompletion(api_key='KEY', api_base=None)",
	"bytes with cr lf":   `Illegal header value b'Bearer KEY\r\n'`,
	"header":             "x-api-key: KEY",
	"header tuple":       "(b'x-api-key', b'KEY')",
	"url":                "GET /v1/models?key=KEY&alt=sse HTTP/1.1",
	"url in go json":     `"/v1?a=1\u0026key=KEY\u0026b=2"`,
	"path":               "GET /nope/KEY HTTP/1.1",
	"curl continued":     "-H 'Authorization: Bearer KEY' \\",
	"comma and bracket":  "(KEY, other)",
	"full stop":          "the key is KEY.",
	"angle brackets":     "<key>KEY</key>",
	"html":               "<b>KEY</b>&nbsp;",
	"yaml":               "  api_key: KEY",
	"shell":              "export API_K=KEY;",
	"csv":                "alice,KEY,2026-01-21",
	"table":              "| team | KEY |",
	"markdown":           "`KEY`",
	"brackets":           "[KEY]",
	"braces":             "{KEY}",
	"at the very start":  "KEY is it",
	"at the very end":    "it is KEY",
	"alone":              "KEY",
	"equals and quotes":  `key="KEY"`,
	"percent left":       "q=%20KEY",
	"windows line end":   "KEY\r\n",
	"query of traceback": "httpx.HTTPStatusError: for url 'https://x/v1?key=KEY'",
}

// shapes are keys that their form gives away.
var shapes = map[string]string{
	"anthropic-api-key": "sk-ant-api03-{base64url:93}AA", "anthropic-admin-api-key": "sk-ant-admin01-{base64url:93}AA",
	"openai-api-key": "sk-proj-{base64url:74}T3BlbkFJ{base64url:74}", "gcp-api-key": "AIza{base64url:35}",
	"groq-api-key": "gsk_{alnum:52}", "xai-api-key": "xai-{alnum:80}", "openrouter-api-key": "sk-or-v1-{hex:64}",
	"perplexity-api-key": "pplx-{alnum:48}", "huggingface-access-token": "hf_{alnum:34}", "replicate-api-token": "r8_{alnum:37}",
	"databricks-api-token": "dapi{hex:32}", "langfuse-secret-key": "sk-lf-{uuid}", "pinecone-api-key": "pcsk_{alnum:6}_{alnum:63}",
	"deepseek-api-key": "sk-{hex:32}", "fireworks-api-key": "fw_{alnum:24}", "nvidia-api-key": "nvapi-{base64url:64}",
	"cerebras-api-key": "csk-{lower:12}{hex:36}", "generic-sk-key": "sk-{base64url:21}A", "github-pat": "ghp_{alnum:36}",
	"elevenlabs-api-key": "sk_{hex:48}", "voyage-api-key": "pa-{base64url:43}", "tavily-api-key": "tvly-{alnum:32}",
	"langsmith-api-key": "lsv2_pt_{hex:32}_{hex:10}", "azure-openai-api-key": "{alnum:52}JQQJ99{alnum:26}",
	"aws-session-token": "IQoJb3JpZ2lu{base64:200}", "google-oauth-token": "ya29.{base64url:120}",
}

// Each key is found whole in each context, in the raw bytes.
func TestContexts(t *testing.T) {
	set := defaults(t)
	for id, form := range shapes {
		r := set.ByID(id)
		if r == nil {
			t.Errorf("there is no rule %s", id)
			continue
		}
		for name, context := range contexts {
			for seed := range uint64(5) {
				key := expand(form, rand.New(rand.NewPCG(seed, 1)))
				if !findsKey(set, r, context, key) {
					t.Errorf("%s, %s, seed %d: not found", id, name, seed)
					break
				}
			}
		}
	}
}

func findsKey(set *Set, r *Rule, context, key string) bool {
	text := strings.ReplaceAll(context, "KEY", key)
	for _, h := range set.SearchRule(r, text, "") {
		if text[h.Start:h.End] == key {
			return true
		}
	}
	return false
}

// Two keys with one character between them are both found.
func TestNeighbours(t *testing.T) {
	set := defaults(t)
	for id, form := range shapes {
		for _, between := range []string{",", " ", "\n", `\n`, "|", "&"} {
			random := rand.New(rand.NewPCG(7, 7))
			text := fmt.Sprintf("%s%s%s", expand(form, random), between, expand(form, random))
			if n := len(set.SearchRule(set.ByID(id), text, "")); n != 2 {
				t.Errorf("%s, with %q between two: %d found", id, between, n)
			}
		}
	}
}
