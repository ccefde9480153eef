package fake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// refusal is an answer that is no 200.
type refusal struct {
	status        int
	message, kind string
	param         any // nil: null
	detail        any // FastAPI's own form, instead of LiteLLM's
	fields        object
}

func (no *refusal) write(w http.ResponseWriter) {
	var body any = object{"detail": no.detail}
	if no.detail == nil {
		kind := any(no.kind)
		if no.kind == "" {
			kind = nil
		}
		body = object{"error": object{"message": no.message, "type": kind, "param": no.param, "code": strconv.Itoa(no.status)}}
	}
	w.Header().Set("Content-Type", "application/json")
	for name, value := range no.fields {
		w.Header().Set(name, fmt.Sprint(value))
	}
	w.WriteHeader(no.status)
	_ = json.NewEncoder(w).Encode(body)
}

// detail is a refusal in FastAPI's form.
func detail(status int, what any) *refusal { return &refusal{status: status, detail: what} }

// none is what 1.81.0 writes for a missing param: Python's None as a word.
const none = "None"

func authError(status int, message string) *refusal {
	return &refusal{status: status, message: message, kind: "auth_error", param: none}
}

// failure is a HTTPException inside a handler: its dict as a text. 1.106.2
// writes null where 1.81.0 writes the word.
func (v Version) failure(status int, message string) *refusal {
	no := &refusal{status: status, message: message, kind: "internal_server_error", param: none}
	if v == V1_106 {
		no.param = nil
	}
	return no
}

func noKey() *refusal {
	return authError(401, "Authentication Error, No api key passed in.")
}

func malformed() *refusal {
	return authError(401, "Authentication Error, Malformed API Key passed in. Ensure Key has `Bearer ` prefix.")
}

// notAKey is for a bearer that does not begin with sk-. 1.81.0 repeats it whole.
func (v Version) notAKey(value string) *refusal {
	if v == V1_81 {
		return authError(401, fmt.Sprintf("Authentication Error, LiteLLM Virtual Key expected. Received=%s, expected to start with 'sk-'.", value))
	}
	return authError(401, fmt.Sprintf("LiteLLM Virtual Key expected. Received=%s, expected to start with 'sk-'.", abbreviate(value)))
}

// abbreviate is 1.106.2's mask of a value that is no key.
func abbreviate(value string) string {
	if len(value) <= 8 {
		return "****"
	}
	return value[:4] + "****" + value[len(value)-4:]
}

// maskKey is abbreviate_api_key; 1.106.2 shows nothing of a short key.
func (v Version) maskKey(key string) string {
	if v == V1_106 && len(key) < 16 || len(key) < 4 {
		return "sk-..."
	}
	return "sk-..." + key[len(key)-4:]
}

func unknownKey(v Version, key string) *refusal {
	return &refusal{status: 401, kind: "token_not_found_in_db", param: "key", message: fmt.Sprintf(
		"Authentication Error, Invalid proxy server token passed. Received API Key = %s, Key Hash (Token) =%s. Unable to find token in cache or `LiteLLM_VerificationTokenTable`",
		v.maskKey(key), hashKey(key))}
}

func noDatabase() *refusal {
	return &refusal{status: 400, message: "No connected db.", kind: "no_db_connection", param: none}
}

// databaseMissing is what admin routes say without a database (read in source).
func (v Version) databaseMissing() *refusal {
	return v.failure(500, "Authentication Error, Database not connected")
}

// admin is how the two versions name the one who could help.
func (v Version) admin() string {
	if v == V1_81 {
		return "admin"
	}
	return "an admin"
}

func (v Version) blockedKey() *refusal {
	return authError(401, fmt.Sprintf("Authentication Error, Key is blocked. Update via `/key/unblock` if you're %s.", v.admin()))
}

func (v Version) blockedTeam(id string) *refusal {
	who := "if your admin"
	if v == V1_106 {
		who = "if you're an admin"
	}
	return authError(401, fmt.Sprintf("Authentication Error, Team=%s is blocked. Update via `/team/unblock` %s.", id, who))
}

