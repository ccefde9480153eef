// Package checks holds what the gate tests, as values of gate.Check: the
// seventeen of the report that this project started from, under its ids and in
// its sense, and those beyond them in the same scheme.
//
// The promise: All lists every check once, ids ascending; each announces what
// it sends, is the same in curl as in Go, and was run against LiteLLM 1.81.0
// and 1.106.2.
package checks

import (
	"regexp"

	"sluice/internal/gate"
)

// All lists the checks for a gateway with that many replicas named.
func All(replicas int) []gate.Check {
	var all []gate.Check
	for _, part := range [][]gate.Check{
		masterKey(), authentication(),
		virtualKeys(), keyRules(),
		budgets(), limits(),
		teams(), tenants(),
		logs(), leakProbes(),
		consistency(replicas),
		revocation(),
		exposure(),
	} {
		all = append(all, part...)
	}
	return all
}

// Blueprints are the objects that checks share, by the name that requests use.
func Blueprints() map[string]gate.Blueprint {
	return map[string]gate.Blueprint{
		"plain":       {Kind: gate.KeyObject, Fields: `"metadata":{"sluice_gate":"{run}"}`},
		"tiny":        {Kind: gate.KeyObject, Fields: `"max_budget":0.0000001`},
		"ha":          {Kind: gate.KeyObject},
		"spare":       {Kind: gate.KeyObject},
		"query":       {Kind: gate.KeyObject},
		"limited":     {Kind: gate.KeyObject, Fields: `"models":["{model}"]`},
		"routed":      {Kind: gate.KeyObject, Fields: `"allowed_routes":["/v1/models"]`},
		"poorteam":    {Kind: gate.TeamObject, Fields: `"max_budget":0.0000001`},
		"poorteamkey": {Kind: gate.KeyObject, Fields: `"team_id":"{poorteam.id}"`},
		"pooruser":    {Kind: gate.UserObject, Fields: `"user_role":"internal_user","max_budget":0.0000001`},
		"pooruserkey": {Kind: gate.KeyObject, Fields: `"user_id":"{pooruser.id}"`},
		"renewed":     {Kind: gate.KeyObject, Fields: `"max_budget":1,"budget_duration":"1d"`},
		"stranger":    {Kind: gate.UserObject, Fields: `"user_role":"internal_user"`},
		"spender":     {Kind: gate.KeyObject},
		"victimteam":  {Kind: gate.TeamObject},
		"victim":      {Kind: gate.KeyObject, Fields: `"team_id":"{victimteam.id}"`},
		"tagger":      {Kind: gate.KeyObject},
		"victimtag":   {Kind: gate.TagObject},
		"poorbudget":  {Kind: gate.BudgetObject, Fields: `"max_budget":0.0000001`},
		"poortag":     {Kind: gate.TagObject, Fields: `"budget_id":"{poorbudget.id}"`},
		"poortagkey":  {Kind: gate.KeyObject, Fields: `"metadata":{"tags":["{poortag.id}"]}`},
		"anew":        {Kind: gate.KeyObject, Fields: `"max_budget":0.0000001,"budget_duration":"5s"`},
		"admin":       {Kind: gate.UserObject, Fields: `"user_role":"proxy_admin"`},
		"adminkey":    {Kind: gate.KeyObject, Fields: `"user_id":"{admin.id}","models":["no-default-models"]`},
		"team1":       {Kind: gate.TeamObject, Fields: `"models":["{model}"]`},
		"team2":       {Kind: gate.TeamObject, Fields: `"models":["{model}"]`},
		"team1key":    {Kind: gate.KeyObject, Fields: `"team_id":"{team1.id}"`},
		"team2key":    {Kind: gate.KeyObject, Fields: `"team_id":"{team2.id}"`},
	}
}

// regexpOf compiles a pattern of this package.
func regexpOf(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }
