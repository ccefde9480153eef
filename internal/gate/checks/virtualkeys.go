package checks

import (
	"context"
	"fmt"
	"time"

	"sluice/internal/gate"
	"sluice/internal/record"
)

const (
	controlCreation = "Virtual key creation"
	controlKeyAuth  = "Virtual key authentication"
)

// virtualKeys is system 2 as the original report has it.
func virtualKeys() []gate.Check {
	return []gate.Check{
		{
			ID: "2a", System: "virtual-keys", Title: "Create virtual key", Core: true,
			Needs: gate.NeedMaster, Aspect: gate.Security, Severity: record.SeverityHigh, Control: controlCreation,
			Verified: "Keys are stored with their metadata and lifetime, and every replica reads them",
			Remedy:   "Give the gateway a database that all replicas share (general_settings.database_url).",
			Sends:    []string{"POST /key/generate", "GET /key/info?key={plain.hash}"},
			Curl:     curlReadBack("2a", "plain", `"sluice_gate": *"`),
			Run:      createKey,
		},
		{
			ID: "2b", System: "virtual-keys", Title: "Use virtual key for chat", Core: true,
			Needs: gate.NeedMaster | gate.NeedModel, Aspect: gate.Operational, Severity: record.SeverityHigh, Control: controlKeyAuth,
			Verified: "A virtual key is accepted for chat",
			Remedy:   "Read the refusal: the key was made a moment ago and restricts nothing.",
			Sends:    []string{"POST /v1/chat/completions"},
			Curl:     curlChat("2b", 0, "plain"),
			Run: func(ctx context.Context, env *gate.Env) gate.Result {
				a := env.Chat(ctx, 0, "plain")
				return admittedResult(a, fmt.Sprintf("Got 200 from model %s", env.Model))
			},
		},
	}
}

// curlReadBack is the curl of a check that makes an object key and finds a
// text in its record on every replica.
func curlReadBack(id, name, pattern string) func(gate.Plan) string {
	return func(p gate.Plan) string {
		r := gate.Request{Path: "/key/info?key={" + name + ".hash}", As: "master"}
		b := gate.ShellObjects(Blueprints(), r)
		for t := range targets(p) {
			r.To = t
			b += gate.Curl(r) + " |\n  want " + id + " has " + gate.ShellWord(pattern) + "\n"
		}
		return b
	}
}

// curlChat is the curl of a check that sends one chat.
func curlChat(id string, to gate.Target, as string) func(gate.Plan) string {
	return func(gate.Plan) string {
		r := gate.ChatRequest(to, as, "{model}")
		return gate.ShellObjects(Blueprints(), r) + gate.Curl(r) + " |\n  want " + id + " admitted\n"
	}
}

// targets yields the replicas of a plan, or the gateway if it has none.
func targets(p gate.Plan) func(func(gate.Target) bool) {
	return func(yield func(gate.Target) bool) {
		if len(p.Replicas) == 0 {
			yield(0)
			return
		}
		for i := range p.Replicas {
			if !yield(gate.Target(i + 1)) {
				return
			}
		}
	}
}

func createKey(ctx context.Context, env *gate.Env) gate.Result {
	key, err := env.Shared(ctx, "plain")
	if err != nil {
		return unmade(key, err)
	}
	for _, t := range env.Targets() {
		a := env.Send(ctx, gate.Request{To: t, Path: "/key/info?key={plain.hash}", As: "master"})
		if a.Silent() || a.Kind == gate.ServerError {
			return gate.Unknown("the record could not be read back from " + a.Target + ": " + a.String())
		}
		if a.Kind != gate.Served {
			return gate.Failed(a.Target + " does not know the new key: " + a.String())
		}
		if got := a.Text("info", "metadata", "sluice_gate"); got == "" {
			return gate.Failed(a.Target + " has the key's record without its metadata")
		}
		if why := wrongExpiry(a.Text("info", "expires"), time.Now()); why != "" {
			return gate.Failed(a.Target + ": " + why)
		}
	}
	return gate.Passed(fmt.Sprintf("Created key %s (a masked name); metadata and lifetime read back by hash on %s",
		masked(key), counted(len(env.Targets()), "address", "addresses")))
}

// wrongExpiry says what is wrong with the end of a key made for an hour; the
// clocks of gate and gateway may differ by some minutes.
func wrongExpiry(expires string, now time.Time) string {
	at, err := time.Parse(time.RFC3339Nano, expires)
	if err != nil {
		return "the key has no end, though it was made for an hour"
	}
	if left := at.Sub(now); left < 45*time.Minute || left > 75*time.Minute {
		return fmt.Sprintf("the key ends in %v, though it was made for an hour", left.Round(time.Minute))
	}
	return ""
}

// unmade judges that an object could not be made: a refusal is the gateway's
// failure to do what it promises, no answer is not.
func unmade(o *gate.Object, err error) gate.Result {
	if o == nil || o.Answer.Silent() || o.Answer.Kind == gate.Refused || o.Answer.Kind == gate.ServerError {
		return gate.Unknown(err.Error())
	}
	return gate.Failed(err.Error())
}

// masked is the name that the gateway itself shows of a key.
func masked(o *gate.Object) string {
	if name := o.Answer.Text("key_name"); len(name) <= len("sk-...1234") && name != "" {
		return name
	}
	return "sk-..."
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
