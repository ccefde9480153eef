package gate

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Kind says who answered and how. A gateway and the provider behind it both
// answer 401, so the status alone says nothing.
type Kind string

// The kinds of an answer.
const (
	Served        Kind = "served"           // 2xx
	Refused       Kind = "refused"          // the gateway: who you are, or what you may do
	OverBudget    Kind = "over budget"      // the gateway, error.type budget_exceeded
	Throttled     Kind = "throttled"        // the gateway, 429
	ModelDenied   Kind = "model denied"     // the gateway's allowlist
	ProviderError Kind = "provider failure" // the provider refused or could not be reached
	Invalid       Kind = "invalid request"  // any other 4xx
	NoDatabase    Kind = "no database"      // the gateway has none, or lost it
	ServerError   Kind = "server error"     // 5xx of the gateway
	Foreign       Kind = "not LiteLLM"      // a web page, or no JSON where LiteLLM answers JSON
	Redirected    Kind = "redirect"         // 3xx; never followed
	NoAnswer      Kind = "no answer"        // refused, cut, too slow, over the request budget
	Unmet         Kind = "not sent"         // an object it refers to could not be made
)

// Answer is what came back for a request.
type Answer struct {
	Target  string // "the gateway", "replica 1"
	Kind    Kind
	Status  int
	Header  http.Header
	Body    []byte // at most maxBody bytes
	Took    time.Duration
	Type    string // error.type
	Param   string // error.param
	Message string // error.message, or what went wrong on the way
}

// Admitted says that authentication passed: the request was served, or went
// as far as the provider.
func (a Answer) Admitted() bool { return a.Kind == Served || a.Kind == ProviderError }

// Denied says that the gateway itself said no to this caller.
func (a Answer) Denied() bool {
	switch a.Kind {
	case Refused, ModelDenied, OverBudget, Throttled:
		return true
	}
	return false
}

// Silent says that there is no answer to judge.
func (a Answer) Silent() bool {
	switch a.Kind {
	case NoAnswer, Unmet, Foreign, NoDatabase:
		return true
	}
	return false
}

// String says in a few words what the answer was.
func (a Answer) String() string {
	switch {
	case a.Kind == NoAnswer || a.Kind == Unmet:
		return clip(a.Message)
	case a.Kind == Served:
		return fmt.Sprintf("%d", a.Status)
	case a.Type != "" && a.Type != "None":
		return fmt.Sprintf("%d %s", a.Status, clip(a.Type))
	case a.Kind == ProviderError:
		return fmt.Sprintf("%d from the provider", a.Status)
	default:
		return fmt.Sprintf("%d (%s)", a.Status, a.Kind)
	}
}

// Full is String with the message, where that says more.
func (a Answer) Full() string {
	if said := a.String(); a.Message != "" && said != a.Why() {
		return said + ": " + a.Why()
	}
	return a.String()
}

// Why is the message of a refusal or failure, cut to a line.
func (a Answer) Why() string { return clip(a.Message) }

// Raw is the answer as text for detectors: headers, then the body.
func (a Answer) Raw() string {
	var b strings.Builder
	_ = a.Header.Write(&b) // a strings.Builder takes all
	b.WriteString("\n")
	b.Write(a.Body)
	return b.String() + "\n"
}

// Field returns a member of a JSON object answered, nil if there is none.
func (a Answer) Field(path ...string) any {
	var v any
	if json.Unmarshal(a.Body, &v) != nil {
		return nil
	}
	for _, name := range path {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[name]
	}
	return v
}

// Text is Field as a string, "" if it is none.
func (a Answer) Text(path ...string) string {
	s, _ := a.Field(path...).(string)
	return s
}

// Number is Field as a number, 0 if it is none.
func (a Answer) Number(path ...string) float64 {
	n, _ := a.Field(path...).(float64)
	return n
}

// clipAt bounds what a report quotes of an answer.
const clipAt = 240

func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= clipAt {
		return s
	}
	return strings.ToValidUTF8(s[:clipAt], "") + "…"
}

// providerMessage is how LiteLLM begins what a provider, or the way to it, went
// wrong with: "litellm.AuthenticationError: AnthropicException - …"; and what it
// says, with 429, while it leaves a provider that failed alone for some seconds.
var providerMessage = regexp.MustCompile(`^(?:(?:[A-Z][A-Za-z ]*, )?litellm\.(?:[A-Za-z]+\.)*[A-Za-z]*(?:Error|Exception|Timeout)\b|No deployments available for selected model)`)

// gatewayTypes are the error types of LiteLLM's own refusals, both versions.
var gatewayTypes = map[string]Kind{
	"auth_error":                  Refused,
	"token_not_found_in_db":       Refused,
	"expired_key":                 Refused,
	"key_model_access_denied":     ModelDenied,
	"team_model_access_denied":    ModelDenied,
	"user_model_access_denied":    ModelDenied,
	"org_model_access_denied":     ModelDenied,
	"project_model_access_denied": ModelDenied,
	"budget_exceeded":             OverBudget,
	"no_db_connection":            NoDatabase,
}

// classify fills Kind, Type, Param and Message from status and body.
func (a *Answer) classify() {
	a.readError()
	switch {
	case a.Status >= 200 && a.Status < 300 && a.isPage():
		a.Kind = Foreign
	case a.Status >= 200 && a.Status < 300:
		a.Kind = Served
	case a.Status >= 300 && a.Status < 400:
		a.Kind = Redirected
	case strings.Contains(a.Message, "No connected db") || strings.Contains(a.Message, "DB not connected"):
		a.Kind = NoDatabase
	case a.Status < 500 && gatewayTypes[a.Type] != "":
		a.Kind = gatewayTypes[a.Type]
	case providerMessage.MatchString(a.Message):
		a.Kind = ProviderError
	case !a.isJSON():
		a.Kind = Foreign
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		a.Kind = Refused
	case a.Status == http.StatusTooManyRequests:
		a.Kind = Throttled
	case a.Status >= 500:
		a.Kind = ServerError
	default:
		a.Kind = Invalid
	}
}

func (a *Answer) isJSON() bool { return json.Valid(a.Body) }

// isPage says that this is for browsers: what a server that is something else
// answers to anything.
func (a *Answer) isPage() bool { return strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") }

// readError takes LiteLLM's {"error":{…}} apart, and FastAPI's {"detail":…}.
func (a *Answer) readError() {
	var body struct {
		Error  json.RawMessage `json:"error"`
		Detail json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(a.Body, &body) != nil {
		return
	}
	var e struct{ Message, Type, Param any }
	if json.Unmarshal(body.Error, &e) == nil {
		a.Message, a.Type, a.Param = asText(e.Message), asText(e.Type), asText(e.Param)
	}
	if a.Message == "" && len(body.Detail) > 0 {
		a.Message = string(body.Detail)
	}
}

func asText(v any) string {
	s, _ := v.(string)
	return s
}
