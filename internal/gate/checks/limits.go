package checks

import (
	"context"
	"fmt"
	"time"

	"sluice/internal/gate"
	"sluice/internal/record"
)

// limits is what system 3 has beyond the original report.
func limits() []gate.Check {
	base := gate.Check{System: "budgets", Needs: gate.NeedMaster | gate.NeedModel, Aspect: gate.Security, Severity: record.SeverityMedium, Control: controlLimits}
	return []gate.Check{rpm(base), rpmSum(base), tpm(base), parallel(base), teamBudget(base), userBudget(base), budgetReset(base),
		tagBudget(base), budgetAnew(base), tpmSum(base), parallelSum(base)}
}

func teamBudget(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity, c.Control, c.Slow = "3h", "Team over its budget → 4xx error", record.SeverityHigh, controlBudget, true
	c.Verified = "A team's key is refused when the team's budget is spent"
	c.Remedy = "Check that spend reaches the database, and give keys budgets of their own."
	c.Sends = []string{"POST /v1/chat/completions", "GET /team/info?team_id={poorteam.id}"}
	c.Curl = func(gate.Plan) string { return curlUntilBudget("3h", "poorteamkey") }
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		return exceed(ctx, env, "poorteamkey", "/team/info?team_id={poorteam.id}", "team_info")
	}
	return c
}

func userBudget(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity, c.Control, c.Slow = "3i", "User over their budget → 4xx error", record.SeverityHigh, controlBudget, true
	c.Verified = "A user's key is refused when the user's budget is spent"
	c.Remedy = "Check that spend reaches the database, and give keys budgets of their own."
	c.Sends = []string{"POST /v1/chat/completions", "GET /user/info?user_id={pooruser.id}"}
	c.Curl = func(gate.Plan) string { return curlUntilBudget("3i", "pooruserkey") }
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		return exceed(ctx, env, "pooruserkey", "/user/info?user_id={pooruser.id}", "user_info")
	}
	return c
}

func budgetReset(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity, c.Control = "3j", "Budget of a day has its reset within a day", record.SeverityLow, controlBudgetCreation
	c.Needs = gate.NeedMaster
	c.Verified = "A budget with a duration is stored with the time of its reset"
	c.Remedy = "Upgrade the gateway: a budget without a reset is spent once and for all."
	read := gate.Request{Path: "/key/info?key={renewed.hash}", As: "master"}
	c.Sends = []string{"POST /key/generate", read.Line()}
	c.Curl = func(gate.Plan) string {
		return gate.ShellObjects(Blueprints(), read) + gate.Curl(read) + " |\n  want 3j has '\"budget_reset_at\": *\"20'\n"
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		a := env.Send(ctx, read)
		if a.Kind != gate.Served {
			return gate.Unknown("the budget could not be read back: " + a.String())
		}
		at, err := time.Parse(time.RFC3339Nano, a.Text("info", "budget_reset_at"))
		if err != nil {
			return gate.Failed("a budget of a day has no time of reset")
		}
		if in := time.Until(at); in < -10*time.Minute || in > 25*time.Hour {
			return gate.Failed(fmt.Sprintf("a budget of a day is reset in %v", in.Round(time.Minute)))
		}
		return gate.Passed("The budget of a day is reset at " + at.UTC().Format(time.RFC3339))
	}
	return c
}
