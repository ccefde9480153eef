package fake

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Model is an entry of the model list.
type Model struct {
	Name          string  // what clients ask for
	Underlying    string  // "anthropic/claude-3-haiku-20240307"
	Answer        string  // mock_response
	Input, Output float64 // dollars a token
	APIKey        string  // of the provider; printed where LiteLLM prints it
	APIBase       string  // of a provider that is asked; "" answers here
	Failure       string  // the provider's error text; "" answers
	FailureStatus int     // what LiteLLM makes of it: 401, 500
}

// The prices of DefaultModels, and the tokens that a mock answer counts.
const (
	mockPrompt, mockCompletion = 10, 20
	mockAnswer                 = "hello from the mock"
)

// DefaultModels are two that answer, one for teams, one whose provider is down
// and one whose provider repeats the key it was sent.
func DefaultModels() []Model {
	echoed := "tok_" + NewKey()[3:] // no prefix that LiteLLM's filter knows
	return []Model{
		{Name: "claude-3-haiku", Underlying: "anthropic/claude-3-haiku-20240307", Answer: mockAnswer, Input: 0.25e-6, Output: 1.25e-6},
		{Name: "gpt-mock", Underlying: "openai/gpt-4o-mini", Answer: mockAnswer, Input: 0.15e-6, Output: 0.6e-6},
		{Name: "team-only", Underlying: "openai/gpt-4o-mini", Answer: "hello from the team's model", Input: 0.15e-6, Output: 0.6e-6},
		{Name: "claude-dead", Underlying: "anthropic/claude-3-haiku-20240307", FailureStatus: 500,
			Failure: "litellm.InternalServerError: AnthropicException - Cannot connect to host 127.0.0.1:9 ssl:default [Connect call failed ('127.0.0.1', 9)]. Handle with `litellm.InternalServerError`."},
		{Name: "echo-401", Underlying: "openai/some-model", APIKey: echoed, FailureStatus: 401,
			Failure: "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key provided: " + echoed},
	}
}

// chatRequest is what is read of a chat request.
type chatRequest struct {
	Model    string `json:"model"`
	Messages []any  `json:"messages"`
	Mock     string `json:"mock_response"`
}

func chat(c *call) (any, *refusal) {
	var req chatRequest
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	if req.Messages == nil && c.v == V1_106 {
		return nil, &refusal{status: 400, message: "/chat/completions: Missing required parameter: 'messages'.", kind: "invalid_request_error", param: "messages"}
	}
	for _, check := range []func(string) *refusal{c.mayUse, c.withinBudget, c.withinUserBudget, c.withinTagBudget, c.withinRate, c.withinTokens} {
		if no := check(req.Model); no != nil {
			return nil, no
		}
	}
	done, no := c.oneOf()
	if no != nil {
		return nil, no
	}
	defer done()
	m, ok := c.model(req.Model)
	if !ok {
		return nil, c.v.noSuchModel(req.Model)
	}
	// Any client can make 1.81.0 answer what it likes, provider or not.
	if req.Mock != "" && c.v == V1_81 {
		m.Answer, m.Failure = req.Mock, ""
	}
	if m.Failure != "" {
		return nil, c.v.providerFailed(&m)
	}
	if m.APIBase != "" {
		answer, no := c.ask(&m, "POST", "/chat/completions", "application/json", c.passOn(&m))
		if no == nil {
			c.spend(&m)
		}
		return answerOf(answer, no)
	}
	c.spend(&m)
	name := m.Name
	if c.v == V1_81 {
		_, name, _ = strings.Cut(m.Underlying, "/")
	}
	return object{
		"id": "chatcmpl-" + newID(), "created": c.now.Unix(), "model": name, "object": "chat.completion",
		"choices": []any{object{"finish_reason": "stop", "index": 0, "message": object{"content": m.Answer, "role": "assistant"}}},
		"usage":   object{"completion_tokens": mockCompletion, "prompt_tokens": mockPrompt, "total_tokens": mockPrompt + mockCompletion},
	}, nil
}

func (c *call) model(name string) (Model, bool) {
	i := slices.IndexFunc(c.g.opts.Models, func(m Model) bool { return m.Name == name })
	if i < 0 {
		return Model{}, false
	}
	return c.g.opts.Models[i], true
}

func (v Version) noSuchModel(name string) *refusal {
	if name == "" {
		name = none
	}
	message := "/chat/completions: Invalid model name passed in model=" + name + ". Call `/v1/models` to view available models for your key."
	if v == V1_106 {
		return &refusal{status: 400, message: message, kind: "invalid_request_error"}
	}
	return &refusal{status: 400, message: "{'error': '" + message + "'}", kind: none, param: none}
}

