package fake

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
)

// caller is whom a request comes from.
type caller struct {
	master  bool
	role    string // "" for a key without a user
	user    string
	given   string // the key as it came
	key     Key
	team    Team
	hasTeam bool
}

// sees says that the caller may read everything.
func (c *caller) sees() bool { return c.role == RoleAdmin || c.role == RoleViewer }

// givenKey reads the key from the headers in LiteLLM's order of precedence. A
// query parameter does not count, though it is in the access log.
func givenKey(r *http.Request) (key string, no *refusal) {
	if k := r.Header.Get("x-litellm-api-key"); k != "" {
		return strings.TrimPrefix(k, "Bearer "), nil
	}
	if k := r.Header.Get("Authorization"); k != "" {
		bare, ok := strings.CutPrefix(k, "Bearer ")
		if !ok {
			return "", malformed()
		}
		return bare, nil
	}
	for _, name := range []string{"api-key", "x-api-key", "x-goog-api-key", "Ocp-Apim-Subscription-Key"} {
		if k := r.Header.Get(name); k != "" {
			return k, nil
		}
	}
	return "", noKey()
}

// authenticate finds out who calls, or refuses.
func (c *call) authenticate() *refusal {
	if who, ok := c.r.Context().Value(acting{}).(caller); ok {
		c.who = who
		return nil
	}
	key, no := givenKey(c.r)
	if no != nil {
		return no
	}
	if key == "" {
		return noKey()
	}
	c.who.given = key
	if subtle.ConstantTimeCompare([]byte(key), []byte(c.g.MasterKey)) == 1 {
		c.who.master, c.who.role, c.who.user = true, RoleAdmin, "default_user_id"
		return nil
	}
	if c.g.opts.NoDatabase {
		return noDatabase()
	}
	if !strings.HasPrefix(key, "sk-") {
		return c.v.notAKey(key)
	}
	found, ok := c.lookup(hashKey(key), c.now)
	if !ok {
		return unknownKey(c.v, key)
	}
	c.who.key, c.who.team, c.who.hasTeam = found.key, found.team, found.hasTeam
	if found.key.UserID != "" {
		c.who.user, c.who.role = found.key.UserID, RoleUser
		if u, ok := c.db.user(found.key.UserID); ok {
			c.who.role = u.Role
		}
	}
	return c.standing()
}

// standing refuses keys that were good once.
func (c *call) standing() *refusal {
	k := &c.who.key
	switch {
	case k.Blocked != nil && *k.Blocked:
		return c.v.blockedKey()
	case !k.Expires.IsZero() && !c.now.Before(k.Expires):
		return c.v.expiredKey(k, c.now)
	case c.who.hasTeam && c.who.team.Blocked:
		return c.v.blockedTeam(c.who.team.ID)
	}
	return nil
}

// allowed checks the caller's role against the route.
func (c *call) allowed(rt *route) *refusal {
	path := c.r.URL.Path
	if no := c.withinRoutes(path); no != nil {
		return no
	}
	switch {
	case c.who.master || c.who.role == RoleAdmin || rt.access == anyKey:
		return nil
	case c.who.role == RoleViewer && (rt.access == viewer || rt.access == viewerSince106 && c.v == V1_106):
		return nil
	case c.who.role == RoleViewer:
		return viewerOnly(path, c.who.role)
	}
	return c.v.adminOnly(path, c.who.role, c.who.user)
}

// mayUse checks the lists of models of the key and its team; an empty list is
// no limit.
func (c *call) mayUse(model string) *refusal {
	if len(c.who.key.Models) > 0 && !slices.Contains(c.who.key.Models, model) {
		return c.v.modelDenied("key", c.who.key.Models, model)
	}
	if c.who.hasTeam && len(c.who.team.Models) > 0 && !slices.Contains(c.who.team.Models, model) {
		return c.v.modelDenied("team", c.who.team.Models, model)
	}
	return nil
}
