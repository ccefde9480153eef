package checks

import (
	"sluice/internal/gate"
	"sluice/internal/record"
)

const controlMaster = "Master key enforcement"

// masterKey is system 1 as the original report has it.
func masterKey() []gate.Check {
	base := gate.Check{System: "master-key", Aspect: gate.Security, Severity: record.SeverityCritical, Control: controlMaster, Core: true, Safe: true}
	noAuth, invalid, master := base, base, base
	noAuth.ID, noAuth.Title = "1a", "No auth header → 401/403"
	noAuth.Verified = "Endpoints require an authorization header"
	noAuth.Remedy = "Set general_settings.master_key: without it the gateway serves everybody."
	invalid.ID, invalid.Title = "1b", "Invalid key → 401/403"
	invalid.Verified = "Unknown keys are refused"
	invalid.Remedy = "Find out what answers in the gateway's place: an unknown key must be refused. Check custom_auth and the balancer."
	master.ID, master.Title, master.Safe, master.Needs = "1c", "Master key → 200/201", false, gate.NeedMaster
	master.Verified = "The master key administers the gateway"
	master.Remedy = "Give the gate the master key that the gateway runs with, on every replica the same, and the gateway a database."
	return []gate.Check{
		stepped(noAuth, step{Request: gate.Request{Path: "/key/info"}, want: status(401, 403)}),
		stepped(invalid, step{Request: gate.Request{Path: "/key/info", As: "invalid"}, want: status(401, 403)}),
		stepped(master, step{Request: gate.Request{Path: "/key/generate", As: "master",
			Body: `{"duration":"1h","key_alias":"{run}-1c"}`}, want: status(200, 201)}),
	}
}