// providerFailed passes a provider's refusal on: its status with a type of null
// in 1.81.0, which is how it can be told from the gateway's own 401.
func (v Version) providerFailed(m *Model) *refusal {
	if v == V1_81 {
		return &refusal{status: m.FailureStatus, message: m.Failure + ". Received Model Group=" + m.Name + "\nAvailable Model Group Fallbacks=None"}
	}
	kind := "internal_server_error"
	if m.FailureStatus == http.StatusUnauthorized {
		kind = "authentication_error"
	}
	return &refusal{status: m.FailureStatus, kind: kind,
		message: filter(m.Failure) + "\n\nLiteLLM: model group '" + m.Name + "' failed with the error above. No fallback was attempted."}
}

// withinBudget compares what is spent: what the database has, and what this
// replica has not written yet. So the first requests on each replica pass.
func (c *call) withinBudget(string) *refusal {
	if c.who.master {
		return nil
	}
	k := &c.who.key
	if written, ok := c.db.key(k.Token); ok && k.Budget != nil {
		c.mu.Lock()
		spent := max(written.Spend, k.Spend+c.unspent[k.Token])
		c.mu.Unlock()
		if spent >= *k.Budget {
			return c.v.overBudget(k, spent)
		}
	}
	if c.who.hasTeam && c.who.team.Budget != nil {
		if t, ok := c.db.team(c.who.team.ID); ok && t.Spend > *c.who.team.Budget {
			return c.v.overTeamBudget(&t)
		}
	}
	return nil
}

// spend books the cost of one mock answer.
func (c *call) spend(m *Model) {
	if c.who.master {
		return
	}
	cost := mockPrompt*m.Input + mockCompletion*m.Output
	c.mu.Lock()
	c.unspent[c.who.key.Token] += cost
	c.mu.Unlock()
	_, tags := c.tags()
	c.db.charge(c.who.key.Token, cost, tags...)
	c.useTokens(mockPrompt + mockCompletion)
}

// window counts the requests of one key in one minute.
type window struct {
	until time.Time
	used  int
}

// withinRate counts by replica, so a limit of one lets one through on each.
func (c *call) withinRate(string) *refusal {
	k := &c.who.key
	if c.who.master || k.RPM == nil {
		return nil
	}
	counter := c.counter()
	counter.mu.Lock()
	defer counter.mu.Unlock()
	w := counter.windows[k.Token]
	if !c.now.Before(w.until) {
		w = window{until: c.now.Add(time.Minute)}
	}
	if w.used >= *k.RPM {
		return c.v.tooMany(k.Token, *k.RPM, w.until)
	}
	w.used++
	counter.windows[k.Token] = w
	return nil
}

func listModels(c *call) (any, *refusal) {
	data := []any{}
	for _, m := range c.g.opts.Models {
		if c.mayUse(m.Name) == nil {
			data = append(data, object{"id": m.Name, "object": "model", "created": 1677610602, "owned_by": "openai"})
		}
	}
	return object{"data": data, "object": "list"}, nil
}

func modelInfo(c *call) (any, *refusal) {
	data := []any{}
	for _, m := range c.g.opts.Models {
		data = append(data, object{"model_name": m.Name, "litellm_params": object{"model": m.Underlying}, "model_info": object{"id": hashKey("sk-" + m.Name)}})
	}
	return object{"data": data}, nil
}

func alive(*call) (any, *refusal) { return "I'm alive!", nil }

func ready(c *call) (any, *refusal) {
	db := "connected"
	if c.g.opts.NoDatabase {
		db = "Not connected"
	}
	if c.v == V1_106 {
		return object{"status": "healthy", "db": db}, nil
	}
	return object{"status": "connected", "db": db, "cache": nil, "litellm_version": string(c.v), "success_callbacks": []any{},
		"use_aiohttp_transport": true, "last_updated": c.now.UTC().Format("2006-01-02T15:04:05.000000")}, nil
}

// health answers any valid key; 1.81.0 shows it the parameters of the models.
func health(c *call) (any, *refusal) {
	good, bad := []any{}, []any{}
	for _, m := range c.g.opts.Models {
		entry := object{"model": m.Underlying}
		if c.v == V1_81 {
			maps.Copy(entry, object{"use_in_pass_through": false, "mock_response": m.Answer})
		}
		if m.Failure == "" {
			good = append(good, entry)
			continue
		}
		entry["error"] = m.Failure
		bad = append(bad, entry)
	}
	return object{"healthy_endpoints": good, "unhealthy_endpoints": bad, "healthy_count": len(good), "unhealthy_count": len(bad)}, nil
}

// pythonList is repr() of a list of str.
func pythonList(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = fmt.Sprintf("'%s'", s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
