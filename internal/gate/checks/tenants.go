package checks

import (
	"context"
	"fmt"

	"sluice/internal/gate"
	"sluice/internal/record"
)

// tenants is what system 4 has beyond the original report: what the key of one
// team can read and do of another's. Keys are named by hash: the key itself
// would stand in access logs, and hashes are no secret (they stand in logs,
// 401 and 429 bodies).
func tenants() []gate.Check {
	base := gate.Check{System: "team-isolation", Needs: gate.NeedMaster, Aspect: gate.Security, Severity: record.SeverityHigh, Control: controlTeamData}
	return []gate.Check{
		teamModels(base), otherTeam(base), otherKey(base), otherKeys(base), listings(base), spending(base), activity(base),
		writesToKeys(base), writesToTeams(base), otherUser(base), enumeration(base), otherResponse(base), otherFiles(base), sharedCache(base), otherBatch(base), otherVectorStore(base),
	}
}

func teamModels(c gate.Check) gate.Check {
	c.ID, c.Title, c.Control = "4f", "Team restricted to a model → others refused", controlLimitsOfKeys
	c.Needs |= gate.NeedModels | gate.NeedModel
	c.Verified = "A team's list of models is enforced for its keys"
	c.Remedy = "Upgrade the gateway, and restrict models by key as well."
	return stepped(c,
		step{label: "other model", Request: gate.ChatRequest(0, "team1key", "{other}"), want: refused},
		step{label: "its own model", Request: gate.ChatRequest(0, "team1key", "{model}"), want: admitted})
}

func otherTeam(c gate.Check) gate.Check {
	c.ID, c.Title = "4g", "Other team's record → refused"
	c.Verified = "A team's record is not shown to another team's key"
	c.Remedy = "Upgrade the gateway; until then close /team/info in the proxy in front."
	return stepped(c, step{Request: gate.Request{Path: "/team/info?team_id={team2.id}", As: "team1key"}, want: unserved})
}

func otherKey(c gate.Check) gate.Check {
	c.ID, c.Title = "4h", "Other team's key record → refused"
	c.Verified = "A key's record is not shown to another team's key"
	c.Remedy = "Give every key a user_id: LiteLLM compares the owners, and two keys without one are taken for the same owner's. Or close /key/info in the proxy in front."
	return stepped(c, step{Request: gate.Request{Path: "/key/info?key={team2key.hash}", As: "team1key"}, want: unserved})
}

func otherKeys(c gate.Check) gate.Check {
	c.ID, c.Title = "4i", "Other team's key records in bulk → refused"
	c.Verified = "Key records are not shown in bulk to another team's key"
	c.Remedy = "Close /v2/key/info in the proxy in front: it shows the record of any key whose hash is known."
	return stepped(c, step{Request: gate.Request{Path: "/v2/key/info", As: "team1key", Body: `{"keys":["{team2key.hash}"]}`}, want: unserved})
}

func listings(c gate.Check) gate.Check {
	c.ID, c.Title = "4j", "Lists of others' teams, keys and users → refused"
	c.Verified = "A team's key cannot list other teams, keys or users"
	c.Remedy = "Upgrade the gateway; until then close the lists in the proxy in front."
	return stepped(c, strangers("/key/list?team_id={team2.id}", "/key/aliases", "/team/list", "/v2/team/list?page=1", "/user/list", "/customer/list")...)
}

func spending(c gate.Check) gate.Check {
	c.ID, c.Title = "4k", "Others' spend → refused"
	c.Verified = "A team's key cannot read what others spend"
	c.Remedy = "Upgrade the gateway; until then close /spend and /global in the proxy in front."
	return stepped(c, strangers("/spend/logs?api_key={team2key.hash}", "/spend/keys", "/spend/users", "/spend/tags",
		"/global/spend/keys", "/global/spend/logs", "/global/activity", "/spend/logs/v2")...)
}

// strangers are reads of team 1's key that must not be served.
func strangers(paths ...string) []step {
	var steps []step
	for _, p := range paths {
		steps = append(steps, step{label: p, Request: gate.Request{Path: p, As: "team1key"}, want: unserved})
	}
	return steps
}

