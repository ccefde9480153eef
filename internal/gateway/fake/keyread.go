package fake

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func listKeys(c *call) (any, *refusal) {
	q := c.r.URL.Query()
	page, no := c.number(q.Get("page"), "page", 1, 1<<31)
	if no != nil {
		return nil, no
	}
	size, no := c.number(q.Get("size"), "size", 10, 100)
	if no != nil {
		return nil, no
	}
	if c.g.opts.NoDatabase {
		return nil, c.v.databaseMissing()
	}
	if no := c.listFilters(); no != nil {
		return nil, no
	}
	column, descending := q.Get("sort_by"), q.Get("sort_order") != "asc"
	if column == "" {
		column, descending = "created_at", true
	}
	archive := q.Get("status") == "deleted"
	rows, total := c.db.page(column, descending, archive, c.listFilter(), (page-1)*size, size)
	keys := make([]any, 0, len(rows))
	for i := range rows {
		if q.Get("return_full_object") == "true" {
			keys = append(keys, c.v.listRow(&rows[i], archive))
		} else {
			keys = append(keys, rows[i].Token)
		}
	}
	return object{"keys": keys, "total_count": total, "current_page": page, "total_pages": (total + size - 1) / size}, nil
}

// number reads a query parameter between 1 and most.
func (c *call) number(given, name string, unset, most int) (int, *refusal) {
	if given == "" {
		return unset, nil
	}
	n, err := strconv.Atoi(given)
	bad := object{"loc": []any{"query", name}}
	switch {
	case err != nil:
		bad["type"], bad["msg"] = "int_parsing", "Input should be a valid integer, unable to parse string as an integer"
	case n > most:
		bad["type"], bad["msg"] = "less_than_equal", "Input should be less than or equal to "+strconv.Itoa(most)
	case n < 1:
		bad["type"], bad["msg"] = "greater_than_equal", "Input should be greater than or equal to 1"
	default:
		return n, nil
	}
	if c.v == V1_81 {
		bad["input"] = given
	}
	return 0, detail(http.StatusUnprocessableEntity, []any{bad})
}

// listFilters refuses what /key/list cannot do, and callers it does not know.
func (c *call) listFilters() *refusal {
	q := c.r.URL.Query()
	bad := func(status int, message string) *refusal {
		return &refusal{status: status, message: message, kind: "internal_server_error", param: none}
	}
	switch status := q.Get("status"); {
	case status == "" || status == "deleted":
	case c.v == V1_81:
		return bad(400, `{'error': "Invalid status value. Currently only 'deleted' is supported."}`)
	case status != "active" && status != "expired" && status != "revoked":
		return bad(400, `{'error': "Invalid status value. Supported: 'active', 'expired', 'revoked', 'deleted'."}`)
	}
	if column := q.Get("sort_by"); column != "" && !slices.Contains(sortColumns, column) {
		return bad(400, "{'error': 'Invalid sort column. Must be one of: "+strings.Join(sortColumns, ", ")+"'}")
	}
	if !c.who.sees() && c.who.user == "" {
		return &refusal{status: 403, kind: "bad_request_error", param: "user_id",
			message: "You are not authorized to access this endpoint. No 'user_id' is associated with your API key."}
	}
	return nil
}

// listFilter is nil if every row is wanted. A caller without the role gets the
// keys of its own user, and nothing says that there are others.
func (c *call) listFilter() func(*Key) bool {
	q := c.r.URL.Query()
	user, team, alias, hash, state := q.Get("user_id"), q.Get("team_id"), q.Get("key_alias"), q.Get("key_hash"), q.Get("status")
	if !c.who.sees() {
		user = c.who.user
	}
	if state == "deleted" {
		state = ""
	}
	if user == "" && team == "" && alias == "" && hash == "" && state == "" {
		return nil
	}
	is := func(want, have string) bool { return want == "" || want == have }
	return func(k *Key) bool {
		return is(user, k.UserID) && is(team, k.TeamID) && is(alias, k.Alias) && is(hash, k.Token) && is(state, status(k, c.now))
	}
}

func keyInfo(c *call) (any, *refusal) {
	if c.g.opts.NoDatabase {
		return nil, c.v.databaseMissing()
	}
	given := c.r.URL.Query().Get("key")
	if given == "" {
		given = hashKey(c.who.given)
	}
	k, ok := c.find(given)
	if !ok {
		return nil, keyNotFound()
	}
	if !c.who.mayRead(&k) {
		return nil, c.v.failure(http.StatusForbidden, "You are not allowed to access this key's info. Your role="+c.who.role)
	}
	info := c.v.row(&k, offset)
	if c.v == V1_106 {
		info["status"] = status(&k, c.now)
		if !k.Deleted.IsZero() {
			info["deleted_at"] = timeOrNull(k.Deleted, offset)
		}
	}
	return object{"key": given, "info": info}, nil
}

// find looks a key or hash up; 1.106.2 looks in the archive as well.
func (c *call) find(given string) (Key, bool) {
	k, ok := c.db.key(hashKey(given))
	if !ok && c.v == V1_106 {
		k, ok = c.db.archived(hashKey(given))
	}
	return k, ok
}

// mayRead is _can_user_query_key_info, with its weakness: keys made by the
// master key have no user, and no user equals no user, so any such key reads
// any other, of whatever team.
func (w *caller) mayRead(k *Key) bool {
	return w.sees() || w.key.Token == k.Token || w.user == k.UserID
}

func keyInfos(c *call) (any, *refusal) {
	var req struct {
		Keys []string `json:"keys"`
	}
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	infos := []any{}
	for _, given := range req.Keys {
		k, ok := c.db.key(hashKey(given))
		switch {
		case !ok:
		case c.v == V1_81:
			infos = append(infos, c.v.tokenRow(&k, offset))
		default:
			infos = append(infos, c.v.row(&k, offset))
		}
	}
	return object{"key": list(req.Keys), "info": infos}, nil
}

func keyAliases(c *call) (any, *refusal) {
	rows, _ := c.db.page("key_alias", false, false, func(k *Key) bool { return k.Alias != "" }, 0, 1<<31)
	aliases := []string{}
	for i := range rows {
		aliases = append(aliases, rows[i].Alias)
	}
	return object{"aliases": aliases}, nil
}

// spendKeys is a bare array of all rows: it has no pages and no limit.
func spendKeys(c *call) (any, *refusal) {
	rows, _ := c.db.page("spend", true, false, nil, 0, 1<<31)
	all := make([]any, 0, len(rows))
	for i := range rows {
		all = append(all, c.v.tokenRow(&rows[i], zulu))
	}
	return all, nil
}

func globalSpendKeys(c *call) (any, *refusal) {
	limit, no := c.number(c.r.URL.Query().Get("limit"), "limit", 100, 1<<31)
	if no != nil {
		return nil, no
	}
	rows, _ := c.db.page("spend", true, false, nil, 0, limit)
	all := make([]any, 0, len(rows))
	for i := range rows {
		k := &rows[i]
		all = append(all, object{"api_key": k.Token, "key_alias": textOrNull(k.Alias), "key_name": k.Name, "total_spend": k.Spend})
	}
	return all, nil
}