// pythonTime is str() of a datetime in UTC.
func pythonTime(t time.Time) string {
	return strings.TrimSuffix(t.UTC().Format("2006-01-02 15:04:05.000000"), ".000000") + "+00:00"
}

func (v Version) expiredKey(k *Key, now time.Time) *refusal {
	status := 400
	if v == V1_106 {
		status = 401
	}
	return &refusal{status: status, kind: "expired_key", param: "sk-..." + k.Token[len(k.Token)-4:], message: fmt.Sprintf(
		"Authentication Error - Expired Key. Key Expiry time %s and current time %s", pythonTime(k.Expires), pythonTime(now))}
}

func (v Version) overBudget(k *Key, spend float64) *refusal {
	if v == V1_81 {
		return &refusal{status: 400, kind: "budget_exceeded", message: fmt.Sprintf(
			"Budget has been exceeded! Current cost: %s, Max budget: %s", pythonFloat(spend), pythonFloat(*k.Budget))}
	}
	name := k.Alias
	if name == "" {
		name = "key"
	}
	return &refusal{status: 422, kind: "budget_exceeded", message: fmt.Sprintf(
		"Budget has been exceeded! Key=%s (%s) Current cost: %s, Max budget: %s", name, k.Name, pythonFloat(spend), pythonFloat(*k.Budget))}
}

// overTeamBudget is read in source for 1.81.0; the status follows overBudget.
func (v Version) overTeamBudget(t *Team) *refusal {
	status := 400
	if v == V1_106 {
		status = 422
	}
	return &refusal{status: status, kind: "budget_exceeded", message: fmt.Sprintf(
		"Budget has been exceeded! Team=%s Current cost: %s, Max budget: %s", t.ID, pythonFloat(t.Spend), pythonFloat(*t.Budget))}
}

func pythonFloat(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// tooMany names the hash of the key: 1.81.0 and 1.106.2 both do.
func (v Version) tooMany(token string, limit int, reset time.Time) *refusal {
	no := &refusal{status: 429, kind: "None", param: none, message: fmt.Sprintf(
		"Rate limit exceeded for api_key: %s. Limit type: requests. Current limit: %d, Remaining: 0. Limit resets at: %s UTC",
		token, limit, reset.UTC().Format(time.DateTime)), fields: object{"retry-after": 60}}
	if v == V1_106 {
		no.kind, no.param = "throttling_error", nil
	}
	return no
}

// modelDenied says who may not use a model: "key" or "team".
func (v Version) modelDenied(who string, models []string, model string) *refusal {
	if v == V1_106 {
		return &refusal{status: 403, kind: who + "_model_access_denied", param: "model", message: fmt.Sprintf(
			"The requested model '%s' is not available for this API key, or the model name is invalid. Check the models available to you and try again.", model)}
	}
	return &refusal{status: 401, kind: who + "_model_access_denied", param: "model", message: fmt.Sprintf(
		"%s not allowed to access model. This %s can only access models=%s. Tried to access %s", who, who, pythonList(models), model)}
}

// adminOnly refuses a caller without the role. 1.106.2 masks the user.
func (v Version) adminOnly(route, role, user string) *refusal {
	if role == "" {
		role = "unknown"
	}
	if user == "" {
		user = "unknown"
	}
	if v == V1_106 {
		user = "*******"
	}
	return authError(401, fmt.Sprintf(
		"Authentication Error, Only proxy admin can be used to generate, delete, update info for new keys/users/teams. Route=%s. Your role=%s. Your user_id=%s",
		route, role, user))
}

func viewerOnly(route, role string) *refusal {
	return authError(403, fmt.Sprintf("user not allowed to access this route, role= %s. Trying to access: %s", role, route))
}

func keyNotFound() *refusal {
	return &refusal{status: 404, message: "Key not found in database", kind: "not_found_error", param: "key"}
}

// missing is FastAPI's word for a field that is not there.
func missing(field string) *refusal {
	return detail(422, []any{object{"type": "missing", "loc": []any{"body", field}, "msg": "Field required"}})
}
