package checks

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/gate"
)

// want is what has to come of a request: the same in Go and in the shell.
type want struct {
	shell string // the words after `want ID`
	judge func(gate.Answer) (ok bool, otherwise string)
	said  string // in the evidence of a pass: "refused"
	proxy bool   // a refusal of a proxy in front does as well as the gateway's
	pages bool   // web pages are to be judged too
}

// step is a request of a check and what has to come of it.
type step struct {
	label string // names the request in evidence, "" where there is only one
	gate.Request
	want want
}

// status wants one of the statuses.
func status(codes ...int) want {
	words := make([]string, len(codes))
	for i, c := range codes {
		words[i] = strconv.Itoa(c)
	}
	return want{shell: "status " + strings.Join(words, " "), said: "answered as expected", judge: func(a gate.Answer) (bool, string) {
		for _, c := range codes {
			if a.Status == c {
				return true, ""
			}
		}
		return false, "got " + a.String() + ", want " + strings.Join(words, " or ")
	}}
}

// refused wants the gateway itself to say no.
var refused = want{shell: "refused", said: "refused by the gateway", judge: func(a gate.Answer) (bool, string) {
	return a.Kind == gate.Refused || a.Kind == gate.ModelDenied, "not refused: " + a.String()
}}

// admitted wants authentication to pass, whatever the provider then did.
var admitted = want{shell: "admitted", said: "admitted", judge: func(a gate.Answer) (bool, string) {
	return a.Admitted(), "not admitted: " + a.String()
}}

// served wants 2xx.
var served = want{shell: "served", said: "served", judge: func(a gate.Answer) (bool, string) {
	return a.Kind == gate.Served, "got " + a.String()
}}

// unserved wants no 2xx: a refusal, or that there is no such thing.
var unserved = want{shell: "unserved", said: "not served", proxy: true, judge: func(a gate.Answer) (bool, string) {
	return a.Status >= 300 && a.Status < 500, "it was served (" + a.String() + ")"
}}

// closed wants a refusal, or that there is no such route: not even a complaint
// about the body, which would mean that nobody asked for a key.
var closed = want{shell: "closed", said: "closed", proxy: true, judge: func(a gate.Answer) (bool, string) {
	ok := a.Kind == gate.Refused || a.Status == 404 || a.Status == 405 || a.Kind == gate.Foreign && a.Status >= 300
	return ok, "not closed: " + a.String()
}}

// lacks wants a served answer's body not to match; the pattern is one that Go
// and bash read alike.
func lacks(pattern, what string) want {
	re := regexpOf(pattern)
	return want{shell: "lacks " + gate.ShellWord(pattern), said: "without " + what, judge: func(a gate.Answer) (bool, string) {
		shown := re.Find(a.Body)
		return shown == nil, fmt.Sprintf("the answer (%s) shows %s: %.40q", a, what, shown)
	}}
}

// stepped makes a check of requests that are each judged by themselves.
func stepped(c gate.Check, steps ...step) gate.Check {
	return steppedFor(c, func(gate.Plan) []step { return steps })
}

// steppedFor is stepped for requests that depend on the plan.
func steppedFor(c gate.Check, of func(gate.Plan) []step) gate.Check {
	for _, s := range of(samplePlan) {
		c.Sends = append(c.Sends, s.Line())
	}
	c.Curl = func(p gate.Plan) string {
		steps := of(p)
		requests := make([]gate.Request, len(steps))
		for i, s := range steps {
			requests[i] = s.Request
		}
		b := gate.ShellObjects(Blueprints(), requests...)
		for _, s := range steps {
			b += gate.Curl(s.Request) + " |\n  want " + c.ID + " " + s.want.shell + "\n"
		}
		return b
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		return runSteps(ctx, env, of(env.Plan))
	}
	return c
}

// takes says that a page, which is not LiteLLM's API, can be judged.
func (w want) takes(a gate.Answer) bool {
	return a.Kind == gate.Foreign && a.Status < 500 && (w.pages || w.proxy && a.Status >= 300)
}

// sorted puts steps in the order of their labels.
func sorted(steps []step) []step {
	slices.SortFunc(steps, func(a, b step) int { return strings.Compare(a.label, b.label) })
	return steps
}

// samplePlan stands for a run where only the number of requests matters.
var samplePlan = gate.Plan{Replicas: []string{"", ""}}

func runSteps(ctx context.Context, env *gate.Env, steps []step) gate.Result {
	var wrong, unclear []string
	var result gate.Result
	var last gate.Answer
	for _, s := range steps {
		last = env.Send(ctx, s.Request)
		name := s.label
		if name != "" {
			name += ": "
		}
		if last.Silent() && !s.want.takes(last) {
			unclear = append(unclear, name+last.String())
			continue
		}
		if ok, otherwise := s.want.judge(last); !ok {
			if last.Kind == gate.ServerError {
				unclear = append(unclear, name+"the gateway broke: "+last.String())
				continue
			}
			wrong = append(wrong, name+otherwise)
		} else if last.Kind == gate.ProviderError {
			result.Provider = last.Full()
		}
	}
	return settle(result, steps, last, wrong, unclear)
}

func settle(result gate.Result, steps []step, last gate.Answer, wrong, unclear []string) gate.Result {
	switch {
	case len(wrong) > 0:
		result.Verdict, result.Evidence = gate.Fail, sentence(wrong)
		if len(steps) > 1 {
			result.Evidence = fmt.Sprintf("%d of %d: %s", len(wrong), len(steps), result.Evidence)
		}
	case len(unclear) > 0:
		result.Verdict, result.Evidence = gate.Inconclusive, sentence(unclear)
	case len(steps) == 1:
		result.Verdict, result.Evidence = gate.Pass, "Got "+last.String()+" as expected"
	default:
		result.Verdict, result.Evidence = gate.Pass, tally(steps)
	}
	return result
}

// tally counts what was seen as promised: "11 refused by the gateway, 1 admitted".
func tally(steps []step) string {
	var order []string
	n := map[string]int{}
	for _, s := range steps {
		if n[s.want.said]++; n[s.want.said] == 1 {
			order = append(order, s.want.said)
		}
	}
	for i, said := range order {
		order[i] = fmt.Sprintf("%d %s", n[said], said)
	}
	return "As promised: " + strings.Join(order, ", ")
}

// maxQuoted bounds how many single findings a result lists.
const maxQuoted = 6

func sentence(parts []string) string {
	if len(parts) > maxQuoted {
		parts = append(parts[:maxQuoted:maxQuoted], fmt.Sprintf("and %d more", len(parts)-maxQuoted))
	}
	return strings.Join(parts, "; ")
}

// admittedResult judges a chat by authentication and shows the provider's
// failure beside it.
func admittedResult(a gate.Answer, done string) gate.Result {
	switch {
	case a.Kind == gate.Served:
		return gate.Passed(done)
	case a.Kind == gate.ProviderError:
		return gate.Result{Verdict: gate.Pass, Provider: a.Full(),
			Evidence: "The gateway accepted the key; its provider then failed"}
	case a.Denied():
		return gate.Failed("The gateway refused the key: " + a.Full())
	}
	return gate.Unknown("No verdict from " + a.Target + ": " + a.Full())
}
