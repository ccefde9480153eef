package checks

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"sluice/internal/gate"
	"sluice/internal/record"
)

const (
	controlHealthTalk = "Health and metrics endpoints"
	controlErrors     = "Error bodies and pages"
	controlBrowser    = "Browsers and redirects"
	controlLoad       = "Robustness"
)

// exposure is system 8: what the gateway tells those who may not know.
func exposure() []gate.Check {
	base := gate.Check{System: "exposure", Aspect: gate.Security, Severity: record.SeverityLow, Control: controlHealthTalk, Safe: true}
	return []gate.Check{
		healthNeedsKey(base), readinessTells(base), healthTells(base), modelInfoTells(base), metrics(base),
		pagesEcho(base), errorsEcho(base), errorsTell(base), redirects(base), crossOrigin(base), debugRoutes(base),
		largeRequest(base), slowClients(base),
	}
}

func healthNeedsKey(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity = "8a", "/health without a key → refused", record.SeverityMedium
	c.Verified = "/health, which calls every model, needs a key"
	c.Remedy = "Take /health out of the public routes: it spends money at every provider."
	return steppedFor(c, func(p gate.Plan) []step {
		var steps []step
		for t := range targets(p) {
			steps = append(steps, step{label: place(t), Request: gate.Request{To: t, Path: "/health"}, want: unserved})
		}
		return steps
	})
}

// tooMuch is what a probe for strangers has no reason to say.
const tooMuch = `litellm_version|success_callbacks|failure_callbacks|log_level|"cache": *\{|api_base|api_key|model_list|postgres|redis`

func readinessTells(c gate.Check) gate.Check {
	c.ID, c.Title = "8b", "Open health endpoints tell no version or configuration"
	c.Verified = "What the open health endpoints say is whether the gateway works"
	c.Remedy = "Upgrade to a version whose /health/readiness says only that it is ready, or let probes reach it and others not."
	return steppedFor(c, func(p gate.Plan) []step {
		var steps []step
		for t := range targets(p) {
			for _, path := range []string{"/health/readiness", "/health/liveliness", "/health/liveness"} {
				steps = append(steps, step{label: place(t) + " " + path, Request: gate.Request{To: t, Path: path},
					want: lacks(tooMuch, "version or configuration")})
			}
		}
		return steps
	})
}

func healthTells(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity, c.Safe = "8c", "/health tells a virtual key no addresses or keys", record.SeverityMedium, false
	c.Needs = gate.NeedMaster
	c.Verified = "/health shows a virtual key no provider addresses or parameters"
	c.Remedy = "Upgrade the gateway, or close /health to virtual keys: it shows the configuration of every model, also of other teams'."
	return stepped(c, step{Request: gate.Request{Path: "/health", As: "plain"}, want: lacks(`"(raw_request_)?api_base"|"api_key"|"mock_response"|"vertex_credentials"|"aws_secret`, "addresses or parameters of models")})
}

func modelInfoTells(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity, c.Safe = "8d", "/model/info tells a virtual key no addresses or keys", record.SeverityMedium, false
	c.Needs = gate.NeedMaster
	c.Verified = "/model/info shows a virtual key no provider addresses"
	c.Remedy = "Upgrade the gateway, or close /model/info to virtual keys."
	var steps []step
	for _, path := range []string{"/model/info", "/v1/model/info", "/model_group/info"} {
		steps = append(steps, step{label: path, Request: gate.Request{Path: path, As: "plain"},
			want: lacks(`"api_base": *"|"api_key": *"|"vertex_credentials": *"|"aws_secret`, "addresses or keys of providers")})
	}
	return stepped(c, steps...)
}

func metrics(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity = "8e", "/metrics without a key → refused or absent", record.SeverityMedium
	c.Verified = "/metrics is not open to strangers"
	c.Remedy = "Set litellm_settings.require_auth_for_metrics_endpoint: metrics name keys, teams and users."
	return steppedFor(c, func(p gate.Plan) []step {
		var steps []step
		for t := range targets(p) {
			steps = append(steps, step{label: place(t), Request: gate.Request{To: t, Path: "/metrics"}, want: unserved})
		}
		return steps
	})
}

func pagesEcho(c gate.Check) gate.Check {
	c.ID, c.Title, c.Control = "8f", "Pages do not repeat what was sent", controlErrors
	c.Verified = "Documentation pages and errors of routing repeat nothing of a URL"
	c.Remedy = "Turn the pages off (NO_DOCS, NO_REDOC, DISABLE_ADMIN_UI), or upgrade."
	var steps []step
	for _, path := range []string{"/?q=", "/docs?q=", "/redoc?q=", "/openapi.json?q=", "/ui/?q=", "/sluice-gate-nope/", "/health/liveliness?q="} {
		steps = append(steps, step{label: path, Request: gate.Request{Path: path + "{unknown.key}"},
			want: lacksKey("the key that was in the URL")})
	}
	return stepped(c, steps...)
}

// lacksKey wants the body to repeat no key of the run, unknown ones included.
func lacksKey(what string) want {
	w := lacks(`sk-[a-z2-7]{22}|sk-[0-9a-f]{22}`, what)
	w.shell = `lacks "${unknown_key#sk-}"`
	w.pages = true
	return w
}

// errorsEcho sends keys that are refused and reads what the refusal repeats.
func errorsEcho(c gate.Check) gate.Check {
	c.ID, c.Title, c.Control, c.Severity = "8g", "Refusals do not repeat the credential", controlErrors, record.SeverityMedium
	c.Verified = "No refusal repeats the credential that it refuses"
	c.Remedy = "Upgrade the gateway: keys of other services, sent to it by mistake, stand in its answers and so in its clients' logs."
	var steps []step
	add := func(label, name, value string) {
		steps = append(steps, step{label: label, Request: gate.Request{Path: "/v1/models", Headers: []gate.Header{{Name: name, Value: value}}},
			want: lacksBody("the credential")})
	}
	add("unknown key", "Authorization", "Bearer {unknown.key}")
	add("key of another service", "Authorization", "Bearer tok_{unknown.key}")
	add("key without its prefix", "Authorization", "Bearer X{unknown.key}")
	add("no Bearer", "Authorization", "{unknown.key}")
	add("x-api-key of another service", "x-api-key", "tok_{unknown.key}")
	add("x-litellm-api-key of another service", "x-litellm-api-key", "tok_{unknown.key}")
	steps = append(steps,
		step{label: "bad JSON", Request: gate.Request{Path: "/v1/chat/completions", As: "invalid", Body: `{"api_key":"{unknown.key}",`}, want: lacksBody("the credential")},
		step{label: "key in the path", Request: gate.Request{Path: "/key/{unknown.key}/regenerate", Method: "POST", As: "invalid"}, want: lacksBody("the credential")})
	return stepped(c, steps...)
}

// lacksBody wants neither body nor headers to repeat a key that was made up.
func lacksBody(what string) want {
	w := lacksKey(what)
	inBody := w.judge
	w.judge = func(a gate.Answer) (bool, string) {
		if ok, why := inBody(a); !ok {
			return ok, why
		}
		for name, values := range a.Header {
			if strings.Contains(strings.Join(values, " "), "sk-") {
				return false, "the header " + name + " shows " + what
			}
		}
		return true, ""
	}
	return w
}

func errorsTell(c gate.Check) gate.Check {
	c.ID, c.Title, c.Control = "8h", "Errors tell nothing of the inside", controlErrors
	c.Verified = "Errors hold no traces, file names or addresses of the inside"
	c.Remedy = "Upgrade the gateway, or replace the bodies of 5xx in the proxy in front."
	var steps []step
	inside := lacks(`Traceback|site-packages|File \\?"/|/usr/lib|/app/|postgresql://|at 0x[0-9a-f]{6}`, "traces, files or addresses of the inside")
	inside.pages = true
	for label, r := range map[string]gate.Request{
		"bad JSON":        {Path: "/v1/chat/completions", As: "invalid", Body: `{"model":`},
		"wrong types":     {Path: "/v1/chat/completions", As: "invalid", Body: `{"model":{},"messages":7}`},
		"bad query":       {Path: "/key/list?page=x&size=-1", As: "invalid"},
		"unknown route":   {Path: "/sluice-gate-nope"},
		"wrong method":    {Path: "/key/info", Method: "PATCH"},
		"bad header":      {Path: "/v1/models", Headers: []gate.Header{{Name: "Authorization", Value: "Bearer \xff\xfe"}}},
		"NUL in the path": {Path: "/key/list%00"},
	} {
		steps = append(steps, step{label: label, Request: r, want: inside})
	}
	return stepped(c, sorted(steps)...)
}

