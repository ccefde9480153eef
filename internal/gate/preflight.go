package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// preflight asks the gateway what it is, so that a run against something else
// says so once instead of eighty times.
func (s *session) preflight(ctx context.Context) {
	info := &s.info
	info.Problem = s.identify(ctx, 0)
	if info.Problem != "" {
		return
	}
	info.Version, info.Database = s.readiness(ctx, 0)
	for i := range s.plan.Replicas {
		version, _ := s.readiness(ctx, Target(i+1))
		info.Versions = append(info.Versions, version)
		if info.Version == "" {
			info.Version = version
		}
	}
	if s.master.Empty() {
		return
	}
	if a := s.send(ctx, Request{Path: "/key/list?size=1", As: "master"}); a.Kind == Refused {
		info.MasterRefused = true
		return
	}
	s.chooseModels(ctx)
}

// identify returns why the target cannot be tested, "" if it looks like LiteLLM.
func (s *session) identify(ctx context.Context, t Target) string {
	alive := s.send(ctx, Request{To: t, Path: "/health/liveliness"})
	if alive.Kind == NoAnswer {
		return fmt.Sprintf("%s cannot be reached: %s", alive.Target, alive.Why())
	}
	if alive.Status == 200 && strings.Contains(string(alive.Body), "I'm alive") {
		return ""
	}
	// Many a service says {"status":"ok"} to that; LiteLLM tells of its database.
	ready := s.send(ctx, Request{To: t, Path: "/health/readiness"})
	if ready.Text("status") != "" && ready.Text("db") != "" {
		return ""
	}
	if models := s.send(ctx, Request{To: t, Path: "/v1/models"}); models.Type == "auth_error" {
		return ""
	}
	return fmt.Sprintf("%s is not LiteLLM: GET /health/liveliness answered %d %s",
		alive.Target, alive.Status, clip(alive.Header.Get("Content-Type")))
}

// readiness is what /health/readiness says, or the OpenAPI document where
// newer versions hide theirs.
func (s *session) readiness(ctx context.Context, t Target) (version, database string) {
	a := s.send(ctx, Request{To: t, Path: "/health/readiness"})
	version, database = a.Text("litellm_version"), a.Text("db")
	if version == "" && !s.master.Empty() {
		a = s.send(ctx, Request{To: t, Path: "/health/readiness/details", As: "master"})
		version = a.Text("litellm_version")
	}
	if version == "" && t == 0 {
		a = s.send(ctx, Request{To: t, Path: "/openapi.json"})
		version = a.Text("info", "version")
	}
	return version, database
}

// BadInModel are characters that no model's name has that goes into a request:
// wildcards, quotes, references, what ends a line.
const BadInModel = "*\"\\'`{}$\x00\t\r\n\x1b"

// chooseModels takes the model to chat with, and another one for allowlists.
func (s *session) chooseModels(ctx context.Context) {
	a := s.send(ctx, Request{Path: "/v1/models", As: "master"})
	list, _ := a.Field("data").([]any)
	for _, item := range list {
		object, _ := item.(map[string]any)
		if id, _ := object["id"].(string); id != "" && !strings.ContainsAny(id, BadInModel) {
			s.info.Models = append(s.info.Models, id)
		}
	}
	if s.provider != nil && !slices.Contains(s.info.Models, s.provider.Model()) {
		s.info.Notes = append(s.info.Notes, "the built-in provider is not used: the gateway has no model "+s.provider.Model())
		s.provider = nil
	}
	if s.plan.Model == "" && s.provider != nil {
		s.plan.Model = s.provider.Model()
	}
	for _, id := range s.info.Models {
		switch {
		case s.plan.Model == "":
			s.plan.Model = id
		case id != s.plan.Model && s.plan.Other == "":
			s.plan.Other = id
		}
	}
}

// unmet says why a check cannot be run, and with which verdict.
func (s *session) unmet(c Check) (Result, bool) {
	inconclusive := func(missing string) (Result, bool) { return Unknown(missing), true }
	switch need := c.Needs; {
	case s.info.Problem != "":
		return inconclusive(s.info.Problem)
	case need&NeedMaster != 0 && s.master.Empty():
		return inconclusive("no master key was given (LITELLM_MASTER_KEY or --master-key-file)")
	case need&NeedMaster != 0 && s.info.MasterRefused && c.ID != "1c":
		return inconclusive("the gateway refuses the master key that was given")
	case need&NeedModel != 0 && s.plan.Model == "":
		return inconclusive("the gateway lists no model to send a chat to (see --model)")
	case need&NeedModels != 0 && s.plan.Other == "":
		return Skip("needs a second model at the gateway"), true
	case need&NeedReplica1 != 0 && len(s.plan.Replicas) == 0:
		return Skip("no replica was named (--replica URL)"), true
	case need&NeedReplicas != 0 && len(s.plan.Replicas) < 2:
		return Skip("fewer than two replicas were named (--replica URL)"), true
	case need&NeedLogs != 0 && s.logs == nil:
		return inconclusive("no log was named (--logs SOURCE)")
	case need&NeedProvider != 0 && s.provider == nil:
		return Skip("needs the built-in provider, and a model of the gateway that points at it (--provider-mock)"), true
	}
	return Result{}, false
}
