package fake

import (
	"fmt"
	"net/http"
)

// moreRoutes are those that the gate asks for beside the ones that a scanner
// needs: users, what only an administrator may read, and pages.
func moreRoutes() []route {
	list := []route{
		{"POST", "/user/delete", adminOnly, deleteUsers},
		{"GET", "/user/info", anyKey, userInfo},
		{"POST", "/user/update", adminOnly, nothing},
		{"POST", "/customer/delete", adminOnly, noCustomer},
		{"POST", "/team/update", adminOnly, nothing},
		{"POST", "/team/member_add", adminOnly, nothing},
		{"POST", "/model/delete", adminOnly, nothing},
		{"GET", "/v1/model/info", anyKey, modelInfo},
		{"GET", "/user/daily/activity", anyKey, dailyActivity},
		{"GET", "/debug/asyncio-tasks", anyKey, debugging},
		{"GET", "/otel-spans", anyKey, debugging},
		{"GET", "/openapi.json", public, openAPI},
		{"GET", "/health/services", anyKey, testService},
	}
	for _, path := range []string{"/customer/list", "/spend/users", "/spend/logs", "/global/spend/logs", "/global/activity",
		"/config/list", "/get/config/callbacks", "/credentials", "/settings"} {
		list = append(list, route{"GET", path, adminOnly, emptyList})
	}
	return list
}

func emptyList(*call) (any, *refusal) { return []any{}, nil }

// nothing accepts what it is told and does nothing.
func nothing(*call) (any, *refusal) { return object{}, nil }

func noCustomer(c *call) (any, *refusal) {
	return nil, &refusal{status: http.StatusNotFound, kind: "not_found", param: "user_ids", message: "End User Id(s) do not exist in db"}
}

func deleteUsers(c *call) (any, *refusal) {
	var req struct {
		IDs []string `json:"user_ids"`
	}
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	n := 0
	for _, id := range req.IDs {
		if c.db.removeUser(id) {
			n++
		}
	}
	if n == 0 {
		return nil, c.v.failure(http.StatusNotFound, "{'error': 'User id not found'}")
	}
	return n, nil
}

// removeUser deletes a user and archives their keys.
func (s *store) removeUser(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.users[id]
	delete(s.users, id)
	for token, k := range s.keys {
		if ok && k.UserID == id {
			s.removeLocked(token)
		}
	}
	return ok
}

func userInfo(c *call) (any, *refusal) {
	id := c.r.URL.Query().Get("user_id")
	if !c.who.sees() && (id == "" || id != c.who.user) {
		own := c.who.user
		if own == "" {
			own = none
		}
		return nil, authError(http.StatusForbidden, fmt.Sprintf("key not allowed to access this user's info. user_id=%s, key's user_id=%s", id, own))
	}
	u, ok := c.db.user(id)
	if !ok {
		return nil, c.v.failure(http.StatusNotFound, "{'error': 'User not found'}")
	}
	return object{"user_id": id, "keys": []any{}, "teams": []any{}, "user_info": object{
		"user_id": u.ID, "user_role": u.Role, "spend": u.Spend, "max_budget": orNull(u.Budget)}}, nil
}

// dailyActivity adds up everybody's in 1.81.0 for a key without a user.
func dailyActivity(c *call) (any, *refusal) {
	if c.v == V1_106 && c.who.user == "" {
		return nil, detail(http.StatusForbidden, object{"error": "Service-account keys cannot query user analytics. Use a user-bound key, or call as a proxy admin."})
	}
	return object{"results": []any{}, "metadata": object{"total_spend": 0.0}}, nil
}

// debugging is open to every key in 1.81.0.
func debugging(c *call) (any, *refusal) {
	if c.v == V1_106 && !c.who.sees() {
		return nil, c.v.adminOnly(c.r.URL.Path, c.who.role, c.who.user)
	}
	return object{"total_active_tasks": 8, "by_name": object{}}, nil
}

// testService sends a test message, in 1.106.2 for every key. Of a service that
// is none it says so to whoever would have been let.
func testService(c *call) (any, *refusal) {
	if c.v == V1_81 && !c.who.sees() {
		return nil, c.v.adminOnly(c.r.URL.Path, c.who.role, c.who.user)
	}
	name := c.r.URL.Query().Get("service")
	if name == "email" {
		return object{"status": "success", "message": "Mock Email Alert sent, verify Email Alert Received"}, nil
	}
	return nil, authError(http.StatusBadRequest, "{'error': \"Service must be in list. Service="+name+" not in typing.Union[typing.Literal['email'], str]\"}")
}

func openAPI(c *call) (any, *refusal) {
	return object{"openapi": "3.1.0", "info": object{"title": "LiteLLM API", "version": string(c.v)}, "paths": object{}}, nil
}
