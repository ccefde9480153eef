package fake

import (
	"maps"
	"time"
)

// The forms of a time: /key/list, /key/block and /team/* write Z, /key/info and
// /key/update an offset.
const (
	zulu   = "2006-01-02T15:04:05.000000Z"
	offset = "2006-01-02T15:04:05.000000+00:00"
)

func timeOrNull(t time.Time, layout string) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(layout)
}

func orNull[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

func dict(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// row is a key as most routes show it, without the token.
func (v Version) row(k *Key, layout string) object {
	o := object{
		"key_name": k.Name, "key_alias": textOrNull(k.Alias), "soft_budget_cooldown": false, "spend": k.Spend,
		"expires": timeOrNull(k.Expires, layout), "models": list(k.Models), "aliases": object{}, "config": object{},
		"router_settings": object{}, "user_id": textOrNull(k.UserID), "team_id": textOrNull(k.TeamID),
		"permissions": object{}, "max_parallel_requests": orNull(k.Parallel), "metadata": dict(k.Metadata), "blocked": orNull(k.Blocked),
		"tpm_limit": orNull(k.TPM), "rpm_limit": orNull(k.RPM), "max_budget": orNull(k.Budget), "budget_duration": textOrNull(k.Every),
		"budget_reset_at": timeOrNull(k.reset(), layout), "allowed_cache_controls": []any{}, "allowed_routes": list(k.Routes), "model_spend": object{},
		"model_max_budget": object{}, "budget_id": nil, "organization_id": nil, "object_permission_id": nil,
		"created_at": timeOrNull(k.Created, layout), "created_by": k.By, "updated_at": timeOrNull(k.Updated, layout),
		"updated_by": k.By, "rotation_count": 0, "auto_rotate": false, "rotation_interval": nil, "last_rotation_at": nil,
		"key_rotation_at": nil, "litellm_budget_table": nil, "litellm_organization_table": nil, "object_permission": nil,
	}
	if v == V1_106 {
		maps.Copy(o, object{
			"total_spend": k.Spend, "agent_id": nil, "project_id": nil, "tpd_limit": nil, "key_type": "default",
			"policies": []any{}, "access_group_ids": []any{}, "budget_fallbacks": object{}, "settings_updated_at": nil,
			"last_active": nil, "budget_limits": nil, "litellm_project_table": nil, "jwt_key_mappings": nil,
		})
	}
	return o
}

// tokenRow is row with the token, as /key/unblock and /spend/keys show it.
func (v Version) tokenRow(k *Key, layout string) object {
	o := v.row(k, layout)
	o["token"] = k.Token
	return o
}

// authRow is tokenRow as it comes out of LiteLLM's own model of a key, as
// /key/block shows it.
func (v Version) authRow(k *Key) object {
	o := v.tokenRow(k, zulu)
	for _, name := range []string{"organization_id", "litellm_organization_table", "litellm_project_table", "jwt_key_mappings", "policies"} {
		delete(o, name)
	}
	if v == V1_81 {
		delete(o, "budget_id")
	}
	o["org_id"] = nil
	return o
}

// listRow is a key of /key/list with return_full_object. The fields of the team
// are there and empty, whatever team the key has.
func (v Version) listRow(k *Key, archived bool) object {
	o := v.authRow(k)
	if archived {
		o["id"], o["deleted_at"], o["deleted_by"] = k.Token[:32], timeOrNull(k.Deleted, zulu), k.By
		o["deleted_by_api_key"], o["litellm_changed_by"] = nil, nil
		return o
	}
	maps.Copy(o, object{
		"team_spend": nil, "team_alias": nil, "team_tpm_limit": nil, "team_rpm_limit": nil, "team_max_budget": nil,
		"team_models": []any{}, "team_blocked": false, "soft_budget": nil, "team_model_aliases": nil, "team_member": nil,
		"team_metadata": nil, "user_role": nil, "end_user_id": nil,
	})
	return o
}

// generated is the answer of /key/generate, the only one that holds the key.
func (v Version) generated(k *Key, key string) object {
	o := v.row(k, zulu)
	for _, name := range []string{
		"soft_budget_cooldown", "model_spend", "litellm_organization_table", "object_permission_id", "auto_rotate", "budget_reset_at",
		"key_rotation_at", "last_rotation_at", "rotation_count", "rotation_interval",
	} {
		delete(o, name)
	}
	maps.Copy(o, object{
		"key": key, "token": k.Token, "token_id": k.Token, "duration": nil, "model_rpm_limit": nil, "model_tpm_limit": nil,
		"guardrails": nil, "prompts": nil, "tags": nil, "enforced_params": nil, "allowed_passthrough_routes": nil,
		"allowed_vector_store_indexes": nil, "rpm_limit_type": nil, "tpm_limit_type": nil,
	})
	return o
}

// status is what 1.106.2 derives of a row.
func status(k *Key, now time.Time) string {
	switch {
	case !k.Deleted.IsZero():
		return "deleted"
	case k.Blocked != nil && *k.Blocked:
		return "revoked"
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return "expired"
	}
	return "active"
}

// teamRow is a team as /team/new and the lists show it.
func (v Version) teamRow(t *Team) object {
	o := object{
		"team_alias": textOrNull(t.Alias), "team_id": t.ID, "organization_id": nil, "admins": []any{}, "members": []any{},
		"members_with_roles":      []any{object{"user_id": "default_user_id", "user_email": nil, "role": "admin"}},
		"team_member_permissions": []any{}, "metadata": object{}, "tpm_limit": nil, "rpm_limit": nil,
		"max_budget": orNull(t.Budget), "budget_duration": nil, "models": list(t.Models), "blocked": t.Blocked,
		"router_settings": object{}, "spend": t.Spend, "max_parallel_requests": nil, "budget_reset_at": nil,
		"model_id": nil, "litellm_model_table": nil, "object_permission": nil, "object_permission_id": nil,
		"created_at": timeOrNull(t.Created, zulu), "updated_at": timeOrNull(t.Updated, zulu),
	}
	if v == V1_106 {
		maps.Copy(o, object{
			"tpd_limit": nil, "soft_budget": nil, "budget_limits": nil, "access_group_ids": []any{},
			"default_team_member_models": []any{}, "model_spend": object{}, "model_max_budget": object{},
			"policies": []any{}, "allow_team_guardrail_config": false,
		})
	}
	return o
}
