package fake

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// What a model with an APIBase is asked goes to that provider: chats, and what
// a provider keeps of its own, by the routes that a model can be named for.

// upstreamRoutes are those that only such a model answers.
func upstreamRoutes() []route {
	return []route{
		{"POST", "/v1/responses", anyKey, newResponse},
		{"GET", "/v1/responses/{key}", anyKey, readResponse},
		{"DELETE", "/v1/responses/{key}", anyKey, readResponse},
		{"POST", "/v1/files", anyKey, newFile},
		{"GET", "/v1/files/{key}", anyKey, readEncoded},
		{"GET", "/v1/files/{key}/content", anyKey, readEncoded},
		{"DELETE", "/v1/files/{key}", anyKey, readEncoded},
		{"POST", "/v1/batches", anyKey, newBatch},
		{"GET", "/v1/batches/{key}", anyKey, readEncoded},
		{"POST", "/v1/vector_stores", anyKey, vectorStore},
		{"POST", "/v1/vector_stores/{key}/search", anyKey, vectorStore},
		{"POST", "/v1/vector_stores/{key}", anyKey, vectorStore},
	}
}

// vectorStore passes on what concerns a vector store, whoever asks, to the place
// of the kind that the request names: LiteLLM knows whose a store is only of
// those registered with it.
func vectorStore(c *call) (any, *refusal) {
	var req struct {
		Kind string `json:"custom_llm_provider"`
	}
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	if req.Kind != "pg_vector" || c.g.opts.VectorBase == "" {
		return nil, c.v.failure(http.StatusInternalServerError, "litellm.APIConnectionError: PG Vector API key is required. Set PG_VECTOR_API_KEY environment variable or pass api_key in litellm_params.")
	}
	m := Model{Name: req.Kind, APIBase: c.g.opts.VectorBase}
	return answerOf(c.ask(&m, c.r.Method, c.r.URL.Path, "application/json", c.body))
}

// maxUpstream bounds a provider's answer.
const maxUpstream = 4 << 20

// ask sends a request to a model's provider. Its refusal is LiteLLM's of it.
func (c *call) ask(m *Model, method, path, contentType string, body []byte) (object, *refusal) {
	ctx := c.r.Context()
	if limit := c.timeout(); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	req, err := http.NewRequestWithContext(ctx, method, m.APIBase+path, bytes.NewReader(body))
	if err != nil {
		return nil, c.unreached(m)
	}
	req.Header.Set("Authorization", "Bearer "+m.APIKey)
	if c.g.opts.ForwardKey {
		req.Header.Set("x-litellm-api-key", c.who.given)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.g.upstream.Do(req)
	if ctx.Err() == context.DeadlineExceeded {
		return nil, c.tooLate(m)
	}
	if err != nil {
		return nil, c.unreached(m)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxUpstream))
	var answer object
	if err != nil || json.Unmarshal(text, &answer) != nil {
		return nil, c.unreached(m)
	}
	if resp.StatusCode < 300 {
		return answer, nil
	}
	return nil, c.refusedBy(m, resp.StatusCode, answer)
}

// refusedBy is what LiteLLM makes of a provider's refusal.
func (c *call) refusedBy(m *Model, status int, answer object) *refusal {
	why, _ := answer["error"].(map[string]any)
	failed := *m
	failed.FailureStatus = status
	name := map[int]string{401: "AuthenticationError", 404: "NotFoundError"}[status]
	if name == "" {
		name = "BadRequestError"
	}
	failed.Failure = fmt.Sprintf("litellm.%s: %s: OpenAIException - %v", name, name, why["message"])
	return c.v.providerFailed(&failed)
}

// timeout is how long the provider may take if the request says so; 0 if not.
func (c *call) timeout() time.Duration {
	var req struct{ Timeout float64 }
	_ = json.Unmarshal(c.body, &req) // a form upload says nothing of it
	return time.Duration(req.Timeout * float64(time.Second))
}

// tooLate is what LiteLLM makes of a provider that takes longer.
func (c *call) tooLate(m *Model) *refusal {
	failed := *m
	failed.FailureStatus = http.StatusRequestTimeout
	failed.Failure = fmt.Sprintf("litellm.Timeout: APITimeoutError - Request timed out. Error_str: Request timed out. - timeout value=%v", c.timeout().Seconds())
	return c.v.providerFailed(&failed)
}

// unreached is what LiteLLM makes of a provider that does not answer.
func (c *call) unreached(m *Model) *refusal {
	failed := *m
	failed.FailureStatus, failed.Failure = http.StatusInternalServerError, "litellm.InternalServerError: InternalServerError: OpenAIException - Connection error."
	return c.v.providerFailed(&failed)
}

// passedOn are the members of a request that reach the provider.
var passedOn = []string{"messages", "max_tokens", "input", "tools", "endpoint", "completion_window"}

