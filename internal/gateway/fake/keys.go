package fake

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// keyRequest is the body of /key/generate and /key/update.
type keyRequest struct {
	Key      *string        `json:"key"`
	Alias    *string        `json:"key_alias"`
	Duration *string        `json:"duration"`
	Models   []string       `json:"models"`
	UserID   *string        `json:"user_id"`
	TeamID   *string        `json:"team_id"`
	Metadata map[string]any `json:"metadata"`
	Budget   *float64       `json:"max_budget"`
	RPM      *int           `json:"rpm_limit"`
	TPM      *int           `json:"tpm_limit"`
	Blocked  *bool          `json:"blocked"`
	Parallel *int           `json:"max_parallel_requests"`
	Routes   []string       `json:"allowed_routes"`
	Every    *string        `json:"budget_duration"`
}

func generateKey(c *call) (any, *refusal) {
	if c.g.opts.NoDatabase {
		return nil, c.v.databaseMissing()
	}
	var req keyRequest
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	key := NewKey()
	if req.Key != nil {
		key = *req.Key
		if no := c.v.customKey(key); no != nil {
			return nil, no
		}
	}
	if alias := text(req.Alias); alias != "" {
		if k, ok := c.db.byAlias(alias); ok && k.Token != hashKey(key) {
			return nil, &refusal{status: 400, kind: "bad_request_error", param: "key_alias", message: fmt.Sprintf(
				"Key with alias '%s' already exists. Unique key aliases across all keys are required.", alias)}
		}
	}
	k := Key{Token: hashKey(key), Name: c.v.maskKey(key), Created: c.db.stamp(), Updated: c.db.stamp(), By: "default_user_id"}
	if no := req.apply(c, &k); no != nil {
		return nil, no
	}
	c.db.put(k) // over a row with the same token: LiteLLM does not mind
	c.forget(k.Token)
	c.log.made(&k, key)
	return c.v.generated(&k, key), nil
}

// customKey checks a key of the caller's choice. 1.81.0 repeats it whole and
// takes sk-1; 1.106.2 wants 16 characters.
func (v Version) customKey(key string) *refusal {
	if !strings.HasPrefix(key, "sk-") {
		shown := key
		if v == V1_106 {
			shown = abbreviate(key)
		}
		return v.failure(400, fmt.Sprintf(`{'error': "Invalid key format. LiteLLM Virtual Key must start with 'sk-'. Received: %s"}`, shown))
	}
	if v == V1_106 && len(key) < 16 {
		return v.failure(400, "{'error': 'Invalid key format. LiteLLM Virtual Key must be at least 16 characters long.'}")
	}
	return nil
}

// apply writes the fields that were given.
func (req *keyRequest) apply(c *call, k *Key) *refusal {
	if req.Duration != nil {
		d, ok := parseDuration(*req.Duration)
		if !ok {
			if c.v == V1_81 {
				return c.v.failure(500, "Internal Server Error, Invalid duration format")
			}
			return c.v.failure(500, "Invalid duration format")
		}
		k.Expires = c.db.stamp().Add(d)
	}
	give := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	give(&k.Alias, req.Alias)
	give(&k.UserID, req.UserID)
	give(&k.TeamID, req.TeamID)
	if req.Models != nil {
		k.Models = req.Models
	}
	if req.Metadata != nil {
		k.Metadata = req.Metadata
	}
	if req.Budget != nil {
		k.Budget = req.Budget
	}
	if req.RPM != nil {
		k.RPM = req.RPM
	}
	if req.TPM != nil {
		k.TPM = req.TPM
	}
	if req.Blocked != nil {
		k.Blocked = req.Blocked
	}
	if req.Parallel != nil {
		k.Parallel = req.Parallel
	}
	if req.Routes != nil {
		k.Routes = req.Routes
	}
	give(&k.Every, req.Every)
	return nil
}

// parseDuration reads LiteLLM's "30s", "5m", "1h", "30d", "2w", "1mo".
func parseDuration(s string) (time.Duration, bool) {
	number := strings.TrimRight(s, "smhdwo")
	n, err := strconv.Atoi(number)
	unit, ok := map[string]time.Duration{
		"s": time.Second, "m": time.Minute, "h": time.Hour,
		"d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "mo": 30 * 24 * time.Hour,
	}[s[len(number):]]
	return time.Duration(n) * unit, ok && err == nil && n >= 0
}

func updateKey(c *call) (any, *refusal) {
	var req keyRequest
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	if req.Key == nil {
		if c.v == V1_106 {
			return nil, detail(422, []any{object{"type": "value_error", "loc": []any{"body"}, "msg": "Value error, either key or key_alias must be provided"}})
		}
		return nil, missing("key")
	}
	var no *refusal
	k, ok := c.db.change(hashKey(*req.Key), func(k *Key) { no = req.apply(c, k) })
	switch {
	case no != nil:
		return nil, no
	case !ok && c.v == V1_106:
		return nil, &refusal{status: 404, message: "Key not found.", kind: "not_found_error", param: "key"}
	case !ok:
		return nil, authError(401, "Authentication Error: invalid user key - user key does not exist in db. User Key="+*req.Key)
	}
	c.forget(k.Token)
	answer := c.v.tokenRow(&k, offset)
	answer["key"] = *req.Key
	return answer, nil
}

func blockKey(c *call) (any, *refusal)   { return setBlocked(c, true) }
func unblockKey(c *call) (any, *refusal) { return setBlocked(c, false) }

func setBlocked(c *call, blocked bool) (any, *refusal) {
	var req struct {
		Key *string `json:"key"`
	}
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	if req.Key == nil {
		return nil, missing("key")
	}
	token := hashKey(*req.Key)
	k, ok := c.db.change(token, func(k *Key) { k.Blocked = &blocked })
	switch {
	case !ok && c.v == V1_106:
		return nil, &refusal{status: 404, message: "Key not found.", kind: "not_found_error", param: "key"}
	case !ok:
		return nil, &refusal{status: 401, kind: "token_not_found_in_db", param: "key", message: fmt.Sprintf(
			"Authentication Error, Invalid proxy server token passed. key=%s, not found in db. Create key via `/key/generate` call.", token)}
	}
	c.forget(token)
	if blocked {
		return c.v.authRow(&k), nil
	}
	return c.v.tokenRow(&k, zulu), nil
}

func deleteKeys(c *call) (any, *refusal) {
	var req struct {
		Keys    []string `json:"keys"`
		Aliases []string `json:"key_aliases"`
	}
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	var deleted []string
	drop := func(token, given string) {
		if c.db.remove(token) {
			c.forget(token)
			deleted = append(deleted, given)
		}
	}
	for _, key := range req.Keys {
		drop(hashKey(key), key)
	}
	for _, alias := range req.Aliases {
		if k, ok := c.db.byAlias(alias); ok {
			drop(k.Token, alias)
		}
	}
	if len(deleted) == 0 {
		return nil, c.v.failure(http.StatusNotFound, "{'error': 'No keys found'}")
	}
	return object{"deleted_keys": deleted}, nil
}

func regenerateKey(c *call) (any, *refusal) {
	const pitch = "Regenerating Virtual Keys is an Enterprise feature, You must be a LiteLLM Enterprise user to use this feature. " +
		"If you have a license please set `LITELLM_LICENSE` in your env. Get a 7 day trial key here: https://www.litellm.ai/enterprise#trial. \n" +
		"Pricing: https://www.litellm.ai/#pricing"
	if c.v == V1_81 {
		return nil, c.v.failure(500, "Internal Server Error, "+pitch)
	}
	return nil, c.v.failure(500, pitch)
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
