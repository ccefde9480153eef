package checks

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sluice/internal/gate"
	"sluice/internal/record"
)

const (
	controlRevocation = "Revocation across replicas"
	// cacheLife is how long LiteLLM keeps what it knows of a key in memory
	// (user_api_key_cache_ttl), and some more.
	cacheLife = 60*time.Second + 15*time.Second
)

// change is something done to a key after which it must be refused, or admitted.
type change struct {
	id, title, verified string
	fields              string // of the key
	team                bool   // the key belongs to a team made for it
	apply               func(key, team *gate.Object) gate.Request
	admit               bool // it must be admitted afterwards
	severity            record.Severity
	probe               func(t gate.Target, as string) gate.Request // nil: /v1/models, which costs nothing
}

// revocation is system 7.
func revocation() []gate.Check {
	list := []change{
		{id: "7a", title: "Blocked key refused everywhere in time", verified: "A blocked key is refused by every replica in time",
			severity: record.SeverityHigh, apply: keyChange("/key/block", `{"key":"%s"}`)},
		{id: "7b", title: "Unblocked key admitted everywhere in time", verified: "An unblocked key is admitted by every replica in time",
			severity: record.SeverityLow, apply: keyChange("/key/unblock", `{"key":"%s"}`), admit: true},
		{id: "7c", title: "Expired key refused everywhere in time", verified: "An expired key is refused by every replica in time",
			severity: record.SeverityHigh, fields: expiresIn(4)},
		{id: "7d", title: "Deleted key refused everywhere in time", verified: "A deleted key is refused by every replica in time",
			severity: record.SeverityHigh, apply: keyChange("/key/delete", `{"keys":["%s"]}`)},
		{id: "7e", title: "Blocked team's key refused everywhere in time", verified: "The keys of a blocked team are refused by every replica in time",
			severity: record.SeverityHigh, team: true, apply: teamChange("/team/block", `{"team_id":"%s"}`), probe: byChat},
		{id: "7f", title: "Deleted team's key refused everywhere in time", verified: "The keys of a deleted team are refused by every replica in time",
			severity: record.SeverityHigh, team: true, apply: teamChange("/team/delete", `{"team_ids":["%s"]}`), probe: byChat},
		{id: "7g", title: "Withdrawn model refused everywhere in time", verified: "A model taken from a key is refused by every replica in time",
			severity: record.SeverityMedium, apply: keyChange("/key/update", `{"key":"%s","models":["sluice-gate-none"]}`), probe: byChat},
	}
	var checks []gate.Check
	for _, ch := range list {
		checks = append(checks, ch.check())
	}
	return checks
}

// byChat asks where a list of models or a team counts, which /v1/models does
// not look at before its cache ends.
func byChat(t gate.Target, as string) gate.Request { return gate.ChatRequest(t, as, "{model}") }

func keyChange(path, body string) func(key, team *gate.Object) gate.Request {
	return func(key, _ *gate.Object) gate.Request {
		return gate.Request{Path: path, As: "master", Body: fmt.Sprintf(body, key.Hash)}
	}
}

func teamChange(path, body string) func(key, team *gate.Object) gate.Request {
	return func(_, team *gate.Object) gate.Request {
		return gate.Request{Path: path, As: "master", Body: fmt.Sprintf(body, team.Name)}
	}
}

func (ch change) check() gate.Check {
	c := gate.Check{ID: ch.id, System: "revocation", Title: ch.title, Verified: ch.verified, Slow: true,
		Needs: gate.NeedMaster, Aspect: gate.Security, Severity: ch.severity, Control: controlRevocation,
		Remedy: "Replicas keep what they know of a key in memory for 60 s. Share that cache (1.106: general_settings.enable_redis_auth_cache with a Redis), " +
			"shorten it (general_settings.user_api_key_cache_ttl), or restart the replicas when a key must die at once.",
		Sends: []string{"POST /key/generate", ch.request("HASH", "TEAM").Line(), ch.ask(0, "").Line()},
	}
	if ch.admit {
		c.Aspect = gate.Operational
		c.Sends = append(c.Sends, "POST /key/block")
	}
	if ch.probe != nil {
		c.Needs |= gate.NeedModel
	}
	c.Run = ch.run
	c.Curl = ch.byHand
	return c
}