// passOn is a client's request as the provider gets it.
func (c *call) passOn(m *Model) []byte {
	var from object
	_ = json.Unmarshal(c.body, &from) // was read before
	to := object{"model": m.upstreamName()}
	for _, name := range passedOn {
		if v, ok := from[name]; ok {
			to[name] = v
		}
	}
	body, _ := json.Marshal(to) // what came from JSON goes back
	return body
}

func (m *Model) upstreamName() string {
	_, name, _ := strings.Cut(m.Underlying, "/")
	return name
}

// upstreamModel is a model that this caller may use and that has a provider.
func (c *call) upstreamModel(name string) (*Model, *refusal) {
	if no := c.mayUse(name); no != nil {
		return nil, no
	}
	m, ok := c.model(name)
	if !ok || m.APIBase == "" {
		return nil, c.v.noSuchModel(name)
	}
	return &m, nil
}

// newResponse makes a response whose id says whose it is; LiteLLM encrypts that.
func newResponse(c *call) (any, *refusal) {
	var req struct{ Model string }
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	m, no := c.upstreamModel(req.Model)
	if no != nil {
		return nil, no
	}
	answer, no := c.ask(m, "POST", "/responses", "application/json", c.passOn(m))
	if no != nil {
		return nil, no
	}
	c.spend(m)
	answer["id"] = encodeID("resp_", fmt.Sprint(answer["id"]), m.Name+";team_id:"+c.who.key.TeamID)
	return answer, nil
}

func readResponse(c *call) (any, *refusal) {
	id, rest, ok := decodeID(c.lastSegment())
	name, team, owned := strings.Cut(rest, ";team_id:")
	m, found := c.model(name)
	if !ok || !owned || !found {
		return nil, detail(http.StatusNotFound, "Response not found")
	}
	if !c.who.master && team != "" && team != c.who.key.TeamID {
		return nil, detail(http.StatusForbidden, "Forbidden. The response id is not associated with the team, who this key belongs to.")
	}
	return answerOf(c.ask(&m, c.r.Method, "/responses/"+id, "", nil))
}

// newFile uploads to the provider of the model that the request names. Its id
// names the model, and nobody whose file it is.
func newFile(c *call) (any, *refusal) {
	name := c.r.Header.Get("x-litellm-model")
	if name == "" {
		return nil, c.v.failure(http.StatusInternalServerError, "Managed files hook not found")
	}
	return c.encoded(name, "file-", "/files", c.r.Header.Get("Content-Type"), c.body)
}

func newBatch(c *call) (any, *refusal) {
	var req struct {
		File string `json:"input_file_id"`
	}
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	_, name, ok := decodeID(req.File)
	if !ok {
		return nil, c.v.failure(http.StatusInternalServerError, "litellm.InternalServerError: no model for this batch")
	}
	return c.encoded(name, "batch_", "/batches", "application/json", c.body)
}

func (c *call) encoded(model, prefix, path, contentType string, body []byte) (any, *refusal) {
	m, no := c.upstreamModel(model)
	if no != nil {
		return nil, no
	}
	answer, no := c.ask(m, "POST", path, contentType, body)
	if no != nil {
		return nil, no
	}
	answer["id"] = encodeID(prefix, fmt.Sprint(answer["id"]), m.Name)
	return answer, nil
}

// readEncoded reads or removes what the id in the path means, for any key.
func readEncoded(c *call) (any, *refusal) {
	segments := strings.Split(c.r.URL.Path, "/") // "", v1, files, ID[, content]
	id, name, ok := decodeID(segments[3])
	m, found := c.model(name)
	if !ok || !found {
		return nil, detail(http.StatusNotFound, "No such object")
	}
	path := "/" + strings.Join(append([]string{segments[2], id}, segments[4:]...), "/")
	return answerOf(c.ask(&m, c.r.Method, path, "", nil))
}

// answerOf keeps a refusal from becoming an answer of nothing.
func answerOf(answer object, no *refusal) (any, *refusal) {
	if no != nil {
		return nil, no
	}
	return answer, nil
}

func (c *call) lastSegment() string {
	return c.r.URL.Path[strings.LastIndex(c.r.URL.Path, "/")+1:]
}

// encodeID and decodeID are LiteLLM's ids with a model in them:
// file-<base64 of litellm:ID;model,NAME>.
func encodeID(prefix, id, model string) string {
	return prefix + base64.RawURLEncoding.EncodeToString([]byte("litellm:"+id+";model,"+model))
}

func decodeID(encoded string) (id, model string, ok bool) {
	for _, prefix := range []string{"file-", "batch_", "resp_"} {
		encoded = strings.TrimPrefix(encoded, prefix)
	}
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return "", "", false
	}
	rest, ok := strings.CutPrefix(string(text), "litellm:")
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, ";model,")
}
