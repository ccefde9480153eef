package checks

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sluice/internal/gate"
	"sluice/internal/record"
)

const controlLeaks = "Leak probes"

// probe is a place where a client can put a key: the request plants the canary
// {canaryID.key} or {canaryID.token}.
type probe struct {
	id, label string
	request   gate.Request
	// mayRepeat: a served answer that repeats the canary is no leak (a model
	// may say what it was told).
	mayRepeat bool
	// fails is how the answer says that the provider failed in the way that the
	// probe is about; nil if the probe is about no provider.
	fails *regexp.Regexp
	// rests: the gateway leaves a provider that failed so alone for a while.
	rests bool
	// lacking is what a gateway needs for the probe that may well be missing.
	lacking string
}

// family is a group of probes with a verdict of its own.
type family struct {
	id, title, verified, remedy string
	needs                       gate.Needs
	probes                      []probe
}

func (p probe) canary() string { return gate.CanaryPrefix + p.id }

// families are the places, by kind.
func families() []family {
	return []family{
		{id: "5a", title: "Keys sent in headers stay out of logs and answers", probes: headerProbes(),
			verified: "Keys sent in headers stand in no log and no answer",
			remedy:   "Upgrade the gateway: it prints credentials that it does not recognise as its own. Until then redact its output."},
		{id: "5b", title: "Keys sent in a query string stay out of logs and answers", probes: queryProbes(),
			verified: "Keys sent in a query string stand in no log and no answer",
			remedy:   "Access lines of the gateway and of the balancer hold URLs whole. Redact both, or log paths without the query (nginx: a log_format with $uri)."},
		{id: "5c", title: "Keys sent in a path stay out of logs and answers", probes: pathProbes(), needs: gate.NeedMaster,
			verified: "Keys sent in a path stand in no log and no answer",
			remedy:   "Name keys by their hash in admin requests, and redact the access lines of gateway and balancer."},
		{id: "5d", title: "Keys sent in a chat stay out of logs and errors", probes: chatProbes(), needs: gate.NeedMaster | gate.NeedModel,
			verified: "Keys in prompts and fields of a chat stand in no log",
			remedy:   "Turn debug logging off (no --detailed_debug, no set_verbose), set litellm_settings.turn_off_message_logging, and redact the output."},
		{id: "5e", title: "Keys in broken requests stay out of logs and errors", probes: brokenProbes(), needs: gate.NeedMaster | gate.NeedModel,
			verified: "Keys in requests that are broken, too large or cut short stand in no log and no error",
			remedy:   "Upgrade the gateway: it prints requests that it cannot read. Until then redact its output."},
		{id: "5f", title: "Keys in what a provider refuses stay out of logs and errors", probes: providerProbes(), needs: gate.NeedMaster | gate.NeedModel | gate.NeedProvider,
			verified: "Keys that a failing provider repeats stand in no log and no error",
			remedy:   "Providers repeat keys in their errors, and the gateway prints those with a traceback. Redact its output."},
		{id: "5g", title: "Keys in admin requests stay out of logs and errors", probes: adminProbes(), needs: gate.NeedMaster,
			verified: "Keys in admin requests stand in no log and no error",
			remedy:   "Upgrade the gateway, name keys by their hash, and redact its output."},
	}
}

// header is a probe of one header.
func header(id, label, name, value string) probe {
	return probe{id: id, label: label, request: gate.Request{Path: "/v1/models", Headers: []gate.Header{{Name: name, Value: value}}}}
}

func headerProbes() []probe {
	return []probe{
		header("h1", "Authorization", "Authorization", "Bearer {canaryh1.key}"),
		header("h2", "Authorization, another service's key", "Authorization", "Bearer {canaryh2.token}"),
		header("h3", "Authorization without Bearer", "Authorization", "{canaryh3.key}"),
		header("h4", "x-api-key", "x-api-key", "{canaryh4.key}"),
		header("h5", "api-key, another service's key", "api-key", "{canaryh5.token}"),
		header("h6", "x-goog-api-key", "x-goog-api-key", "{canaryh6.token}"),
		header("h7", "Cookie", "Cookie", "token={canaryh7.key}"),
		header("h8", "User-Agent", "User-Agent", "client/{canaryh8.key}"),
		header("h9", "Referer", "Referer", "https://sluice-gate.invalid/?k={canaryh9.key}"),
		header("h10", "a header of one's own", "X-Secret", "{canaryh10.token}"),
		header("h11", "Basic credentials", "Authorization", "Basic {canaryh11.key}"),
	}
}

func queryProbes() []probe {
	var all []probe
	for i, name := range []string{"key", "api_key", "token", "access_token", "q"} {
		id := fmt.Sprintf("q%d", i+1)
		all = append(all, probe{id: id, label: "?" + name + "=", request: gate.Request{Path: "/v1/models?" + name + "={canary" + id + ".key}"}})
	}
	return append(all,
		probe{id: "q6", label: "?key= with another service's key", request: gate.Request{Path: "/v1/models?key={canaryq6.token}"}},
		probe{id: "q7", label: "?key= with its dash percent-encoded", request: gate.Request{Path: "/v1/models?key=%73k{canaryq7.tail}"}})
}

func pathProbes() []probe {
	return []probe{
		{id: "p1", label: "path of no route", request: gate.Request{Path: "/sluice-gate-nope/{canaryp1.key}"}},
		{id: "p2", label: "path of no route, another service's key", request: gate.Request{Path: "/sluice-gate-nope/{canaryp2.token}"}},
		{id: "p3", label: "/key/KEY/regenerate", request: gate.Request{Path: "/key/{canaryp3.key}/regenerate", Method: "POST", As: "invalid", Body: "{}"}},
		{id: "p4", label: "/key/info?key=KEY by an administrator", request: gate.Request{Path: "/key/info?key={canaryp4.key}", As: "master"}},
	}
}

// said is a chat whose body is this; it costs a few tokens.
func said(id, label, body string) probe {
	return probe{id: id, label: label, mayRepeat: true, request: gate.Request{Path: "/v1/chat/completions", As: "plain", Body: body}}
}

func chatProbes() []probe {
	const head = `{"model":"{model}","max_tokens":5,`
	return []probe{
		said("c1", "prompt", head+`"messages":[{"role":"user","content":"My key is {canaryc1.key}"}]}`),
		said("c2", "system prompt, another service's key", head+`"messages":[{"role":"system","content":"export KEY={canaryc2.token}"},{"role":"user","content":"Hello"}]}`),
		// By a key that may not chat: of a request that gets further the gateway
		// makes an end user with that name, some seconds after the run has ended.
		{id: "c3", label: "user", request: gate.Request{Path: "/v1/chat/completions", As: "routed",
			Body: head + `"messages":[{"role":"user","content":"Hello"}],"user":"{run}-{canaryc3.key}"}`}},
		said("c4", "metadata", head+`"messages":[{"role":"user","content":"Hello"}],"metadata":{"note":"{canaryc4.key}"}}`),
		said("c5", "tool arguments", head+`"messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function",`+
			`"function":{"name":"login","arguments":"{\"key\":\"{canaryc5.key}\"}"}}]},{"role":"tool","tool_call_id":"call_1","content":"done"}]}`),
		said("c6", "image URL", head+`"messages":[{"role":"user","content":[{"type":"text","text":"Hello"},{"type":"image_url","image_url":{"url":"https://sluice-gate.invalid/i.png?k={canaryc6.key}"}}]}]}`),
		said("c7", "a field api_key", head+`"messages":[{"role":"user","content":"Hello"}],"api_key":"{canaryc7.key}"}`),
		said("c8", "a field of one's own", head+`"messages":[{"role":"user","content":"Hello"}],"sluice_gate":"{canaryc8.token}"}`),
	}
}

func brokenProbes() []probe {
	chat := func(id, label, body string) probe {
		p := said(id, label, body)
		p.mayRepeat = false
		return p
	}
	cut := said("b5", "a stream cut short", `{"model":"{model}","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"{canaryb5.key}"}]}`)
	cut.request.Quick = true
	return []probe{
		chat("b1", "bad JSON", `{"model":"{model}","api_key":"{canaryb1.key}",`),
		chat("b2", "wrong types", `{"model":"{model}","messages":"{canaryb2.key}"}`),
		chat("b3", "a model of that name", `{"model":"{canaryb3.key}","messages":[{"role":"user","content":"Hello"}]}`),
		chat("b4", "a large request", `{"model":"sluice-gate-none","messages":[{"role":"user","content":"{large} {canaryb4.key}"}]}`),
		cut,
	}
}

func adminProbes() []probe {
	admin := func(id, label, path, body string) probe {
		return probe{id: id, label: label, request: gate.Request{Path: path, As: "master", Body: body}}
	}
	return []probe{
		admin("a1", "a custom key of the wrong form", "/key/generate", `{"key":"{canarya1.token}","key_alias":"{run}-5g1","duration":"1h"}`),
		admin("a2", "/key/block of a key that is none", "/key/block", `{"key":"{canarya2.key}"}`),
		admin("a3", "/key/delete of a key that is none", "/key/delete", `{"keys":["{canarya3.key}"]}`),
	}
}

// leakProbes is one check for each family; all read the same logs.
func leakProbes() []gate.Check {
	var all []gate.Check
	for _, f := range families() {
		c := gate.Check{ID: f.id, System: "log-redaction", Title: f.title, Last: true, Needs: gate.NeedLogs | f.needs, Aspect: gate.Security,
			Severity: record.SeverityHigh, Control: controlLeaks, Verified: f.verified, Remedy: f.remedy, Curl: f.byHand}
		for _, p := range f.probes {
			c.Sends = append(c.Sends, p.request.Line())
		}
		c.Run = f.run
		all = append(all, c)
	}
	return all
}

func (f family) byHand(p gate.Plan) string {
	requests := make([]gate.Request, len(f.probes))
	names := make([]string, len(f.probes))
	for i, pr := range f.probes {
		requests[i], names[i] = pr.request, pr.canary()
	}
	b := "canary " + f.id + " " + strings.Join(names, " ") + "\n" + gate.ShellObjects(Blueprints(), requests...)
	for _, pr := range f.probes {
		kept := " >> "
		if pr.mayRepeat {
			kept = " | refusal >> "
		}
		b += strings.Replace(gate.Curl(pr.request), "curl -s", "curl -si", 1) + kept + f.id + ".answers\n"
		if pr.rests {
			b += fmt.Sprintf("sleep %.0f     # the gateway leaves a provider alone that failed so\n", restTime.Seconds())
		}
	}
	for t := range targets(p) {
		b += fmt.Sprintf("marked %s \"%s\" %s\n", f.id, t.Base(), logWords(p))
	}
	return b + "exposed " + f.id + " " + logWords(p) + "\n"
}

// planted is what became of a probe.
type planted struct {
	answers map[string][]string // by probe: in which forms an answer repeated its canary
	silent  map[string]string   // by probe: why there was no answer
	err     error               // the answers could not be examined
}

func (f family) run(ctx context.Context, env *gate.Env) gate.Result {
	r := readLogs(ctx, env)
	if r.err != "" {
		return gate.Unknown(r.err)
	}
	var leaked, silent, lacking []string
	for _, p := range f.probes {
		at := leakPlaces(r.reading.Leaks, p)
		at = append(at, r.planted.answers[p.id]...)
		if len(at) > 0 {
			leaked = append(leaked, p.label+": "+strings.Join(at, ", "))
		} else if why := r.planted.silent[p.id]; why != "" && p.lacking != "" {
			lacking = append(lacking, "; not tested: "+p.label+" ("+p.lacking+")")
		} else if why != "" {
			silent = append(silent, p.label+": "+why)
		}
	}
	if r.planted.err != nil {
		silent = append(silent, "the answers could not be examined: "+r.planted.err.Error())
	}
	switch {
	case len(leaked) > 0:
		return gate.Failed(fmt.Sprintf("%d of %d places leak: %s", len(leaked), len(f.probes), sentence(leaked)))
	case r.missing != "":
		return gate.Unknown(r.missing)
	case len(silent) > 0:
		return gate.Unknown(sentence(silent))
	}
	return gate.Passed(fmt.Sprintf("Canaries in %d places, none of them in a log or an answer", len(f.probes)-len(lacking)) + strings.Join(lacking, ""))
}

// leakPlaces says where a probe's canary stood, and in which form.
func leakPlaces(leaks []gate.Leak, p probe) []string {
	var at []string
	for _, l := range leaks {
		if !strings.HasPrefix(l.Name, gate.CanaryName(p.canary()+".")) {
			continue
		}
		place := form(l) + " in " + l.Stream
		if !slices.Contains(at, place) {
			at = append(at, place)
		}
	}
	return at
}

// plant sends the probes of every family that this run can send, and has the
// detectors read what came back.
func plant(ctx context.Context, env *gate.Env) planted {
	done := planted{answers: map[string][]string{}, silent: map[string]string{}}
	type said struct {
		probe
		answer gate.Answer
	}
	var all []said
	for _, f := range families() {
		if !env.Meets(f.needs) {
			continue
		}
		for _, p := range f.probes {
			if p.id == "c3" {
				env.Note(gate.CustomerObject, env.Expand(ctx, "{run}-{canaryc3.key}"))
			}
			a := p.send(ctx, env)
			switch {
			case a.Kind == gate.NoAnswer || a.Kind == gate.Unmet:
				done.silent[p.id] = a.String()
			case p.fails != nil && !p.fails.MatchString(a.Message):
				done.silent[p.id] = "the provider was not seen to fail so: " + a.Full()
			}
			if !p.mayRepeat || a.Kind != gate.Served {
				all = append(all, said{p, a})
			}
		}
	}
	secrets := env.Secrets()
	for _, s := range all {
		leaks, err := env.Logs().Examine(ctx, s.answer.Raw(), secrets)
		if err != nil {
			done.err = err
			break
		}
		for i := range leaks {
			leaks[i].Stream = fmt.Sprintf("the answer (%d)", s.answer.Status)
		}
		done.answers[s.id] = leakPlaces(leaks, s.probe)
	}
	return done
}