// request is the change, "GET nothing" for one that time makes.
func (ch change) request(hash, team string) gate.Request {
	if ch.apply == nil {
		return gate.Request{Path: "/v1/models"}
	}
	return ch.apply(&gate.Object{Hash: hash}, &gate.Object{Name: team})
}

// ask is the request by which a replica shows whether it knows of the change.
func (ch change) ask(t gate.Target, as string) gate.Request {
	if ch.probe != nil {
		return ch.probe(t, as)
	}
	return gate.Request{To: t, Path: "/v1/models", As: as}
}

// expiresIn is the lifetime of a key that is to expire under the check.
func expiresIn(seconds int) string { return fmt.Sprintf(`"duration":"%ds"`, seconds) }

// longerLives are what an expiring key gets when it had expired before a busy
// gateway was asked.
var longerLives = []int{20, 60}

func (ch change) run(ctx context.Context, env *gate.Env) gate.Result {
	key, team, result := ch.prepare(ctx, env)
	if result.Verdict != "" {
		return result
	}
	why := ch.warm(ctx, env, key, !ch.admit)
	for _, seconds := range longerLives {
		if why == "" || ch.apply != nil {
			break
		}
		ch.fields = expiresIn(seconds)
		if key, team, result = ch.prepare(ctx, env); result.Verdict != "" {
			return result
		}
		why = ch.warm(ctx, env, key, !ch.admit)
	}
	if why != "" {
		return gate.Unknown(why)
	}
	begin := time.Now()
	if ch.apply != nil {
		if a := env.Send(ctx, ch.apply(key, team)); a.Kind != gate.Served {
			return gate.Unknown("the change was not accepted: " + a.Full())
		}
		begin = time.Now()
	} else if at, err := time.Parse(time.RFC3339Nano, key.Answer.Text("expires")); err == nil {
		if err := env.Wait(ctx, time.Until(at)); err != nil {
			return gate.Unknown("the run ended first")
		}
		begin = at
	}
	return ch.measure(ctx, env, key, begin)
}

// prepare makes the key, blocked already where it is to be unblocked.
func (ch change) prepare(ctx context.Context, env *gate.Env) (key, team *gate.Object, result gate.Result) {
	fields := ch.fields
	var err error
	if ch.team {
		if team, err = env.NewTeam(ctx, ""); err != nil {
			return nil, nil, unmade(team, err)
		}
		fields = fmt.Sprintf(`"team_id":%q`, team.Name)
	}
	if key, err = env.NewKey(ctx, fields); err != nil {
		return nil, nil, unmade(key, err)
	}
	if ch.admit {
		if a := env.Send(ctx, keyChange("/key/block", `{"key":"%s"}`)(key, nil)); a.Kind != gate.Served {
			return nil, nil, gate.Unknown("the key could not be blocked first: " + a.String())
		}
	}
	return key, team, result
}

// warm makes every replica remember the key as it is before the change.
func (ch change) warm(ctx context.Context, env *gate.Env, key *gate.Object, admitted bool) string {
	for _, t := range env.Targets() {
		if a := env.Send(ctx, ch.ask(t, key.As())); a.Admitted() != admitted {
			return fmt.Sprintf("%s did not know the key as it was before the change: %s", place(t), a)
		}
	}
	return ""
}

// following is when replicas were seen to follow a change, since it was made.
type following struct {
	before map[gate.Target]time.Duration // the last question that was answered as before the change, when it was sent
	after  map[gate.Target]time.Duration // the first answer that follows the change, when it came
}

// mayStumble is how often a replica may give no answer before it is given up: a
// 1.106.2 that is asked for its OpenAPI document the first time says nothing
// else for 20 s on a busy machine. What it knew in that time nobody saw, and
// judge does not count it.
const mayStumble = 3

