package checks

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"sluice/internal/gate"
)

// tagRequest names a tag in each place where a client can.
func tagRequest() gate.Request {
	return gate.Request{Path: "/v1/chat/completions", As: "tagger", Headers: []gate.Header{{Name: "x-litellm-tags", Value: "{victimtag.id}"}},
		Body: `{"model":"{model}","messages":[{"role":"user","content":"Hello"}],"max_tokens":5,` +
			`"tags":["{victimtag.id}"],"metadata":{"tags":["{victimtag.id}"]}}`}
}

var tagSpends = gate.Request{Path: "/spend/tags", As: "master"}

// tagSpoof lets a key spend under a tag that is not its own.
func tagSpoof(c gate.Check) gate.Check {
	c.ID, c.Title, c.Control, c.Slow = "2m", "Client cannot spend under another's tag", controlSpoofing, true
	c.Needs |= gate.NeedModel
	c.Verified = "A tag that a client names is not booked as spent by that tag"
	c.Remedy = "Do not bill or limit by tags that clients name: whoever knows a tag spends its budget. Have the proxy in front drop x-litellm-tags, " +
		"and give teams and keys budgets of their own."
	c.Sends = []string{"POST /tag/new", tagRequest().Line(), "GET /key/info?key={tagger.hash}", tagSpends.Line()}
	c.Curl = func(gate.Plan) string {
		return gate.ShellObjects(Blueprints(), tagRequest()) +
			curlCharged("2m", tagRequest(), gate.Curl(tagSpends)+" |\n  want 2m lacks "+gate.ShellWord(`"{victimtag.id}"`)+"\n")
	}
	c.Run = runTagSpoof
	return c
}

func runTagSpoof(ctx context.Context, env *gate.Env) gate.Result {
	tag, result := madeTag(ctx, env, "victimtag")
	if result.Verdict != "" {
		return result
	}
	// What the asking key had spent before is not of this request.
	before, err := spend(ctx, env, "/key/info?key={tagger.hash}", "info")
	if err != nil {
		return gate.Unknown(err.Error())
	}
	if result := unspent(env.Send(ctx, tagRequest()), "names a tag"); result.Verdict != "" {
		return result
	}
	return whoseTag(ctx, env, tag, before)
}

// whoseTag waits until the request was booked and says under what.
func whoseTag(ctx context.Context, env *gate.Env, tag *gate.Object, before float64) gate.Result {
	for begin := time.Now(); ; {
		own, err := spend(ctx, env, "/key/info?key={tagger.hash}", "info")
		if err != nil {
			return gate.Unknown(err.Error())
		}
		paid, err := paidSoon(ctx, env, tag, own > before)
		switch {
		case err != nil:
			return gate.Unknown(err.Error())
		case paid > 0:
			return gate.Failed(fmt.Sprintf("a tag that the client named was charged $%.2g: any key can spend the budget of any tag", paid))
		case own > before:
			return gate.Passed("The key that asked pays, the tag that it named does not")
		case time.Since(begin) > env.SpendDeadline:
			return gate.Unknown(fmt.Sprintf("nobody was charged in %v: model %s has no price at this gateway", env.SpendDeadline, env.Model))
		}
	}
}

// paidSoon reads what was spent under a tag: once a second, and for longer when
// the asking key was charged, since tags are written after keys.
func paidSoon(ctx context.Context, env *gate.Env, tag *gate.Object, charged bool) (float64, error) {
	for n := 1; ; n++ {
		if err := env.Wait(ctx, askEvery); err != nil {
			return 0, err
		}
		paid, err := tagSpent(ctx, env, tag.Name)
		if err != nil || paid > 0 || !charged || n == writtenLate {
			return paid, err
		}
	}
}

// writtenLate is for how many looks more what is written after the spend of a
// key is waited for.
const writtenLate = 5

// tagSpent reads what was spent under a tag, in dollars.
func tagSpent(ctx context.Context, env *gate.Env, tag string) (float64, error) {
	a := env.Send(ctx, tagSpends)
	rows, ok := a.Field().([]any)
	if a.Kind != gate.Served || !ok {
		return 0, fmt.Errorf("the spend of tags could not be read: %s", a)
	}
	for _, r := range rows {
		if row, _ := r.(map[string]any); row["individual_request_tag"] == tag {
			paid, _ := row["total_spend"].(float64)
			return paid, nil
		}
	}
	return 0, nil
}

// madeTag makes a tag, or says why there is none.
func madeTag(ctx context.Context, env *gate.Env, name string) (*gate.Object, gate.Result) {
	tag, err := env.Shared(ctx, name)
	switch {
	case err == nil:
		return tag, gate.Result{}
	case tag != nil && (tag.Answer.Status == http.StatusNotFound || tag.Answer.Status == http.StatusMethodNotAllowed):
		return nil, gate.Skip("the gateway has no tags: POST /tag/new got " + tag.Answer.String())
	}
	return nil, unmade(tag, err)
}

// tagBudget has a key of a tag spend the tag's budget.
func tagBudget(c gate.Check) gate.Check {
	c.ID, c.Title, c.Control, c.Slow = "3k", "Tag over its budget → its keys get a 4xx error", controlBudget, true
	c.Verified = "A key whose metadata give it a tag is refused when the tag's budget is spent"
	c.Remedy = "Upgrade the gateway: 1.81 looks at the tags of the request alone, not at those of the key. Give keys budgets of their own."
	c.Sends = []string{"POST /budget/new", "POST /tag/new", "POST /v1/chat/completions", "GET /key/info?key={poortagkey.hash}"}
	c.Curl = func(gate.Plan) string { return curlUntilBudget("3k", "poortagkey") }
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		if _, result := madeTag(ctx, env, "poortag"); result.Verdict != "" {
			return result
		}
		return exceed(ctx, env, "poortagkey", "/key/info?key={poortagkey.hash}", "info")
	}
	return c
}
