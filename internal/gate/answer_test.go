package gate

import (
	"net/http"
	"testing"
)

// Answers as the two versions were seen to give them.
func TestClassify(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   Kind
	}{
		{"no key", 401, `{"error":{"message":"Authentication Error, No api key passed in.","type":"auth_error","param":"None","code":"401"}}`, Refused},
		{"unknown key", 401, `{"error":{"message":"Authentication Error, Invalid proxy server token passed. Received API Key = sk-...2345","type":"token_not_found_in_db","param":"key","code":"401"}}`, Refused},
		{"expired, 1.81", 400, `{"error":{"message":"Authentication Error - Expired Key. Key Expiry time x","type":"expired_key","param":"sk-...5c6d","code":"400"}}`, Refused},
		{"expired, 1.106", 401, `{"error":{"message":"Authentication Error - Expired Key. Key Expiry time x","type":"expired_key","param":"sk-...5ce8","code":"401"}}`, Refused},
		{"budget, 1.81", 400, `{"error":{"message":"Budget has been exceeded! Current cost: 2.75e-05, Max budget: 1e-07","type":"budget_exceeded","param":null,"code":"400"}}`, OverBudget},
		{"budget, 1.106", 422, `{"error":{"message":"Budget has been exceeded! Key=key (sk-...OIbg)","type":"budget_exceeded","param":null,"code":"422"}}`, OverBudget},
		{"model, 1.81", 401, `{"error":{"message":"key not allowed to access model.","type":"key_model_access_denied","param":"model","code":"401"}}`, ModelDenied},
		{"model, 1.106", 403, `{"error":{"message":"The requested model 'x' is not available for this API key","type":"team_model_access_denied","param":"model","code":"403"}}`, ModelDenied},
		{"rate, 1.81", 429, `{"error":{"message":"Rate limit exceeded for api_key: 93bb","type":"None","param":"None","code":"429"}}`, Throttled},
		{"rate, 1.106", 429, `{"error":{"message":"Rate limit exceeded for api_key: 93bb","type":"throttling_error","param":null,"code":"429"}}`, Throttled},
		{"FastAPI's own 401", 401, `{"detail":{"error":"Only admin users can query all teams/other teams."}}`, Refused},
		{"403 of another type", 403, `{"error":{"message":"You are not authorized to access this endpoint.","type":"bad_request_error","param":"user_id","code":"403"}}`, Refused},
		{"no database", 400, `{"error":{"message":"No connected db.","type":"no_db_connection","param":"None","code":"400"}}`, NoDatabase},
		{"provider's 401, 1.81", 401, `{"error":{"message":"litellm.AuthenticationError: AnthropicException - {\"type\":\"error\"}","type":null,"param":null,"code":"401"}}`, ProviderError},
		{"provider's 401, 1.106", 401, `{"error":{"message":"litellm.AuthenticationError: AnthropicException - x","type":"authentication_error","param":null,"code":"401"}}`, ProviderError},
		{"provider down", 500, `{"error":{"message":"litellm.InternalServerError: AnthropicException - Cannot connect to host REDACTED:9","type":"internal_server_error","param":null,"code":"500"}}`, ProviderError},
		{"provider's limit", 429, `{"error":{"message":"litellm.RateLimitError: RateLimitError: OpenAIException","type":"throttling_error","param":null,"code":"429"}}`, ProviderError},
		{"provider's timeout", 408, `{"error":{"message":"litellm.Timeout: AnthropicException","type":null,"param":null,"code":"408"}}`, ProviderError},
		{"provider in cooldown, 1.81", 429, `{"error":{"message":"No deployments available for selected model, Try again in 5 seconds.","type":"None","param":"None","code":"429"}}`, ProviderError},
		{"provider in cooldown, 1.106", 429, `{"error":{"message":"No deployments available for selected model, Try again in 5 seconds.","type":"all_deployments_in_cooldown","param":null,"code":"429"}}`, ProviderError},
		{"the gateway's own 500", 500, `{"error":{"message":"Regenerating Virtual Keys is an Enterprise feature","type":"internal_server_error","param":null,"code":"500"}}`, ServerError},
		{"a feature that is off", 500, `{"error":{"message":"{'error': 'Set STORE_MODEL_IN_DB'}","type":"auth_error","param":"None","code":"500"}}`, ServerError},
		{"bad JSON", 400, `{"error":{"message":"Invalid JSON payload: x","type":"invalid_request_error","param":"request_body","code":"400"}}`, Invalid},
		{"a refusal that quotes a provider's", 401, `{"error":{"message":"LiteLLM Virtual Key expected. Received=litellm.AuthenticationError: x","type":"auth_error","param":"None","code":"401"}}`, Refused},
		{"a refusal that begins like a provider's", 401, `{"error":{"message":"litellm.AuthenticationError: x","type":"auth_error","param":"None","code":"401"}}`, Refused},
		{"no route", 404, `{"detail":"Not Found"}`, Invalid},
		{"served", 200, `{"id":"x"}`, Served},
		{"nginx", 502, "<html><head><title>502 Bad Gateway</title></head></html>", Foreign},
		{"plain text", 500, "Internal Server Error", Foreign},
	} {
		a := Answer{Status: c.status, Body: []byte(c.body), Header: http.Header{}}
		if a.classify(); a.Kind != c.want {
			t.Errorf("%s: %s, want %s", c.name, a.Kind, c.want)
		}
	}
}

func TestWebPageIsNotServed(t *testing.T) {
	a := Answer{Status: 200, Body: []byte("<html>It works</html>"), Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}}
	if a.classify(); a.Kind != Foreign || a.Admitted() {
		t.Errorf("a web page is %s", a.Kind)
	}
}

// Whatever is answered, nothing panics and a kind is found.
func FuzzClassify(f *testing.F) {
	f.Add(401, `{"error":{"message":["x"],"type":{},"param":7}}`)
	f.Add(200, `[]`)
	f.Add(0, ``)
	f.Fuzz(func(t *testing.T, status int, body string) {
		a := Answer{Status: status, Body: []byte(body), Header: http.Header{}}
		a.classify()
		if a.Kind == "" || len(a.Why()) > clipAt+len("…") {
			t.Errorf("kind %q, %d bytes quoted", a.Kind, len(a.Why()))
		}
		_, _, _ = a.Text("info", "x"), a.Number("y"), a.String()
	})
}