// measure asks every replica until it knows of the change.
func (ch change) measure(ctx context.Context, env *gate.Env, key *gate.Object, begin time.Time) gate.Result {
	seen := following{map[gate.Target]time.Duration{}, map[gate.Target]time.Duration{}}
	stumbles := map[gate.Target]int{}
	for pending := env.Targets(); ; {
		var later []gate.Target
		for _, t := range pending {
			sent := time.Since(begin)
			a := env.Send(ctx, ch.ask(t, key.As()))
			switch {
			case (a.Kind == gate.NoAnswer || a.Kind == gate.ServerError) && stumbles[t] < mayStumble:
				stumbles[t]++
				later = append(later, t)
			case a.Silent() || a.Kind == gate.ServerError:
				return gate.Unknown("no answer from " + place(t) + " to judge: " + a.String())
			case a.Admitted() == ch.admit:
				seen.after[t] = time.Since(begin)
			case sent > cacheLife:
				return gate.Failed(fmt.Sprintf("%s had not followed after %.0f s, longer than its cache keeps a key (limit %v)", place(t), sent.Seconds(), env.MaxRevocation))
			default:
				seen.before[t] = sent
				later = append(later, t)
			}
		}
		if pending = later; len(pending) == 0 {
			return seen.judge(env)
		}
		if err := env.Wait(ctx, pause(time.Since(begin), env.MaxRevocation)); err != nil {
			return seen.cutShort(env, pending[0])
		}
	}
}

// judge holds what was seen against the limit. Between a replica's last answer
// as before and its first as after lies the time that counts: on a busy machine
// the limit may lie there too, and then nothing is known.
func (f following) judge(env *gate.Env) gate.Result {
	var said []string
	late, unclear := false, ""
	for _, t := range env.Targets() {
		said = append(said, fmt.Sprintf("%s after %.1f s", place(t), f.after[t].Seconds()))
		switch {
		case f.before[t] > env.MaxRevocation:
			late = true
		case f.after[t] > env.MaxRevocation:
			unclear = fmt.Sprintf("%s followed between %.1f and %.1f s, when the answers came (limit %v)", place(t), f.before[t].Seconds(), f.after[t].Seconds(), env.MaxRevocation)
		}
	}
	evidence := fmt.Sprintf("%s (limit %v)", strings.Join(said, ", "), env.MaxRevocation)
	switch {
	case late:
		return gate.Failed(evidence + ": a replica keeps what it knows of a key in its own cache")
	case unclear != "":
		return gate.Unknown(unclear)
	}
	return gate.Passed(evidence)
}

// cutShort judges a run that ended while a replica had not followed.
func (f following) cutShort(env *gate.Env, t gate.Target) gate.Result {
	if f.before[t] > env.MaxRevocation {
		return gate.Failed(fmt.Sprintf("%s had not followed after %.0f s (limit %v), when the run ended", place(t), f.before[t].Seconds(), env.MaxRevocation))
	}
	return gate.Unknown("the run ended first")
}

// pause is short while the limit is near and long where only the cache's end
// is waited for.
func pause(since, limit time.Duration) time.Duration {
	if since < limit+time.Second {
		return max(limit/20, 50*time.Millisecond)
	}
	return 2 * time.Second
}

// byHand changes the key through the gateway and asks each replica when the
// limit is over.
func (ch change) byHand(p gate.Plan) string {
	name := "k" + ch.id
	var b strings.Builder
	fields := ch.fields
	if ch.team {
		fmt.Fprintf(&b, "team t%s '{\"team_id\":\"'\"$RUN\"'-%s\"}'\n", ch.id, ch.id)
		fields = `"team_id":"'"$t` + ch.id + `_id"'"`
	}
	if !strings.Contains(fields, `"duration"`) {
		fields = strings.TrimPrefix(fields+`,"duration":"1h"`, ",")
	}
	fmt.Fprintf(&b, "key %s '{\"key_alias\":\"'\"$RUN\"'-%s\",%s}'\n", name, ch.id, fields)
	if ch.admit {
		b.WriteString(gate.Curl(gate.Request{Path: "/key/block", As: "master", Body: `{"key":"{` + name + `.hash}"}`}) + " > /dev/null\n")
	}
	for t := range targets(p) {
		b.WriteString(gate.Curl(ch.ask(t, name)) + " > /dev/null     # it remembers the key\n")
	}
	if ch.apply != nil {
		b.WriteString(gate.Curl(ch.request("{"+name+".hash}", "{t"+ch.id+".id}")) + " > /dev/null\n")
	}
	fmt.Fprintf(&b, "sleep %d\n", int(p.MaxRevocation.Seconds()+0.999)+map[bool]int{true: 4}[ch.apply == nil])
	want := "refused"
	if ch.admit {
		want = "admitted"
	}
	for t := range targets(p) {
		fmt.Fprintf(&b, "%s |\n  want %s %s\n", gate.Curl(ch.ask(t, name)), ch.id, want)
	}
	return b.String()
}
