package main

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes lines.
type generator struct {
	r       *rand.Rand
	every   int // a secret in one of so many lines; 0: none
	secrets []string
	second  int
}

type form func(*generator) string

// kinds are the line forms of each corpus, by how often they come.
var kinds = map[string][]form{
	"gateway": {access, access, access, app, app, jsonLine, jsonLine, debugDict, prompt, prompt, traceback, nginx, curl},
	"clean":   {access, access, access, app, app, jsonLine, jsonLine, debugDict, prompt, prompt, traceback, nginx, curl},
	"json":    {jsonLine},
	"hostile": {keywords, oneCharacter, nested, invalid, almost},
}

const (
	alnum  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	base64 = alnum + "-_"
)

func (g *generator) text(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[g.r.IntN(len(alphabet))]
	}
	return string(b)
}

func (g *generator) pick(list ...string) string { return list[g.r.IntN(len(list))] }

func (g *generator) hex(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.r.Uint32())
	}
	return hex.EncodeToString(b)
}

func (g *generator) uuid() string {
	h := g.hex(16)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

func (g *generator) clock() string {
	g.second++
	s := g.second / 50
	return fmt.Sprintf("%02d:%02d:%02d", s/3600%24, s/60%60, s%60)
}

// secret is a new secret of one of the kinds that gateways hold, or what stands
// in its place in a line without one.
func (g *generator) secret(otherwise string) string {
	if g.every == 0 || g.r.IntN(g.every) != 0 {
		return otherwise
	}
	var s string
	switch g.r.IntN(7) {
	case 0:
		s = "sk-" + g.text(base64, 21) + g.text("AQgw", 1)
	case 1:
		s = "sk-ant-api03-" + g.text(base64, 93) + "AA"
	case 2:
		s = "sk-proj-" + g.text(base64, 74) + "T3BlbkFJ" + g.text(base64, 74)
	case 3:
		s = "ghp_" + g.text(alnum, 36)
	case 4:
		s = "gsk_" + g.text(alnum, 52)
	case 5:
		s = "hf_" + g.text(alnum[:52], 34)
	default:
		s = "AIza" + g.text(base64, 35)
	}
	g.secrets = append(g.secrets, s)
	return s
}

func (g *generator) masked() string { return "sk-..." + g.text(alnum, 4) }

func access(g *generator) string {
	path := g.pick("/v1/chat/completions", "/key/info", "/v1/models", "/health/readiness", "/team/info?team_id="+g.uuid())
	if s := g.secret(""); s != "" {
		path = "/v1/models?key=" + s
	}
	return fmt.Sprintf("INFO:     10.0.%d.%d:%d - \"%s %s HTTP/1.1\" %s\n", g.r.IntN(256), g.r.IntN(256), 30000+g.r.IntN(30000),
		g.pick("GET", "POST"), path, g.pick("200 OK", "200 OK", "401 Unauthorized", "429 Too Many Requests"))
}

func app(g *generator) string {
	return fmt.Sprintf("\x1b[92m%s - LiteLLM Proxy:%s\x1b[0m: auth_exception_handler.py:78 - litellm.proxy.proxy_server.user_api_key_auth(): Exception occured - Authentication Error, Invalid proxy server token passed. Received API Key = %s, Key Hash (Token) =%s. Unable to find token in cache or `LiteLLM_VerificationTokenTable`\n",
		g.clock(), g.pick("ERROR", "WARNING", "INFO", "DEBUG"), g.secret(g.masked()), g.hex(32))
}

func jsonLine(g *generator) string {
	return fmt.Sprintf(`{"message": "POST Request Sent from LiteLLM", "level": "%s", "timestamp": "2026-01-21T%s.%06d", "request_id": "%s", "model": "claude-3-haiku-20240307", "user_api_key_hash": "%s", "key_alias": "team-%d-ci", "note": "api_key=%s", "tokens": %d, "cost": %.6f}`+"\n",
		g.pick("INFO", "DEBUG"), g.clock(), g.r.IntN(1e6), g.uuid(), g.hex(32), g.r.IntN(50), g.secret("os.environ/OPENAI_API_KEY"), g.r.IntN(4000), g.r.Float64()/100)
}

func debugDict(g *generator) string {
	return fmt.Sprintf("\x1b[92m%s - LiteLLM Proxy:DEBUG\x1b[0m: litellm_pre_call_utils.py:616 - receiving data: {'model': 'gpt-4o-mini', 'proxy_server_request': {'url': 'http://127.0.0.1:4000/v1/chat/completions', 'method': 'POST', 'headers': {'host': '127.0.0.1:4000', 'user-agent': 'python-httpx/0.28.1', 'authorization': 'Bearer %s', 'content-type': 'application/json', 'x-request-id': '%s'}}, 'metadata': {'user_api_key_hash': '%s', 'user_api_key_alias': None, 'user_api_key_spend': %.6f, 'user_api_key_team_id': '%s', 'requester_ip_address': ''}, 'litellm_call_id': '%s', 'tools': [{'id': 'call_%s'}], 'response_id': 'chatcmpl-%s'}\n",
		g.clock(), g.secret("REDACTED"), g.uuid(), g.hex(32), g.r.Float64(), g.uuid(), g.uuid(), g.text(alnum, 24), g.uuid())
}

func prompt(g *generator) string {
	text := g.pick(
		"how do I rotate my api key without downtime? the token in my config is called token_for_ci",
		"write a function validate_password(password: str) -> bool that checks the secret's length",
		"my auth header says Authorization: Bearer <token>, why does the gateway answer 401?",
		"what is the difference between an access key and a secret key in AWS, and where does the password go",
		"explain key rotation, api gateways and credential stores to a new engineer")
	return fmt.Sprintf(`{"message": "{\"messages\": [{\"role\": \"user\", \"content\": \"%s\\n%s\"}], \"temperature\": 0.%d}", "level": "DEBUG", "timestamp": "2026-01-21T%s"}`+"\n",
		text, g.secret("thanks"), g.r.IntN(10), g.clock())
}

func traceback(g *generator) string {
	return fmt.Sprintf("Traceback (most recent call last):\n  File \"/usr/lib/python3/site-packages/litellm/proxy/auth/user_api_key_auth.py\", line %d, in user_api_key_auth\n    raise Exception(\"Invalid key\")\nlitellm.AuthenticationError: AnthropicException - {\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid x-api-key %s\"}}\n", g.r.IntN(900), g.secret(g.masked()))
}

func nginx(g *generator) string {
	return fmt.Sprintf("10.0.0.%d - - [21/Jan/2026:%s +0000] \"GET /key/info?key=%s HTTP/1.1\" 200 %d \"-\" \"curl/8.5.0\"\n", g.r.IntN(256), g.clock(), g.secret(g.hex(32)), g.r.IntN(5000))
}

func curl(g *generator) string {
	return fmt.Sprintf("curl -X POST \\\nhttps://api.anthropic.com/v1/messages \\\n-H 'x-api-key: %s' -H 'anthropic-version: 2023-06-01' \\\n-d '{\"model\": \"claude-3-haiku-20240307\"}'\n", g.secret("sk-ant-api03-****AA"))
}

func keywords(g *generator) string {
	return strings.Repeat(g.pick("api_key=", "token: ", "secret_key: ", "password=\"", "sk-ant-", "AKIA", "ghp_", "Bearer ", "auth", "key"), 40) + "\n"
}

func oneCharacter(g *generator) string {
	return strings.Repeat(g.pick("a", "\\", "%", "=", "A"), 4000) + "\n"
}

func nested(g *generator) string {
	return "%25" + strings.Repeat("\\\\u0025", 50) + g.text(base64, 300) + strings.Repeat("%2525", 40) + "\n"
}

func invalid(g *generator) string { return strings.Repeat("\xff\xfe\xc0key\x80=", 100) + "\n" }

func almost(g *generator) string {
	return "sk-" + g.text(base64, 19) + " ghp_" + g.text(alnum, 35) + " AKIA" + g.text(alnum[:26], 15) + " eyJ" + g.text(base64, 40) + "\n"
}
