package checks

import "sluice/internal/gate"

// What only an administrator may do, of the routes that both versions list:
// those that create what the run could not find again to remove it, or that
// touch what is not named (/config/update, /cache/flushall, /global/spend/reset,
// /model/new), are left out.

// adminWrites are harmless if they should be served: they name things that do
// not exist or that the run removes.
var adminWrites = []gate.Request{
	{Path: "/key/generate", Body: `{"key_alias":"{run}-1i","duration":"1h","user_id":"{run}-1i"}`},
	{Path: "/key/update", Body: `{"key":"{plain.hash}","max_budget":1000}`},
	{Path: "/key/block", Body: `{"key":"{spare.hash}"}`},
	{Path: "/key/unblock", Body: `{"key":"{spare.hash}"}`},
	{Path: "/key/delete", Body: `{"keys":["{spare.hash}"]}`},
	{Path: "/team/new", Body: `{"team_id":"{run}-1i","team_alias":"{run}-1i"}`},
	{Path: "/team/update", Body: `{"team_id":"{run}-none"}`},
	{Path: "/team/block", Body: `{"team_id":"{run}-none"}`},
	{Path: "/team/unblock", Body: `{"team_id":"{run}-none"}`},
	{Path: "/team/delete", Body: `{"team_ids":["{run}-none"]}`},
	{Path: "/team/member_delete", Body: `{"team_id":"{run}-none","user_id":"{run}-none"}`},
	{Path: "/team/member_update", Body: `{"team_id":"{run}-none","user_id":"{run}-none"}`},
	{Path: "/user/new", Body: `{"user_id":"{run}-1i","user_role":"internal_user","auto_create_key":false}`},
	{Path: "/user/update", Body: `{"user_id":"{run}-none"}`},
	{Path: "/user/delete", Body: `{"user_ids":["{run}-none"]}`},
	{Path: "/organization/update", Method: "PATCH", Body: `{"organization_id":"{run}-none"}`},
	{Path: "/organization/delete", Method: "DELETE", Body: `{"organization_ids":["{run}-none"]}`},
	{Path: "/customer/new", Body: `{"user_id":"{run}-1i"}`},
	{Path: "/customer/block", Body: `{"user_ids":["{run}-none"]}`},
	{Path: "/customer/delete", Body: `{"user_ids":["{run}-none"]}`},
	{Path: "/tag/new", Body: `{"name":"{run}-1i"}`},
	{Path: "/tag/update", Body: `{"name":"{run}-none"}`},
	{Path: "/tag/delete", Body: `{"name":"{run}-none"}`},
	{Path: "/model/update", Body: `{"model_info":{"id":"{run}-none"}}`},
	{Path: "/model/delete", Body: `{"id":"{run}-none"}`},
	{Path: "/budget/new", Body: `{"budget_id":"{run}-1i"}`},
	{Path: "/budget/update", Body: `{"budget_id":"{run}-none"}`},
	{Path: "/budget/delete", Body: `{"id":"{run}-none"}`},
	{Path: "/credentials/{run}-none", Method: "DELETE"},
	{Path: "/vector_store/delete", Body: `{"vector_store_id":"{run}-none"}`},
	{Path: "/cache/delete", Body: `{"keys":["{run}-none"]}`},
}

// adminReads are what only an administrator may read. /vector_store/list is not
// among them: 1.106.2 has it on the side of the clients and shows each key what
// it was granted (filter_listable_vector_stores; a key without a grant was seen
// to get an empty list). /health/services is, and has a check of its own (1n).
var adminReads = []string{"/user/list", "/customer/list", "/tag/list", "/budget/list", "/credentials", "/access_group/list",
	"/prompts/list", "/guardrails/list", "/spend/keys", "/spend/users", "/spend/logs", "/global/spend", "/global/spend/keys", "/global/spend/logs",
	"/global/spend/teams", "/global/spend/models", "/global/activity/model", "/model/metrics", "/config/list", "/get/config/callbacks",
	"/get/sso_settings", "/get/internal_user_settings", "/get/default_team_settings", "/alerting/settings",
	"/health/latest", "/health/history", "/audit", "/cache/ping"}