func activity(c gate.Check) gate.Check {
	c.ID, c.Title = "4l", "Everybody's daily activity → refused"
	c.Verified = "A team's key cannot read the activity of all users"
	c.Remedy = "Upgrade the gateway: for a key without a user this one adds up everybody's activity, by key and model. Until then close /user/daily/activity."
	days := "start_date=2020-01-01&end_date=2099-01-01"
	return stepped(c, strangers("/user/daily/activity?"+days, "/team/daily/activity?team_ids={team2.id}&"+days, "/tag/daily/activity?"+days)...)
}

func writesToKeys(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity = "4m", "Writes to other team's key → refused, key unharmed", record.SeverityCritical
	c.Verified = "A team's key cannot change, block or delete another team's key"
	c.Remedy = "Upgrade the gateway; until then let writes to /key through to administrators only, in the proxy in front."
	steps := writes("team1key",
		gate.Request{Path: "/key/update", Body: `{"key":"{team2key.hash}","max_budget":1000}`},
		gate.Request{Path: "/key/block", Body: `{"key":"{team2key.hash}"}`},
		gate.Request{Path: "/key/delete", Body: `{"keys":["{team2key.hash}"]}`},
		gate.Request{Path: "/key/regenerate", Body: `{"key":"{team2key.hash}"}`})
	return stepped(c, append(steps, step{label: "the key afterwards", Request: gate.Request{Path: "/v1/models", As: "team2key"}, want: admitted})...)
}

func writesToTeams(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity = "4n", "Writes to other team → refused, team unharmed", record.SeverityCritical
	c.Verified = "A team's key cannot change, block or delete another team, or make itself at home in it"
	c.Remedy = "Upgrade the gateway; until then let writes to /team through to administrators only, in the proxy in front."
	steps := writes("team1key",
		gate.Request{Path: "/team/update", Body: `{"team_id":"{team2.id}","max_budget":1000}`},
		gate.Request{Path: "/team/member_add", Body: `{"team_id":"{team2.id}","member":{"role":"admin","user_id":"{run}-4n"}}`},
		gate.Request{Path: "/team/block", Body: `{"team_id":"{team2.id}"}`},
		gate.Request{Path: "/team/delete", Body: `{"team_ids":["{team2.id}"]}`})
	return stepped(c, append(steps, step{label: "the team afterwards", Request: gate.Request{Path: "/team/info?team_id={team2.id}", As: "master"}, want: served})...)
}

func writes(as string, requests ...gate.Request) []step {
	var steps []step
	for _, r := range requests {
		r.As = as
		steps = append(steps, step{label: r.Path, Request: r, want: unserved})
	}
	return steps
}

func otherUser(c gate.Check) gate.Check {
	c.ID, c.Title = "4o", "Other user's record → refused"
	c.Verified = "A user's record is neither shown to nor changed by a key that is not theirs"
	c.Remedy = "Upgrade the gateway; until then close /user in the proxy in front."
	return stepped(c, append(strangers("/user/info?user_id={stranger.id}"),
		writes("team1key", gate.Request{Path: "/user/update", Body: `{"user_id":"{stranger.id}","user_role":"proxy_admin"}`})...)...)
}

// enumeration compares what a key is told of another's hash and of one that
// does not exist.
func enumeration(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity = "4p", "Hashes that exist and that do not → told apart by nobody", record.SeverityLow
	c.Verified = "A key cannot find out which hashes are those of keys"
	c.Remedy = "Close /key/info to virtual keys in the proxy in front: it says of any hash whether a key has it."
	other := gate.Request{Path: "/key/info?key={team2key.hash}", As: "team1key"}
	none := gate.Request{Path: "/key/info?key=" + fmt.Sprintf("%064d", 0), As: "team1key"}
	c.Sends = []string{other.Line(), none.Line()}
	c.Curl = func(gate.Plan) string {
		return gate.ShellObjects(Blueprints(), other) +
			"exists=$(" + gate.Curl(other) + ")\nnone=$(" + gate.Curl(none) + ")\n" +
			`[[ ${exists##*$'\n'} == ${none##*$'\n'} ]] && echo "4p pass" || echo "4p FAIL (${exists##*$'\n'} and ${none##*$'\n'})"` + "\n"
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		a, b := env.Send(ctx, other), env.Send(ctx, none)
		if a.Silent() || b.Silent() {
			return gate.Unknown("no answers to compare: " + a.String() + ", " + b.String())
		}
		if a.Status != b.Status {
			return gate.Failed(fmt.Sprintf("a hash of another team's key answers %s, one of no key %s", a, b))
		}
		return gate.Passed(fmt.Sprintf("Both answer %d", a.Status))
	}
	return c
}
