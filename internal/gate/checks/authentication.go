package checks

import (
	"strings"

	"sluice/internal/gate"
	"sluice/internal/record"
)

const controlAuth = "Authentication of every header and route"

// authentication is what system 1 has beyond the original report.
func authentication() []gate.Check {
	base := gate.Check{System: "master-key", Aspect: gate.Security, Severity: record.SeverityCritical, Control: controlAuth}
	return []gate.Check{
		malformed(base), hashAsKey(base), keyInQuery(base), unknownInHeaders(base), precedence(base),
		adminRoutes(base), openRoutes(base), crookedPaths(base), openAdminRoutes(base), headersRead(base), serviceTests(base),
	}
}

func malformed(c gate.Check) gate.Check {
	c.ID, c.Title, c.Safe = "1d", "Malformed credentials → refused", true
	c.Verified = "Malformed credentials are refused"
	c.Remedy = "Find what accepts them: custom_auth, or a proxy in front that adds a key."
	var steps []step
	for label, value := range map[string]string{
		"empty bearer": "Bearer ", "scheme alone": "Bearer", "null": "Bearer null", "undefined": "Bearer undefined",
		"prefix alone": "Bearer sk-", "wildcard": "Bearer *", "SQL": "Bearer ' OR '1'='1", "Basic": "Basic Og==",
		"long": "Bearer sk-" + strings.Repeat("a", 4096), "two keys": "Bearer sk-a, Bearer sk-b", "JSON": `Bearer {"$ne":null}`,
	} {
		steps = append(steps, step{label: label, want: refused,
			Request: gate.Request{Path: "/v1/models", Headers: []gate.Header{{Name: "Authorization", Value: value}}}})
	}
	return stepped(c, sorted(steps)...)
}

func hashAsKey(c gate.Check) gate.Check {
	c.ID, c.Title, c.Needs = "1e", "Hash of a key as the key → refused", gate.NeedMaster
	c.Verified = "The stored hash of a key opens nothing"
	c.Remedy = "Upgrade the gateway: hashes stand in logs and error texts, so one that is accepted is as good as the key."
	var steps []step
	for _, name := range []string{"plain", "master"} {
		for _, h := range []gate.Header{{Name: "Authorization", Value: "Bearer {" + name + ".hash}"}, {Name: "x-litellm-api-key", Value: "{" + name + ".hash}"}} {
			steps = append(steps, step{label: name + " key's hash in " + h.Name, want: refused,
				Request: gate.Request{Path: "/v1/models", Headers: []gate.Header{h}}})
		}
	}
	return stepped(c, steps...)
}

// keyInQuery uses keys made for it: the master key is never put into a URL,
// for access logs keep those. A gateway has one way of reading keys.
func keyInQuery(c gate.Check) gate.Check {
	c.ID, c.Title, c.Needs = "1f", "Key in a query string → refused", gate.NeedMaster
	c.Verified = "Keys in a query string are not accepted"
	c.Remedy = "Do not let clients send keys in URLs: every proxy on the way logs them."
	var steps []step
	for _, name := range []string{"key", "api_key", "api-key", "token", "access_token", "x-litellm-api-key"} {
		steps = append(steps, step{label: "?" + name + "=", want: refused, Request: gate.Request{Path: "/v1/models?" + name + "={query.key}"}})
	}
	for _, name := range []string{"key", "api_key"} {
		steps = append(steps, step{label: "admin's ?" + name + "=", want: refused, Request: gate.Request{Path: "/key/list?size=1&" + name + "={adminkey.key}"}})
	}
	return stepped(c, steps...)
}

// authHeaders are those that LiteLLM reads a key from, by precedence.
var authHeaders = []string{"x-litellm-api-key", "Authorization", "api-key", "x-api-key", "x-goog-api-key", "Ocp-Apim-Subscription-Key"}

func unknownInHeaders(c gate.Check) gate.Check {
	c.ID, c.Title, c.Safe = "1g", "Unknown key in any header → refused", true
	c.Verified = "Unknown keys are refused in every header that can hold one"
	c.Remedy = "Find what accepts the header: a route of its own, custom_auth, or a proxy in front."
	var steps []step
	for _, name := range append(append([]string(nil), authHeaders...), "Cookie", "X-Forwarded-Authorization", "Proxy-Authorization") {
		value := "{unknown.key}"
		switch name {
		case "Authorization", "X-Forwarded-Authorization", "Proxy-Authorization":
			value = "Bearer " + value
		case "Cookie":
			value = "token=" + value
		}
		steps = append(steps, step{label: name, want: refused,
			Request: gate.Request{Path: "/v1/models", Headers: []gate.Header{{Name: name, Value: value}}}})
	}
	return stepped(c, steps...)
}

func precedence(c gate.Check) gate.Check {
	c.ID, c.Title, c.Needs = "1h", "Invalid key before a valid one → refused", gate.NeedMaster
	c.Severity = record.SeverityMedium
	c.Verified = "The header of higher precedence decides; a second key does not rescue a bad one"
	c.Remedy = "Let one header hold the key (general_settings.litellm_key_header_name), and strip the others in front of the gateway."
	var steps []step
	for i, high := range authHeaders[:len(authHeaders)-1] {
		low := authHeaders[i+1]
		steps = append(steps, step{label: high + " over " + low, want: refused, Request: gate.Request{Path: "/v1/models",
			Headers: []gate.Header{{Name: high, Value: bearer(high, "{unknown.key}")}, {Name: low, Value: bearer(low, "{plain.key}")}}}})
	}
	return stepped(c, steps...)
}

