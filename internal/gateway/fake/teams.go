package fake

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
)

// newID is a UUID of version 4.
func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // does not fail on the systems we build for
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	x := hex.EncodeToString(b)
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

func newTeam(c *call) (any, *refusal) {
	if c.g.opts.NoDatabase {
		return nil, c.v.databaseMissing()
	}
	var req struct {
		ID      *string  `json:"team_id"`
		Alias   string   `json:"team_alias"`
		Models  []string `json:"models"`
		Budget  *float64 `json:"max_budget"`
		Blocked bool     `json:"blocked"`
	}
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	t := Team{ID: newID(), Alias: req.Alias, Models: req.Models, Budget: req.Budget, Blocked: req.Blocked, Created: c.db.stamp()}
	if req.ID != nil {
		t.ID = *req.ID
	}
	c.db.putTeam(t)
	t, _ = c.db.team(t.ID)
	return c.v.teamRow(&t), nil
}

func deleteTeams(c *call) (any, *refusal) {
	var req struct {
		IDs []string `json:"team_ids"`
	}
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	for _, id := range req.IDs {
		if _, ok := c.db.team(id); !ok {
			return nil, c.v.failure(http.StatusNotFound, fmt.Sprintf("{'error': 'Team not found, passed team_id=%s'}", id))
		}
	}
	for _, id := range req.IDs {
		c.db.removeTeam(id)
		c.forgetTeam(id)
	}
	return object{"deleted_teams": list(req.IDs)}, nil
}

func blockTeam(c *call) (any, *refusal)   { return setTeamBlocked(c, true) }
func unblockTeam(c *call) (any, *refusal) { return setTeamBlocked(c, false) }

func setTeamBlocked(c *call, blocked bool) (any, *refusal) {
	var req struct {
		ID *string `json:"team_id"`
	}
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	if req.ID == nil {
		return nil, missing("team_id")
	}
	t, ok := c.db.team(*req.ID)
	if !ok {
		return nil, teamNotFound(*req.ID)
	}
	t.Blocked = blocked
	c.db.putTeam(t)
	c.forgetTeam(t.ID)
	return c.v.teamRow(&t), nil
}

func teamNotFound(id string) *refusal {
	return authError(http.StatusNotFound, fmt.Sprintf("{'message': 'Team not found, passed team id: %s.'}", id))
}

// seesTeams refuses callers who may not list teams: 401, in FastAPI's form.
func (c *call) seesTeams() *refusal {
	if c.who.sees() {
		return nil
	}
	role := c.who.role
	if role == "" {
		role = RoleUser
	}
	return detail(http.StatusUnauthorized, object{"error": "Only admin users can query all teams/other teams. Your user role=" + role})
}

func listTeams(c *call) (any, *refusal) {
	if no := c.seesTeams(); no != nil {
		return nil, no
	}
	all := []any{}
	for _, t := range c.db.allTeams() {
		row := c.v.teamRow(&t)
		row["keys"], row["team_memberships"] = c.teamKeys(t.ID), []any{}
		all = append(all, row)
	}
	return all, nil
}

func listTeamsPaged(c *call) (any, *refusal) {
	q := c.r.URL.Query()
	page, no := c.number(q.Get("page"), "page", 1, 1<<31)
	if no != nil {
		return nil, no
	}
	size, no := c.number(q.Get("page_size"), "page_size", 10, 100)
	if no != nil {
		return nil, no
	}
	if c.g.opts.NoDatabase {
		return nil, c.v.databaseMissing()
	}
	if no := c.seesTeams(); no != nil {
		return nil, no
	}
	all := c.db.allTeams()
	if c.who.role == RoleViewer && c.v == V1_81 && !q.Has("user_id") {
		all = nil // those the viewer is a member of
	}
	rows := []any{}
	for _, t := range cut(all, (page-1)*size, size) {
		rows = append(rows, c.v.teamRow(&t))
	}
	return object{"teams": rows, "total": len(all), "page": page, "page_size": size, "total_pages": (len(all) + size - 1) / size}, nil
}

func (c *call) teamKeys(id string) []any {
	rows, _ := c.db.page("created_at", true, false, func(k *Key) bool { return k.TeamID == id }, 0, 1<<31)
	keys := []any{}
	for i := range rows {
		keys = append(keys, c.v.tokenRow(&rows[i], zulu))
	}
	return keys
}

func teamInfo(c *call) (any, *refusal) {
	id := c.r.URL.Query().Get("team_id")
	if !c.who.sees() && c.who.key.TeamID != id {
		return nil, authError(http.StatusForbidden, fmt.Sprintf(
			"{'error': 'Team key for team=%s not authorized to access this team=%s'}", c.who.key.TeamID, id))
	}
	t, ok := c.db.team(id)
	if !ok {
		return nil, teamNotFound(id)
	}
	return object{"team_id": id, "team_info": c.v.teamRow(&t), "keys": c.teamKeys(id), "team_memberships": []any{}}, nil
}

// newUser makes a user and, unless told not to, a key of theirs.
func newUser(c *call) (any, *refusal) {
	var req struct {
		ID     *string  `json:"user_id"`
		Role   string   `json:"user_role"`
		Email  string   `json:"user_email"`
		Budget *float64 `json:"max_budget"`
		Key    *bool    `json:"auto_create_key"`
	}
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	u := User{ID: newID(), Role: req.Role, Email: req.Email, Budget: req.Budget, Created: c.db.stamp()}
	if req.ID != nil {
		u.ID = *req.ID
	}
	if u.Role == "" {
		u.Role = RoleUser
	}
	c.db.putUser(u)
	if req.Key != nil && !*req.Key {
		answer := c.v.generated(&Key{UserID: u.ID, Created: u.Created, Updated: u.Created}, "")
		answer["key"], answer["token"], answer["token_id"], answer["user_role"], answer["max_budget"] = nil, nil, nil, u.Role, orNull(u.Budget)
		return answer, nil
	}
	key := NewKey()
	k := Key{Token: hashKey(key), Name: c.v.maskKey(key), UserID: u.ID, Created: c.db.stamp(), Updated: c.db.stamp(), By: "default_user_id"}
	c.db.put(k)
	c.log.made(&k, key)
	answer := c.v.generated(&k, key)
	answer["user_role"], answer["user_email"] = u.Role, textOrNull(u.Email)
	return answer, nil
}

func listUsers(c *call) (any, *refusal) {
	q := c.r.URL.Query()
	page, no := c.number(q.Get("page"), "page", 1, 1<<31)
	if no != nil {
		return nil, no
	}
	size, no := c.number(q.Get("page_size"), "page_size", 25, 100)
	if no != nil {
		return nil, no
	}
	all := c.db.allUsers()
	rows := []any{}
	for _, u := range cut(all, (page-1)*size, size) {
		rows = append(rows, object{"user_id": u.ID, "user_role": u.Role, "user_email": textOrNull(u.Email), "spend": u.Spend,
			"models": []any{}, "teams": []any{}, "metadata": object{}, "key_count": 0, "created_at": timeOrNull(u.Created, zulu)})
	}
	return object{"users": rows, "total": len(all), "page": page, "page_size": size, "total_pages": (len(all) + size - 1) / size}, nil
}
