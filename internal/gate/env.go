package gate

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Env is what a check gets: the plan of the run, a way to send, and objects
// that are removed when the run ends. It is safe for concurrent use.
type Env struct {
	Plan
	check string // id, in the names of what it makes
	s     *session
}

// Send sends a request; it always returns an answer (see Answer.Kind).
func (e *Env) Send(ctx context.Context, r Request) Answer { return e.s.send(ctx, r) }

// Chat sends the smallest chat there is. As says who asks.
func (e *Env) Chat(ctx context.Context, to Target, as string) Answer {
	return e.Send(ctx, ChatRequest(to, as, "{model}"))
}

// ChatRequest is a chat of a few tokens.
func ChatRequest(to Target, as, model string) Request {
	return Request{To: to, As: as, Path: "/v1/chat/completions", Body: ChatBody(model, "Hello")}
}

// ChatBody is the body of a chat; content must need no JSON escape.
func ChatBody(model, content string) string {
	return fmt.Sprintf(`{"model":"%s","messages":[{"role":"user","content":"%s"}],"max_tokens":5}`, model, content)
}

// Shared returns an object that several checks use.
func (e *Env) Shared(ctx context.Context, name string) (*Object, error) {
	return e.s.object(ctx, name)
}

// NewKey makes a key for this check alone; fields are further members of the
// body, in JSON. Its As() asks in its name.
func (e *Env) NewKey(ctx context.Context, fields string) (*Object, error) {
	return e.make(ctx, Blueprint{Kind: KeyObject, Fields: fields})
}

// NewTeam makes a team for this check alone.
func (e *Env) NewTeam(ctx context.Context, fields string) (*Object, error) {
	return e.make(ctx, Blueprint{Kind: TeamObject, Fields: fields})
}

func (e *Env) make(ctx context.Context, b Blueprint) (*Object, error) {
	n := e.s.sequence.Add(1)
	return e.s.create(ctx, b, e.check+"-"+strconv.FormatInt(n, 10))
}

// Name is a name for something this check asks the gateway to make.
func (e *Env) Name(suffix string) string { return e.s.name(e.check + "-" + suffix) }

// Note enters something for removal that a request which ought to be refused
// would have made.
func (e *Env) Note(kind ObjectKind, name string) { e.s.note(&Object{Kind: kind, Name: name}) }

// Hide has a value scrubbed from every output.
func (e *Env) Hide(secret string) { e.s.scrub.Add(secret) }

// Undo has do called when the run ends, whatever happens to the check.
func (e *Env) Undo(what string, do func(ctx context.Context) error) {
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	e.s.undo = append(e.s.undo, undoing{what, do})
}

// As is how a Request names the key of an object made by this check.
func (o *Object) As() string { return "hash:" + o.Hash }

// Wait sleeps, or says that the run is over.
func (e *Env) Wait(ctx context.Context, d time.Duration) error { return sleep(ctx, d) }

// Targets are the replicas, or the gateway if none was named.
func (e *Env) Targets() []Target {
	if len(e.Replicas) == 0 {
		return []Target{0}
	}
	targets := make([]Target, len(e.Replicas))
	for i := range targets {
		targets[i] = Target(i + 1)
	}
	return targets
}

// Base is the address of a target.
func (e *Env) Base(t Target) string {
	_, base, _ := e.s.place(t)
	return base
}

// Dial opens a connection to a target, for requests that no client would send.
func (e *Env) Dial(ctx context.Context, t Target) (net.Conn, error) {
	return e.s.client.dial(ctx, e.Base(t))
}

// Logs reads what the gateway logged since the run began; nil without --logs.
func (e *Env) Logs() LogProbe { return e.s.logs }

// Provider is the built-in provider; nil if it does not run.
func (e *Env) Provider() ProviderProbe { return e.s.provider }

// Secrets are the values that detectors are told, by a name that reports may
// show: the master key, every key of the run, every canary.
func (e *Env) Secrets() map[string]string { return e.s.secrets() }

// Once calls f the first time a check of the run asks for that name; the
// others wait until it has returned.
func (e *Env) Once(name string, f func()) {
	e.s.mu.Lock()
	once := e.s.once[name]
	if once == nil {
		once = newOnce()
		e.s.once[name] = once
	}
	e.s.mu.Unlock()
	once.do(f)
}

// Keep and Kept pass a value from one check to others of the run.
func (e *Env) Keep(name string, value any) { e.s.kept.Store(name, value) }

// Tell lets {name.made} refer to the id of something that a request made.
func (e *Env) Tell(name, id string) { e.s.kept.Store(madeRef(name), id) }

// Kept returns what was kept under a name, nil if nothing was.
func (e *Env) Kept(name string) any {
	v, _ := e.s.kept.Load(name)
	return v
}

// Meets says whether what a check needs is there.
func (e *Env) Meets(needs Needs) bool {
	_, missing := e.s.unmet(Check{Needs: needs})
	return !missing
}

// Expand resolves the references of a text; "" if that is impossible.
func (e *Env) Expand(ctx context.Context, text string) string {
	v, err := e.s.expand(ctx, text)
	if err != nil {
		return ""
	}
	return v
}
