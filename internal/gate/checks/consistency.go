package checks

import (
	"context"
	"fmt"

	"sluice/internal/gate"
	"sluice/internal/record"
)

const controlHA = "HA key synchronization"

// consistency is system 6: 6a, and from 6b on one check for each replica, at
// least the two of the original report.
func consistency(replicas int) []gate.Check {
	base := gate.Check{System: "ha-consistency", Core: true, Needs: gate.NeedMaster, Aspect: gate.Operational,
		Severity: record.SeverityHigh, Control: controlHA,
		Remedy: "All replicas must use the same database and the same master and salt key."}
	through := base
	through.ID, through.Title = "6a", "Create key via LB"
	through.Verified = "Keys can be made through the load balancer"
	through.Sends = []string{"POST /key/generate"}
	through.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		key, err := env.Shared(ctx, "ha")
		if err != nil {
			return unmade(key, err)
		}
		return gate.Passed("Created key " + masked(key) + " via " + env.Gateway)
	}
	through.Curl = func(gate.Plan) string {
		r := gate.Request{Path: "/key/info?key={ha.hash}", As: "master"}
		return gate.ShellObjects(Blueprints(), r) + gate.Curl(r) + " |\n  want 6a served\n"
	}
	all := []gate.Check{through}
	for i := range min(max(replicas, 2), 'z'-'a') {
		c := base
		to := gate.Target(i + 1)
		c.ID, c.Title = "6"+string(rune('b'+i)), fmt.Sprintf("Key works on replica %d", i+1)
		c.Core = i < 2
		c.Needs |= gate.NeedReplica1 | gate.NeedModel
		c.Verified = fmt.Sprintf("Replica %d accepts a key made through the load balancer at once", i+1)
		c.Sends = []string{"POST /key/generate", "POST /v1/chat/completions"}
		c.Curl = curlChat(c.ID, to, "ha")
		c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
			if int(to) > len(env.Replicas) {
				return gate.Skip(fmt.Sprintf("replica %d was not named (--replica URL)", int(to)))
			}
			return admittedResult(env.Chat(ctx, to, "ha"), "Got 200 from "+env.Base(to))
		}
		all = append(all, c)
	}
	return all
}