// redirects asks for a path with a slash too many in the name of another host.
func redirects(c gate.Check) gate.Check {
	c.ID, c.Title, c.Control = "8i", "Redirects stay at the gateway", controlBrowser
	c.Verified = "No redirect leads to a host that the client named"
	c.Remedy = "Let the proxy in front refuse hosts it does not know (nginx: a default_server that returns 444), or not pass the client's Host on."
	r := gate.Request{Path: "/key/info/", Headers: []gate.Header{{Name: "Host", Value: "sluice-gate.invalid"}}}
	forwarded := gate.Request{Path: "/key/info/", Headers: []gate.Header{{Name: "X-Forwarded-Host", Value: "sluice-gate.invalid"}}}
	c.Sends = []string{r.Line(), "GET //sluice-gate.invalid/"}
	away := gate.Request{Path: "//sluice-gate.invalid/"}
	c.Curl = func(gate.Plan) string {
		b := ""
		for _, r := range []gate.Request{r, forwarded, away} {
			b += strings.Replace(gate.Curl(r), "curl -s", "curl -si", 1) + " |\n  want 8i lacks '[Ll]ocation: *(https?:)?//sluice-gate'\n"
		}
		return b
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		var wrong []string
		for _, r := range []gate.Request{r, forwarded, away} {
			a := env.Send(ctx, r)
			if a.Kind == gate.NoAnswer {
				return gate.Unknown("no answer to judge: " + a.String())
			}
			to := a.Header.Get("Location")
			if strings.HasPrefix(strings.TrimPrefix(strings.TrimPrefix(to, "http:"), "https:"), "//sluice-gate.invalid") {
				wrong = append(wrong, fmt.Sprintf("%s with another host's name: %d to that host", r.Path, a.Status))
			}
		}
		if len(wrong) > 0 {
			return gate.Failed(sentence(wrong))
		}
		return gate.Passed("3 requests in the name of another host, no redirect there")
	}
	return c
}

// crossOrigin asks as a page of another origin would.
func crossOrigin(c gate.Check) gate.Check {
	c.ID, c.Title, c.Control, c.Severity = "8j", "Foreign origins get no credentials", controlBrowser, record.SeverityMedium
	c.Verified = "A page of another origin cannot use the credentials of a browser"
	c.Remedy = "Set the allowed origins (LITELLM_CORS_ORIGINS), or have the proxy in front drop Access-Control-Allow-Credentials."
	origin := gate.Header{Name: "Origin", Value: "https://sluice-gate.invalid"}
	requests := []gate.Request{
		{Path: "/v1/models", Headers: []gate.Header{origin}},
		{Path: "/v1/models", Method: http.MethodOptions, Headers: []gate.Header{origin, {Name: "Access-Control-Request-Method", Value: "POST"},
			{Name: "Access-Control-Request-Headers", Value: "authorization"}}},
	}
	for _, r := range requests {
		c.Sends = append(c.Sends, r.Line())
	}
	c.Curl = func(gate.Plan) string {
		b := ""
		for _, r := range requests {
			b += strings.Replace(gate.Curl(r), "curl -s", "curl -si", 1) + " | tr -d '\\r' |\n" +
				"  want 8j lacks '[Aa]ccess-[Cc]ontrol-[Aa]llow-[Cc]redentials: *true'\n"
		}
		return b
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		var wrong []string
		for _, r := range requests {
			a := env.Send(ctx, r)
			if a.Kind == gate.NoAnswer {
				return gate.Unknown("no answer to judge: " + a.String())
			}
			allowed := a.Header.Get("Access-Control-Allow-Origin")
			if a.Header.Get("Access-Control-Allow-Credentials") == "true" && (allowed == origin.Value || allowed == "*") {
				wrong = append(wrong, r.Verb()+": any origin is allowed, with credentials")
			}
		}
		if len(wrong) > 0 {
			return gate.Failed(sentence(wrong))
		}
		return gate.Passed("A foreign origin is given no leave to use credentials")
	}
	return c
}

func debugRoutes(c gate.Check) gate.Check {
	c.ID, c.Title, c.Safe = "8k", "Debugging routes closed to virtual keys", false
	c.Needs = gate.NeedMaster
	c.Verified = "Debugging routes are closed to virtual keys"
	c.Remedy = "Upgrade the gateway; until then close /debug and /otel-spans in the proxy in front."
	var steps []step
	for _, path := range []string{"/debug/asyncio-tasks", "/otel-spans", "/debug/memory/summary", "/memory-usage", "/config/yaml", "/settings"} {
		steps = append(steps, step{label: path, Request: gate.Request{Path: path, As: "plain"}, want: unserved})
	}
	return stepped(c, steps...)
}