func bearer(header, key string) string {
	if header == "Authorization" {
		return "Bearer " + key
	}
	return key
}

func adminRoutes(c gate.Check) gate.Check {
	c.ID, c.Title, c.Needs = "1i", "Virtual key on every admin route → refused", gate.NeedMaster
	c.Verified = "A virtual key administers nothing"
	c.Remedy = "Upgrade the gateway; until then let admin routes through to administrators only, in the proxy in front."
	var steps []step
	for _, r := range adminWrites {
		r.As = "plain"
		steps = append(steps, step{label: r.Path, Request: r, want: unserved})
	}
	for _, path := range adminReads {
		steps = append(steps, step{label: path, Request: gate.Request{Path: path, As: "plain"}, want: unserved})
	}
	return stepped(c, steps...)
}

func openRoutes(c gate.Check) gate.Check {
	c.ID, c.Title, c.Safe = "1j", "No key on any protected route → refused", true
	c.Verified = "No route that needs a key answers without one"
	c.Remedy = "Take the routes out of general_settings.public_routes, and upgrade the gateway."
	var steps []step
	paths := append([]string{"/v1/models", "/models", "/key/list", "/team/list", "/team/info?team_id=x",
		"/user/info", "/model/info", "/v1/model/info", "/v1/files", "/v1/batches", "/v1/responses/resp_x"}, adminReads...)
	for _, path := range paths {
		steps = append(steps, step{label: path, Request: gate.Request{Path: path}, want: closed})
	}
	for _, path := range []string{"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/messages"} {
		steps = append(steps, step{label: path, Request: gate.Request{Path: path, Body: `{}`}, want: closed})
	}
	return stepped(c, steps...)
}

// openAdminRoutes would make something at a gateway without authentication: it
// bears a name of the run and is removed.
func openAdminRoutes(c gate.Check) gate.Check {
	c.ID, c.Title = "1l", "No key on any admin route → refused"
	c.Needs = gate.NeedMaster
	c.Verified = "Nobody administers the gateway without a key"
	c.Remedy = "Set general_settings.master_key: without it everybody administers the gateway."
	var steps []step
	for _, r := range adminWrites {
		r.Body = strings.NewReplacer("{run}-1i", "{run}-1l").Replace(r.Body)
		steps = append(steps, step{label: r.Path, Request: r, want: closed})
	}
	return stepped(c, steps...)
}

// headersRead is the other side of 1g: what clients of other APIs send is read.
func headersRead(c gate.Check) gate.Check {
	c.ID, c.Title, c.Needs = "1m", "Good key in any documented header → accepted", gate.NeedMaster
	c.Aspect, c.Severity = gate.Operational, record.SeverityLow
	c.Verified = "Keys are read from every header that LiteLLM documents"
	c.Remedy = "Nothing, if general_settings.litellm_key_header_name names one header on purpose."
	var steps []step
	for _, name := range authHeaders {
		steps = append(steps, step{label: name, want: served,
			Request: gate.Request{Path: "/v1/models", Headers: []gate.Header{{Name: name, Value: bearer(name, "{plain.key}")}}}})
	}
	return stepped(c, steps...)
}

// serviceTests is apart from 1i, so that it can be waived by itself. The route
// calls itself admin-only, and 1.106.2 counts it among what every key may read.
// It is asked for a service that is none: whoever is let through is told so, and
// nothing is sent to anybody.
func serviceTests(c gate.Check) gate.Check {
	c.ID, c.Title, c.Needs = "1n", "Virtual key on /health/services → refused", gate.NeedMaster
	c.Severity = record.SeverityMedium
	c.Verified = "A virtual key cannot have the gateway send test messages"
	c.Remedy = "Close /health/services to virtual keys in the proxy in front: whoever calls it has the gateway write to your chat, your mailboxes and your tracing."
	denied := status(401, 403, 404)
	answered := denied.judge
	denied.judge = func(a gate.Answer) (bool, string) {
		ok, _ := answered(a)
		return ok, "the key was let through, and told of its service: " + a.Full()
	}
	return stepped(c, step{Request: gate.Request{Path: "/health/services?service=sluice-gate-none", As: "plain"}, want: denied})
}

func crookedPaths(c gate.Check) gate.Check {
	c.ID, c.Title, c.Safe = "1k", "Crooked paths to a protected route → not served", true
	c.Verified = "No way of writing a path gets past authentication"
	c.Remedy = "Let the proxy in front normalise paths, and match routes after that."
	var steps []step
	for _, path := range []string{"//key/list", "/health/../key/list", "/health/liveliness/../../key/list", "/key/list/", "/KEY/LIST",
		"/key%2Flist", "/key/list%00", "/key/list;x=1", "/./key/list", "/health/liveliness%2f..%2f..%2fkey%2flist", "/key/list?x=/health/liveliness",
		"/health/liveliness/key/list"} {
		steps = append(steps, step{label: path, Request: gate.Request{Path: path}, want: unserved})
	}
	return stepped(c, steps...)
}
