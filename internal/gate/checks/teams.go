package checks

import (
	"context"
	"fmt"

	"sluice/internal/gate"
	"sluice/internal/record"
)

const (
	controlTeams    = "Team creation & isolation"
	controlTeamData = "Team data isolation"
)

// teams is system 4 as the original report has it.
func teams() []gate.Check {
	base := gate.Check{System: "team-isolation", Core: true, Needs: gate.NeedMaster, Aspect: gate.Security,
		Severity: record.SeverityMedium, Control: controlTeams,
		Remedy: "Give the gateway a database that all replicas share (general_settings.database_url)."}
	var all []gate.Check
	for i, name := range []string{"team1", "team2"} {
		c := base
		c.ID, c.Title = string(rune('a'+i)), fmt.Sprintf("Create team %d", i+1)
		c.ID = "4" + c.ID
		c.Verified = "Teams can be created"
		c.Sends = []string{"POST /team/new", "GET /team/info?team_id={" + name + ".id}"}
		c.Run, c.Curl = createTeam(name), curlTeam(c.ID, name)
		all = append(all, c)
	}
	for i, name := range []string{"team1key", "team2key"} {
		c := base
		c.ID, c.Title = "4"+string(rune('c'+i)), fmt.Sprintf("Create key for team %d", i+1)
		c.Verified = "Keys belong to their team"
		c.Sends = []string{"POST /team/new", "POST /key/generate", "GET /key/info?key={" + name + ".hash}"}
		c.Run, c.Curl = createTeamKey(name, name[:len("team1")]), curlTeamKey(c.ID, name)
		all = append(all, c)
	}
	works := base
	works.ID, works.Title, works.Aspect = "4e", "Team keys work independently", gate.Operational
	works.Needs |= gate.NeedModel
	works.Verified = "Keys of two teams are accepted, each by itself"
	works.Remedy = "Read the refusal: both keys were made a moment ago."
	works.Sends = []string{"POST /v1/chat/completions"}
	works.Run = teamKeysWork
	works.Curl = func(p gate.Plan) string {
		return curlChat("4e", 0, "team1key")(p) + curlChat("4e", 0, "team2key")(p)
	}
	return append(all, works)
}

func createTeam(name string) func(context.Context, *gate.Env) gate.Result {
	return func(ctx context.Context, env *gate.Env) gate.Result {
		team, err := env.Shared(ctx, name)
		if err != nil {
			return unmade(team, err)
		}
		a := env.Send(ctx, gate.Request{Path: "/team/info?team_id={" + name + ".id}", As: "master"})
		if a.Kind != gate.Served {
			return gate.Unknown("the team could not be read back: " + a.String())
		}
		if a.Text("team_info", "team_alias") != team.Name {
			return gate.Failed("the team's record is not the one that was made")
		}
		return gate.Passed("Created team: " + team.Name)
	}
}

func curlTeam(id, name string) func(gate.Plan) string {
	return func(gate.Plan) string {
		r := gate.Request{Path: "/team/info?team_id={" + name + ".id}", As: "master"}
		return gate.ShellObjects(Blueprints(), r) + gate.Curl(r) + " |\n  want " + id + " served\n"
	}
}

func createTeamKey(name, team string) func(context.Context, *gate.Env) gate.Result {
	return func(ctx context.Context, env *gate.Env) gate.Result {
		key, err := env.Shared(ctx, name)
		if err != nil {
			return unmade(key, err)
		}
		owner, err := env.Shared(ctx, team)
		if err != nil {
			return unmade(owner, err)
		}
		a := env.Send(ctx, gate.Request{Path: "/key/info?key={" + name + ".hash}", As: "master"})
		if a.Kind != gate.Served {
			return gate.Unknown("the key could not be read back: " + a.String())
		}
		if a.Text("info", "team_id") != owner.Name {
			return gate.Failed("the key's record does not name its team")
		}
		return gate.Passed("Key " + masked(key) + " created for " + owner.Name)
	}
}

func curlTeamKey(id, name string) func(gate.Plan) string {
	return func(gate.Plan) string {
		r := gate.Request{Path: "/key/info?key={" + name + ".hash}", As: "master"}
		return gate.ShellObjects(Blueprints(), r) + gate.Curl(r) + " |\n  want " + id + " has \"$" + name[:len("team1")] + "_id\"\n"
	}
}

func teamKeysWork(ctx context.Context, env *gate.Env) gate.Result {
	first := admittedResult(env.Chat(ctx, 0, "team1key"), "served")
	second := admittedResult(env.Chat(ctx, 0, "team2key"), "served")
	evidence := fmt.Sprintf("Team 1: %s. Team 2: %s", first.Evidence, second.Evidence)
	provider := first.Provider
	if provider == "" {
		provider = second.Provider
	}
	return gate.Result{Verdict: worst(first.Verdict, second.Verdict), Evidence: evidence, Provider: provider}
}

// worst is the verdict of two parts.
func worst(a, b gate.Verdict) gate.Verdict {
	for _, v := range []gate.Verdict{gate.Fail, gate.Inconclusive} {
		if a == v || b == v {
			return v
		}
	}
	return gate.Pass
}
